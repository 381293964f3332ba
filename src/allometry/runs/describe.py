"""What a table holds, for `allometry runs TABLE`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from allometry.axes import AXES, likely_columns
from allometry.notices import Interval, Notice
from allometry.runs.columns import Floats, codes, is_number
from allometry.runs.identity import measures
from allometry.runs.mapping import ROLES, map_option
from allometry.runs.repeats import Group, Repeats, find_repeats
from allometry.runs.rows import Excluded
from allometry.runs.runs import Runs

# Rows that differ in what their loss was measured on are no repeats of each other.
_APART = ("evaluation", "tokenizer", "loss_unit")


@dataclass(frozen=True)
class AxisRange:
    """A column of the vocabulary over the rows in use; without a number `low` and `high` are None and `why` says so."""

    low: float | None
    high: float | None
    unit: str
    distinct: int
    missing: int
    derived: bool
    why: str = ""


@dataclass(frozen=True)
class Description:
    """What a table holds; row numbers count from 0 in the table as given.

    `axes` and `metrics` hold the columns of the vocabulary, `others` the rest by name.
    `repeats` are groups of rows with equal axes and other losses, `duplicates` with equal
    losses too; `noise` is the pooled standard deviation of the log of `metric` over repeats.
    """

    source: str
    given: int
    used: int
    usage: str
    axes: Mapping[str, AxisRange]
    metrics: Mapping[str, AxisRange]
    others: tuple[str, ...]
    metric: str | None
    repeats: tuple[Group, ...]
    duplicates: tuple[Group, ...]
    noise: Interval
    degrees_of_freedom: int
    runs: int | None
    states: Mapping[str, int]
    excluded: tuple[Excluded, ...]
    conventions: Mapping[str, str]
    derived: tuple[str, ...]
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, object]:
        """A strict JSON object: `rows`, `repeats` and `duplicates` are counts, their row numbers stand beside them."""
        return {
            "source": self.source, "rows": self.given, "rows_used": self.used, "usage": self.usage,
            "axes": {name: asdict(found) for name, found in self.axes.items()},
            "metrics": {name: asdict(found) for name, found in self.metrics.items()},
            "other_columns": list(self.others), "metric": self.metric,
            "repeats": len(self.repeats), "repeat_rows": [list(group) for group in self.repeats],
            "duplicates": len(self.duplicates), "duplicate_rows": [list(group) for group in self.duplicates],
            "noise": self.noise.value, "noise_degrees_of_freedom": self.degrees_of_freedom, "noise_why": self.noise.why,
            "runs": self.runs, "states": dict(self.states),
            "excluded": [{"row": left_out.row, "reason": left_out.reason} for left_out in self.excluded],
            "conventions": dict(self.conventions), "derived": list(self.derived),
            "notices": [{"code": notice.code, "message": notice.message} for notice in self.notices],
        }  # fmt: skip


def describe(runs: Runs, metric: str | None = None) -> Description:
    """What the rows in use hold, and what was left out and why.

    `metric` is the column whose repeats give the noise floor; by default the first metric
    of the vocabulary that the table has. Refused when the table has no column of that name.

    >>> from allometry.runs import read_runs
    >>> found = describe(read_runs({"params": [1e6, 1e6, 2e6], "loss": [4.0, 4.1, 3.5]}))
    >>> found.axes["params"].low, found.repeats, round(found.noise.value, 4)
    (1000000.0, ((0, 1),), 0.0175)
    """
    axes, metrics = _ranges(runs, "axis"), _ranges(runs, "metric")
    name = metric or next(iter(metrics), None)
    settings = [other for other in (*axes, *_APART) if other in runs.columns]
    found = _repeats(runs, settings, name)
    return Description(
        source=runs.source, given=runs.given, used=len(runs), usage=runs.usage, axes=axes, metrics=metrics,
        others=tuple(other for other in runs.columns if other not in axes and other not in metrics), metric=name,
        repeats=found.repeats, duplicates=found.duplicates,
        noise=found.noise, degrees_of_freedom=found.degrees_of_freedom,
        runs=None if runs.run_labels is None else len(np.unique(runs.run_labels)), states=runs.states,
        excluded=runs.excluded, conventions=runs.conventions, derived=runs.derived,
        notices=(*runs.notices, *_remarks(runs, found.repeats, name)),
    )  # fmt: skip


def _ranges(runs: Runs, kind: str) -> dict[str, AxisRange]:
    names = [name for name in AXES if name in runs.columns and AXES[name].kind == kind]
    return {name: _range(runs, name) for name in names}


def _range(runs: Runs, name: str) -> AxisRange:
    column, unit, derived = runs.columns[name], AXES[name].unit, name in runs.formulas
    if name == "loss" and runs.conventions.get("loss_unit", "").count(" "):
        unit = runs.conventions["loss_unit"]
    if not is_number(column):
        missing = sum(value is None for value in column)
        return AxisRange(None, None, unit, len(set(column)), missing, derived, "it holds text")
    finite: Floats = column[np.isfinite(column)]
    missing, distinct = len(column) - len(finite), len(np.unique(finite))
    if not distinct:
        return AxisRange(None, None, unit, 0, missing, derived, "it holds no number")
    return AxisRange(float(finite.min()), float(finite.max()), unit, distinct, missing, derived)


def _repeats(runs: Runs, settings: list[str], metric: str | None) -> Repeats:
    """Repeats among the rows whose metric is a number; none where there is no metric or no axis to be equal in."""
    column = np.zeros(0) if metric is None else runs.column(metric)
    target = column if is_number(column) else np.full(len(column), np.nan)
    known = np.flatnonzero(np.isfinite(target)) if settings else np.zeros(0, dtype=int)
    return find_repeats([runs.columns[name][known] for name in settings], target[known], runs.row_numbers[known])


def _remarks(runs: Runs, repeats: tuple[Group, ...], metric: str | None) -> Iterable[Notice]:
    numeric = [name for name, column in runs.columns.items() if is_number(column)]
    for name in ("params", "tokens", "flops", "loss"):
        likely = () if name in runs.columns else likely_columns(name, numeric, 1)
        if likely and (name != "loss" or metric is None):
            message = f"no column `{name}`; `{likely[0]}` may be it: {map_option(name, likely[0])}"
            yield Notice("likely-mapping", message)
    differing = [name for name in runs.columns if _is_setting(runs, name) and _differs(runs, name, repeats)]
    if differing:
        listed = ", ".join(f"`{name}`" for name in differing)
        yield Notice("repeats-differ", f"repeats differ in {listed}: their spread is not noise alone")


def _is_setting(runs: Runs, name: str) -> bool:
    """A column outside the vocabulary that says how rows were made, and not which row each is."""
    if name in AXES or name in ROLES or measures(name):
        return False
    return len(set(runs.columns[name].tolist())) <= len(runs) / 2


def _differs(runs: Runs, name: str, repeats: tuple[Group, ...]) -> bool:
    labels = dict(zip(runs.row_numbers.tolist(), codes([runs.columns[name]], len(runs)).tolist(), strict=True))
    return any(len({labels[row] for row in group}) > 1 for group in repeats)
