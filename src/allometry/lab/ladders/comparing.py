"""What finished ladders say: each recipe's front, and recipes against the first at equal FLOPs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allometry.fits import Settings
from allometry.lab.ladders.recipes import POINT, RECIPE, check_one_recipe, named
from allometry.notices import Refused
from allometry.plans import Arms, arms
from allometry.plans._arms_rungs import SAME
from allometry.runs import read_runs

if TYPE_CHECKING:
    import polars as pl

LAW = "A * flops**-a"


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
    """One recipe: its points by FLOPs. On the front are those that lose less than every cheaper one."""

    recipe: str
    points: tuple[Point, ...]


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
    fronts = tuple(_front(str(group[name][0]), group) for group in ended.partition_by(name, maintain_order=True))
    found, apart = list[Arms](), list[str]()
    for front in fronts[1:]:
        try:
            found.append(_against(rows, name, fronts[0], front, law, settings))
        except Refused as refused:
            apart.append(f"{front.recipe} is not compared with {fronts[0].recipe}: {refused.message}")
    return Shown(rows, name, str(ended["loss_unit"][0]), fronts, tuple(found), tuple(apart))


def _front(recipe: str, ended: pl.DataFrame) -> Front:
    import polars as pl

    means = ended.group_by(POINT).agg(pl.col("loss").mean(), pl.len().alias("runs")).sort("flops", "loss")
    points, best = list[Point](), float("inf")
    for row in means.iter_rows(named=True):
        points.append(
            Point(float(row["flops"]), float(row["params"]), int(row["runs"]), row["loss"], row["loss"] < best)
        )
        best = min(best, row["loss"])
    return Front(recipe, tuple(points))


def _against(rows: pl.DataFrame, by: str, one: Front, other: Front, law: str, settings: Settings | None) -> Arms:
    """The arms at the largest FLOPs that both have, so that nothing is extrapolated."""
    largest = min(front.points[-1].flops for front in (one, other))
    runs = read_runs(rows.to_dict(as_series=False))
    return arms(runs, by, law, {"flops": largest}, names=(one.recipe, other.recipe), settings=settings)


def measured_gaps(one: Front, other: Front) -> list[tuple[float, float]]:
    """FLOPs that both have, and the second's measured loss less the first's there."""
    found = []
    for point in one.points:
        twin = min(other.points, key=lambda p: abs(p.flops / point.flops - 1))
        if abs(twin.flops / point.flops - 1) <= SAME:
            found.append((point.flops, twin.loss - point.loss))
    return found
