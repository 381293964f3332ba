"""`allometry coverage`: pass@k beyond the samples drawn, the samples a coverage takes, and where more stop paying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import Json, Level, check_page, level_of
from allometry.cli.output import number, print_json, print_lines, print_table, progress
from allometry.expressions import parse_number
from allometry.forecasts import Coverage, Saturation, coverage_of, saturation_of
from allometry.notices import Interval, Refused
from allometry.plans.ends import ends_json
from allometry.runs import SampleCounts, count_sample_groups


@dataclass(frozen=True)
class Asked:
    """The samples, coverages and gains that are asked for."""

    at: tuple[float, ...]
    targets: tuple[float, ...]
    gains: tuple[float, ...]


@dataclass(frozen=True)
class Told:
    """What the counts of one group say."""

    name: str
    counts: SampleCounts
    coverage: Coverage
    forecasts: tuple[tuple[float, Interval, float, float], ...]
    targets: tuple[tuple[float, Interval], ...]
    gains: tuple[tuple[float, Interval], ...]
    saturation: Saturation | None

    def as_json(self) -> dict[str, Any]:
        held, law = self.coverage, self.saturation
        return {
            "group": self.name, "problems": len(held.trials), "samples": float(held.trials.sum()), "solved": held.solved,
            "tokens": self.counts.tokens, "basis": held.basis, "never": held.never,
            "forecasts": [{"samples": k, **ends_json(told), "likeliest": likeliest, "spent": spent}
                          for k, told, likeliest, spent in self.forecasts],
            "targets": [{"coverage": share, **ends_json(told)} for share, told in self.targets],
            "gains": [{"gain": gain, **ends_json(told)} for gain, told in self.gains],
            "saturation": None if law is None else {
                "ceiling": ends_json(law.ceiling), "chance": ends_json(law.chance), "holds": law.holds, "alike": law.alike,
                "budgets": [{"gain": gain, **ends_json(law.budget(gain))} for gain in dict(self.gains)],
            },
        }  # fmt: skip


def coverage(
    tables: Annotated[list[str], typer.Argument(metavar="TABLE...", help="Samples, one row each: CSV, Parquet or JSON lines; or logs of inspect (.eval) or lm-eval (samples_*.jsonl), which may be several.")],
    at: Annotated[list[str] | None, typer.Option(help="Samples of each problem to forecast pass@k at, e.g. 10k; repeatable.")] = None,
    target: Annotated[list[float] | None, typer.Option(help="Coverage to reach, e.g. 0.8: how many samples it takes; repeatable.")] = None,
    gain: Annotated[list[float] | None, typer.Option(help="The least that one more sample is worth, e.g. 0.001: where samples stop paying; repeatable.")] = None,
    by: Annotated[str | None, typer.Option(help="Column of groups, such as model: one answer each. Logs: model.")] = None,
    problem: Annotated[str, typer.Option(help="Column of the problem.")] = "problem",
    correct: Annotated[str, typer.Option(help="Column of the grade, 0 or 1; with --trials the number right.")] = "correct",
    sample: Annotated[str | None, typer.Option(help="Column of the sample's number: none may be there twice.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Column of the tokens of a sample: prices what is spent.")] = None,
    trials: Annotated[str | None, typer.Option(help="Column of how many samples a row counts, where it counts several.")] = None,
    metric: Annotated[str | None, typer.Option(help="Of logs with several grades: the scorer or metric.")] = None,
    stopped: Annotated[bool, typer.Option("--stopped", help="Sampling of a problem ended at its first success.")] = False,
    figure: Annotated[Path | None, typer.Option(help="Page to draw the curves on: .html.")] = None,
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """How many problems would be solved with many more samples, and how many samples that takes, from those drawn.

    Values continue the power law of the mean curve, intervals hold every spread of problems that the counts leave
    standing: read the interval first. Grades are taken for exact.
    """
    asked = _asked(at, target, gain)
    wide = level_of(level, 0.9)
    check_page(figure)
    table, by = _samples(tables, by, metric)
    used = "tokens" if isinstance(table, dict) and None not in table["tokens"] else tokens
    groups = count_sample_groups(table, by, problem=problem, sample=sample, correct=correct, tokens=used, trials=trials)
    with progress("groups", len(groups)) as tick:
        told = []
        for name, counts in groups.items():
            told.append(_told(name, counts, asked, stopped, wide))
            tick(1)
    if figure is not None:
        from allometry.reports.coverage import write_coverage_page

        write_coverage_page({one.name: one.coverage for one in told}, figure, max(asked.at, default=0))
    if json:
        print_json({"groups": [one.as_json() for one in told], "level": wide, "stopped": stopped,
                    "figure": None if figure is None else str(figure), "complete": True})  # fmt: skip
    else:
        _show(told, wide, figure)


def _asked(at: Sequence[str] | None, target: Sequence[float] | None, gain: Sequence[float] | None) -> Asked:
    samples = tuple(parse_number(text, "--at") for text in at or ())
    asked = Asked(samples, tuple(target or ()), tuple(gain or ()))
    if asked == Asked((), (), ()):
        raise Refused("nothing-asked", "nothing was asked", "coverage", "add --at 10k, --target 0.8 or --gain 0.001")
    return asked


def _samples(tables: Sequence[str], by: str | None, metric: str | None) -> tuple[object, str | None]:
    """The table, or the samples of all logs under one another; and the column of groups."""
    from allometry.inference.logs import graded_samples, is_log

    logs = [name for name in tables if is_log(name)]
    if not logs:
        if len(tables) > 1:
            raise Refused("several-tables", f"{len(tables)} tables were given", "TABLE", "give one, or logs only")
        if metric is not None:
            raise Refused("bad-option", "a table has columns, not metrics", "--metric", "name the column by --correct")
        return tables[0], by
    if len(logs) < len(tables):
        raise Refused("several-kinds", "logs and tables cannot be read together", "TABLE", "give one kind")
    parts = [graded_samples(name, metric=metric) for name in logs]
    whole = {name: [value for part in parts for value in part[name]] for name in parts[0]}
    return whole, by or ("model" if len(set(whole["model"])) > 1 else None)


def _told(name: str, counts: SampleCounts, asked: Asked, stopped: bool, level: float) -> Told:
    try:
        held = coverage_of(counts.successes, counts.trials, stopped=stopped, level=level)
        law = saturation_of(counts.successes, counts.trials, stopped=stopped, level=level) if asked.gains else None
        return Told(
            name, counts, held,
            tuple((k, held.pass_at(k), held.likeliest_at(k), held.samples_spent(k)) for k in asked.at),
            tuple((share, held.samples_for(share)) for share in asked.targets),
            tuple((least, held.samples_worth(least)) for least in asked.gains),
            law,
        )  # fmt: skip
    except Refused as refused:
        if not name:
            raise
        raise Refused(refused.code, f"{name}: {refused.message}", refused.where, refused.mend) from None


def _show(told: Sequence[Told], level: float, figure: Path | None) -> None:
    grouped = any(one.name for one in told)
    head = ("group",) if grouped else ()

    def row(one: Told, *cells: str) -> tuple[str, ...]:
        return (one.name, *cells) if grouped else cells

    print_table("what was drawn", (*head, "problems", "samples", "with a success", "beyond the samples"), [
        row(one, str(len(one.coverage.trials)), number(float(one.coverage.trials.sum())), f"{one.coverage.solved:.1%}",
            _BASES[one.coverage.basis].format(one.coverage.never)) for one in told
    ])  # fmt: skip
    if told[0].forecasts:
        priced = all(one.counts.tokens is not None for one in told)
        columns = (
            *head,
            "k",
            "pass@k",
            f"{level:.0%} interval",
            "likeliest spread",
            "samples spent",
            *(("tokens spent",) if priced else ()),
        )
        print_table("pass@k, and what a problem takes where it stops at its first success", columns, [
            row(one, number(k), _share(found.value), f"{_share(found.low)} to {_share(found.high)}", _share(likeliest), number(spent),
                *((number(spent * (one.counts.tokens or 0)),) if priced else ()))
            for one in told for k, found, likeliest, spent in one.forecasts
        ])  # fmt: skip
    if told[0].targets:
        print_table("samples of each problem that a coverage takes", (*head, "coverage", "samples", f"{level:.0%} interval"), [
            row(one, _share(share), number(found.value), _span(found)) for one in told for share, found in one.targets
        ])  # fmt: skip
    if told[0].gains:
        print_table("samples after which one more brings less", (*head, "gain", "samples", f"{level:.0%} interval", "by one chance for all"), [
            row(one, f"{gain:g}", number(found.value), _span(found), _single(one.saturation, gain))
            for one in told for gain, found in one.gains
        ])  # fmt: skip
    for why in dict.fromkeys(found.why for one in told for _, found, _, _ in one.forecasts if found.why):
        print_lines(why)
    if figure is not None:
        print_lines(f"drawn in {figure}")


_BASES = {"power law": "power law of the mean", "mass at zero": "{:.0%} never solved", "spread": "spread of problems"}


def _single(law: Saturation | None, gain: float) -> str:
    if law is None or not law.holds:
        return "does not hold"
    told = law.budget(gain)
    return f"{number(told.value)} [{number(told.low)}, {number(told.high)}]"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _span(found: Interval) -> str:
    return f"{number(found.low)} to {number(found.high)}"
