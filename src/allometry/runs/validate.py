"""From the runs in use to the rows of one fit: everything that cannot be fitted is refused here, with row numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.axes import AXES
from allometry.notices import Refused
from allometry.runs.columns import Column, Floats, codes, is_number
from allometry.runs.conventions import refuse_mixed
from allometry.runs.derive import why_not_derived
from allometry.runs.mapping import missing_axis
from allometry.runs.messages import listed_rows
from allometry.runs.rows import Rows

if TYPE_CHECKING:
    from allometry.runs.runs import Runs


def build_rows(
    runs: Runs,
    axes: Iterable[str],
    metric: str,
    weights: str | None = None,
    cluster: str | None = None,
    logs: Collection[str] | None = None,
    fewest: int = 2,
) -> Rows:
    """The validated rows of a fit; see `Runs.rows_for`."""
    names = list(dict.fromkeys(axes))
    runs = runs.with_schedules(names)
    if metric in names:
        raise Refused("metric-is-axis", f"`{metric}` is an axis of the law and cannot be what it predicts", runs.source,
                      "name another column, or another law")  # fmt: skip
    needed = [*names, metric, *([weights] if weights else [])]
    for name in needed:
        require_numbers(runs, name)
    refuse_mixed(runs.conventions, names, metric, runs.source)
    positive = {n for n in (*names, metric) if n in AXES and AXES[n].positive} if logs is None else set(logs)
    runs = _sound(runs, {name: _problem(runs.columns[name], name in positive, name == weights) for name in needed})
    if weights:
        runs = _without(runs, {weights: _Problem(runs.columns[weights] == 0, "0, which leaves a row out")})
    _require_rows(runs, fewest)
    columns = {name: runs.columns[name] for name in needed}
    labels, kind = _clusters(runs, names, cluster)
    return Rows(
        axes={name: columns[name] for name in names}, target=columns[metric], metric=metric,
        weights=columns[weights] if weights else None, cluster=labels, cluster_kind=kind,
        numbers=runs.row_numbers, given=runs.given, excluded=runs.excluded, conventions=runs.conventions,
        derived=runs.derived, notices=runs.notices, names=runs.names, reading=runs.reading,
    )  # fmt: skip


def require_numbers(runs: Runs, name: str) -> None:
    """Refuse a column that is missing, or that holds text where numbers are needed."""
    if name not in runs.columns:
        why = why_not_derived(name, runs.columns)
        if why is not None:
            raise Refused("active-params-needed", why, runs.source, "give `active_params`, or the FLOPs themselves")
        raise missing_axis(name, runs.columns, runs.source)
    column = runs.columns[name]
    if is_number(column):
        return
    wrong = [(row, value) for row, value in zip(runs.row_numbers, column, strict=True) if not _numeric(value)]
    row, value = wrong[0] if wrong else (int(runs.row_numbers[0]), column[0])
    message = f'`{name}` is text, such as "{value}" in row {row}'
    where = runs.source + (f", {len(wrong)} such rows" if len(wrong) > 1 else "")
    raise Refused("not-numbers", message, where, "give plain numbers (7e9, not 7B), or leave the cell empty")


def _numeric(value: str | None) -> bool:
    try:
        return value is None or bool(float(value) or True)
    except ValueError:
        return False


class _Problem(NamedTuple):
    bad: NDArray[np.bool_]
    text: str


def _problem(column: Floats, positive: bool, weight: bool) -> _Problem:
    """Which values cannot be used, and how that is said."""
    if positive:
        return _Problem(~(np.isfinite(column) & (column > 0)), "not a positive number")
    if weight:
        return _Problem(~(np.isfinite(column) & (column >= 0)), "not a weight of 0 or more")
    return _Problem(~np.isfinite(column), "not a finite number")


def _sound(runs: Runs, problems: Mapping[str, _Problem]) -> Runs:
    """Only rows whose values can be used: others are refused, or left out where asked or where their state says why."""
    excused = runs.excused()
    for name, (bad, text) in problems.items():
        refused = np.flatnonzero(bad & ~excused)
        if refused.size:
            rows = listed_rows(runs.row_numbers[refused])
            where = f"{runs.source}, {refused.size} in all"
            mend = f"mend them, filter them out (--where '{name} > 0'), or in Python read with drop_invalid=True"
            raise Refused("invalid-values", f"`{name}` is {text} in {rows}", where, mend)
    return _without(runs, problems)


def _without(runs: Runs, problems: Mapping[str, _Problem]) -> Runs:
    """The rows that none of the problems marks; the others carry the first that does."""
    reasons = np.full(len(runs), None, dtype=object)
    for name, (bad, text) in reversed(tuple(problems.items())):
        reasons[bad] = f"`{name}` is {text}"
    keep = ~np.any([bad for bad, _ in problems.values()], axis=0)
    return runs if keep.all() else runs.keep(keep, reasons)


def _require_rows(runs: Runs, fewest: int) -> None:
    if len(runs) < fewest:
        rows = "no row is" if not len(runs) else "only one row is"
        mend = "give more finished runs, or say which rows with rows='all' (--rows all)"
        raise Refused("too-few-rows", f"{rows} left of {runs.given}", runs.source, mend)


def _clusters(runs: Runs, axes: list[str], cluster: str | None) -> tuple[NDArray[np.int64] | None, str]:
    """The groups that are resampled whole: runs that give several rows, else repeats, unless a column is named."""
    if cluster == "none":
        return None, "rows"
    if cluster is not None:
        return codes([_labelled(runs, cluster)], len(runs)), cluster
    settings = codes((runs.columns[name] for name in axes), len(runs))
    if runs.run_labels is not None and _splits(runs.run_labels, settings):
        return codes([runs.run_labels], len(runs)), "runs"
    if settings.max(initial=0) + 1 < len(runs):
        return settings, "repeats"
    return None, "rows"


def _splits(runs: NDArray[np.int64], settings: NDArray[np.int64]) -> bool:
    """Whether some run has rows at several settings: its checkpoints."""
    return len(np.unique(codes([runs, settings], len(runs)))) > len(np.unique(runs))


def _labelled(runs: Runs, name: str) -> Column:
    column = runs.column(name)
    missing = np.array([value is None or value != value for value in column.tolist()], dtype=bool)
    if missing.any():
        rows = listed_rows(runs.row_numbers[missing])
        raise Refused("missing-cluster", f"`{name}` is empty in {rows}", runs.source, "name the group of every row")
    return column
