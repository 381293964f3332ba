"""The filter text that leaves given rows out, where a short one exists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from allometry.axes import AXES
from allometry.notices import Refused
from allometry.runs import Runs

Array = np.ndarray

MOST_NAMED = 6  # rows named one by one in a filter: beyond it nobody reads the text (assumed)
_PLAIN = re.compile(r"[A-Za-z_]\w*")


def filter_without(runs: Runs, rows: Iterable[int], axes: Sequence[str], metric: str) -> str:
    """A filter for `--where` that leaves out exactly these rows, empty where there is no short one.

    A bound on an axis is preferred, then one on another column of the vocabulary; a bound on the metric itself comes last, for it
    chooses runs by their outcome. Otherwise few rows are named one by one.

    >>> from allometry.runs import read_runs
    >>> runs = read_runs({"params": [1e6, 2e6, 4e6, 8e6], "loss": [4.0, 3.5, 3.2, 3.0]})
    >>> filter_without(runs, [0], ["params"], "loss")
    'params > 1.5e+06'
    """
    drop = np.isin(runs.row_numbers, list(rows))
    if not drop.any() or drop.all():
        return ""
    return next((text for text in _candidates(runs, drop, axes, metric) if _leaves_out(runs, text, drop)), "")


def option_without(runs: Runs, rows: Sequence[int], axes: Sequence[str], metric: str, also: Sequence[int] = ()) -> str:
    """The same as an option to type, or in words that no short filter does it; `also` are rows of another reason."""
    texts = [filter_without(runs, group, axes, metric) for group in (rows, also) if group]
    return (
        f"--where '{' and '.join(texts)}'"
        if all(texts)
        else "no short filter names them, so leave them out of the file"
    )


def _leaves_out(runs: Runs, text: str, drop: Array) -> bool:
    try:
        return bool(np.array_equal(runs.matches(text), ~drop))
    except Refused:
        return False


def _candidates(runs: Runs, drop: Array, axes: Sequence[str], metric: str) -> Iterator[str]:
    numeric = [name for name, column in runs.columns.items() if column.dtype.kind == "f"]
    if "params" in numeric and "tokens" in numeric:
        yield from _bound("tokens / params", runs.columns["tokens"] / runs.columns["params"], drop)
    others = [name for name in numeric if name not in axes and name != metric and (name in AXES or name == "run_id")]
    for name in (*axes, *others, metric):
        if name in numeric:
            yield from _bound(_quoted(name), runs.columns[name], drop)
    if int(drop.sum()) <= MOST_NAMED:
        yield _named(runs, drop, axes)


def _bound(name: str, column: Array, drop: Array) -> Iterator[str]:
    """A bound between the rows to drop and the others, in as few digits as hold them apart."""
    out, kept = column[drop], column[~drop]
    if out.min() > kept.max():
        yield f"{name} < {_between(kept.max(), out.min())}"
    if out.max() < kept.min():
        yield f"{name} > {_between(out.max(), kept.min())}"


def _between(low: float, high: float) -> str:
    texts = (f"{(low + high) / 2:.{digits}g}" for digits in range(2, 17))
    return next((text for text in texts if low < float(text) < high), repr(float(high)))


def _named(runs: Runs, drop: Array, axes: Sequence[str]) -> str:
    names = ["run_id"] if "run_id" in runs.columns else list(axes)
    each = (" and ".join(f"{_quoted(n)} == {_text(runs.columns[n][i])}" for n in names) for i in np.flatnonzero(drop))
    return "not (" + " or ".join(f"({one})" for one in each) + ")"


def _quoted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else f"`{name}`"


def _text(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(float(str(value)))
