"""Which rows two tables have in common, and a mark by which a row is known again in another table."""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from allometry.notices import Refused
from allometry.runs.rows import Rows

_DIGITS = 9  # a table that went through text or single columns of another program keeps at least so many


class Pair(NamedTuple):
    """One row of each of two tables, by position in its `Rows`."""

    before: int
    after: int


class Changes(NamedTuple):
    """What became of the rows of one table in another, by position in their `Rows`.

    `common` are in both; `changed` have the same axes and another measurement or weight; `went` are only in the first,
    `came` only in the second.
    """

    common: tuple[Pair, ...]
    changed: tuple[Pair, ...]
    went: tuple[int, ...]
    came: tuple[int, ...]


def row_changes(before: Rows, after: Rows) -> Changes:
    """The rows that came, went, changed or stayed, told apart by their values and not by their place in the table.

    Rows are the same when axes, measurement and weight agree to nine digits. Of those left over, rows of the same axes
    are one row that was measured anew; repeats are paired in the order of the tables. Names play no part: copies of a
    table may have others.
    Errors: `Refused` for other axes or another metric.

    >>> import numpy as np
    >>> one = Rows({"params": np.array([1e6, 2e6, 4e6])}, np.array([3.0, 2.5, 2.1]), "loss")
    >>> two = Rows({"params": np.array([2e6, 4e6, 8e6])}, np.array([2.5, 2.2, 1.9]), "loss")
    >>> found = row_changes(one, two)
    >>> [tuple(pair) for pair in found.common], [tuple(pair) for pair in found.changed], found.went, found.came
    ([(1, 0)], [(2, 1)], (0,), (2,))
    """
    if (set(before.axes), before.metric) != (set(after.axes), after.metric):
        raise Refused("other-rows", f"one table has {_columns(before)}, the other {_columns(after)}", "the rows",
                      "compare rows of the same axes and metric")  # fmt: skip
    common = _paired(_whole(before), _whole(after), range(len(before)), range(len(after)))
    went = _rest(range(len(before)), (pair.before for pair in common))
    came = _rest(range(len(after)), (pair.after for pair in common))
    changed = _paired(_places(before), _places(after), went, came)
    left, new = _rest(went, (pair.before for pair in changed)), _rest(came, (pair.after for pair in changed))
    return Changes(tuple(common), tuple(changed), tuple(left), tuple(new))


def row_marks(rows: Rows) -> tuple[str, ...]:
    """A short mark (n,) of each row's axes and measurement, the same wherever the row is met again to nine digits.

    >>> import numpy as np
    >>> row_marks(Rows({"params": np.array([1e6, 1e6])}, np.array([3.0, 3.0]), "loss"))
    ('32ef416a7accb40f', '32ef416a7accb40f')
    """
    head = f"{rows.metric}|{','.join(sorted(rows.axes))}|"
    texts = (head + ",".join(key) for key in _measured(rows))
    return tuple(hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts)


def _rest(places: Iterable[int], used: Iterable[int]) -> list[int]:
    gone = set(used)
    return [place for place in places if place not in gone]


def _columns(rows: Rows) -> str:
    return ", ".join([*sorted(rows.axes), rows.metric])


def _places(rows: Rows) -> list[tuple[str, ...]]:
    columns = [rows.axes[name].tolist() for name in sorted(rows.axes)]
    return [tuple(f"{value:.{_DIGITS}g}" for value in place) for place in zip(*columns, strict=True)]


def _measured(rows: Rows) -> list[tuple[str, ...]]:
    return [(*place, f"{y:.{_DIGITS}g}") for place, y in zip(_places(rows), rows.target.tolist(), strict=True)]


def _whole(rows: Rows) -> list[tuple[str, ...]]:
    weights = [1.0] * len(rows) if rows.weights is None else rows.weights.tolist()
    return [(*key, f"{weight:.{_DIGITS}g}") for key, weight in zip(_measured(rows), weights, strict=True)]


def _paired(
    one: Sequence[Hashable], other: Sequence[Hashable], some: Sequence[int], others: Sequence[int]
) -> list[Pair]:
    """Positions of equal keys, each used once, in the order of the tables."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for i in others:
        waiting[other[i]].append(i)
    return [Pair(i, waiting[one[i]].popleft()) for i in some if waiting[one[i]]]
