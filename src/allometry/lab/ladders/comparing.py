"""What finished ladders say: each recipe's front, and recipes against the first at equal FLOPs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allometry.fits import Settings
from allometry.lab.ladders.recipes import POINT, RECIPE, check_one_recipe, named
from allometry.laws import Law, find_law
from allometry.notices import Refused
from allometry.plans import Arms, arms
from allometry.plans._arms_rungs import SAME
from allometry.plans._arms_scale import scale_of
from allometry.runs import Runs, read_runs

if TYPE_CHECKING:
    import polars as pl

LAW = "A * flops**-a"
# What leaves a recipe out of the comparison: too few runs of its own for the law.
LEFT_OUT = ("few-runs", "too-few-rows", "not-determined")


@dataclass(frozen=True)
class Point:
    """Runs that differ by their seed alone: their FLOPs and parameters, how many, their mean loss, and whether on the front."""

    flops: float
    params: float
    runs: int
    loss: float
    front: bool


@dataclass(frozen=True)
class Front:
    """One recipe: its points by FLOPs, on the front those that lose less than every cheaper one; and how many of its runs
    diverged, which are in no mean."""

    recipe: str
    points: tuple[Point, ...]
    diverged: int = 0


@dataclass(frozen=True)
class Shown:
    """Rows of ladders, the column that tells their recipes apart, their fronts, each against the first, and why a
    recipe is not compared."""

    rows: pl.DataFrame
    by: str
    unit: str
    fronts: tuple[Front, ...]
    against: tuple[Arms, ...]
    apart: tuple[str, ...]


def show_ladders(rows: pl.DataFrame, by: str | None = None, law: str = LAW, settings: Settings | None = None) -> Shown:
    """The fronts of recipes, and the difference of each to the first, up to the largest FLOPs that both have.

    Use it to look at ladders; `plans.arms` with a law of your own says what holds beyond them. Recipes are told apart by
    the column `by`, whose first value is the baseline; by default by mechanism, all that varies beside it and the settings
    in which the ladders differ, the plainest being the baseline. Losses of runs that differ by their seed alone are averaged. Differences are those of
    `law` fitted to both, resampled by rung.
    Errors: `Refused` for a column that is not there, ladders of several corpora, whose losses are not of the same thing,
    recipes that hold one seed twice at one point, for those are several recipes, and where no run has come to its end.
    """
    import polars as pl

    if by is not None and by not in rows.columns:
        raise Refused("unknown-column", f"the table has no column {by!r}", "--by", f"it has {', '.join(rows.columns)}")
    for column in ("corpus", "loss_unit"):
        if len(kinds := rows[column].unique(maintain_order=True)) > 1:
            raise Refused("not-comparable", f"the ladders differ in {column} ({', '.join(map(str, kinds))})", "the folders",
                          "give ladders that were measured on the same text")  # fmt: skip
    rows, name = (rows, by) if by is not None else (named(rows), RECIPE)
    check_one_recipe(rows, name)
    ended = rows.filter((pl.col("step") == pl.col("steps")) & pl.col("loss").is_not_null())
    if ended.is_empty():
        raise Refused("no-runs", "no run has come to its end with a loss", "the folder", "wait for the first")
    fronts = _fronts(rows, ended, name)
    # Refused once for all: only what a recipe's own runs lack leaves it out alone.
    runs = read_runs(rows.to_dict(as_series=False))
    chosen = find_law(law, axes=runs.columns)
    scale_of(chosen, {"flops": 1.0})
    found, apart = list[Arms](), list[str]()
    for front in fronts[1:]:
        try:
            found.append(_against(runs, name, fronts[0], front, chosen, settings))
        except Refused as refused:
            if refused.code not in LEFT_OUT:
                raise
            apart.append(f"{front.recipe} is not compared with {fronts[0].recipe}: {refused.message}")
    return Shown(rows, name, str(ended["loss_unit"][0]), fronts, tuple(found), tuple(apart))


def _fronts(rows: pl.DataFrame, ended: pl.DataFrame, by: str) -> tuple[Front, ...]:
    """A front for every recipe with a run that ended or diverged, those without a loss last."""
    import polars as pl

    lost = rows.filter(pl.col("state") == "diverged")
    found = list[Front]()
    for group in rows.partition_by(by, maintain_order=True):
        recipe = group[by][0]
        own, diverged = (part.filter(pl.col(by).eq_missing(recipe)) for part in (ended, lost))
        if len(own) or len(diverged):
            found.append(Front(str(recipe), _points(own), diverged["run_id"].n_unique()))
    return tuple(sorted(found, key=lambda front: not front.points))


def _points(ended: pl.DataFrame) -> tuple[Point, ...]:
    import polars as pl

    means = ended.group_by(POINT).agg(pl.col("loss").mean(), pl.len().alias("runs")).sort("flops", "loss")
    points, best = list[Point](), float("inf")
    for row in means.iter_rows(named=True):
        points.append(
            Point(float(row["flops"]), float(row["params"]), int(row["runs"]), row["loss"], row["loss"] < best)
        )
        best = min(best, row["loss"])
    return tuple(points)


def _against(runs: Runs, by: str, one: Front, other: Front, law: Law, settings: Settings | None) -> Arms:
    """The arms at the largest FLOPs that both have, so that nothing is extrapolated."""
    if not other.points:
        raise Refused("few-runs", "none of its runs ended with a loss")
    largest = min(front.points[-1].flops for front in (one, other))
    return arms(runs, by, law, {"flops": largest}, names=(one.recipe, other.recipe), settings=settings)


def diverged_line(fronts: Sequence[Front]) -> str | None:
    """How many runs of each recipe diverged, to be said beside the means that they are not in."""
    told = ", ".join(f"{front.diverged} of {front.recipe}" for front in fronts if front.diverged)
    return f"diverged runs, in no mean: {told}" if told else None


def measured_gaps(one: Front, other: Front) -> list[tuple[float, float]]:
    """FLOPs that both have, and the second's best loss there, of all sizes and rates, less the first's."""
    found = []
    others = _best_by_flops(other)
    for flops, loss in _best_by_flops(one):
        twin = min(others, key=lambda place: abs(place[0] / flops - 1), default=(math.inf, 0.0))
        if abs(twin[0] / flops - 1) <= SAME:
            found.append((flops, twin[1] - loss))
    return found


def _best_by_flops(front: Front) -> list[tuple[float, float]]:
    """FLOPs, those of one plan taken together, with the least loss."""
    found = list[tuple[float, float]]()
    for point in front.points:
        if found and point.flops / found[-1][0] - 1 <= SAME:
            found[-1] = (found[-1][0], min(found[-1][1], point.loss))
        else:
            found.append((point.flops, point.loss))
    return found
