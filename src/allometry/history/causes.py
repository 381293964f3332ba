"""What each row that came, went or changed did to the numbers of a fit, by refits with it in and with it left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.costs import compute_of
from allometry.fits import Fit, reweigh
from allometry.history.numbers import Compared, Moved, Number
from allometry.runs import Changes, Rows

Array = NDArray[np.float64]
What: TypeAlias = Literal["came", "went", "changed", "settings", "together"]
NOTHING = 1e-6  # of a number: the solver settles no closer
MOST_GROUPS, BANDS = 200, 20  # more rows than the first are taken together in so many bands of compute


@dataclass(frozen=True)
class Row:
    """A row as its table has it: number, run ("" for none), axes and measurement."""

    number: int
    run: str
    at: Mapping[str, float]
    measured: float

    def as_json(self) -> dict[str, object]:
        return {"row": self.number, "run": self.run or None, "at": dict(self.at), "measured": self.measured}


@dataclass(frozen=True)
class Effect:
    """How far something moved a number: as the `first` change made to the old table and as the `last` made to the new.

    Both are logarithms of a factor where `logarithmic`, else differences; NaN where a refit gave none.
    """

    first: float
    last: float
    logarithmic: bool

    @property
    def mean(self) -> float:
        """The mean of both: what is said of the row where one number is."""
        return (self.first + self.last) / 2

    def told(self, value: float) -> float | None:
        """A move as a factor, or as a difference."""
        return None if not np.isfinite(value) else float(np.exp(value)) if self.logarithmic else value

    def as_json(self) -> dict[str, object]:
        word = "factor" if self.logarithmic else "difference"
        return {word: self.told(self.mean), "first": self.told(self.first), "last": self.told(self.last)}


@dataclass(frozen=True)
class Cause:
    """Something that moved the numbers: rows, settings, or what the rows do only together. `rows` are those of the table
    that has them, for a changed row the new one; `says` names it."""

    what: What
    rows: tuple[Row, ...]
    says: str
    effects: Mapping[str, Effect]

    def as_json(self) -> dict[str, object]:
        rows = [row.as_json() for row in self.rows]
        return {
            "what": self.what,
            "rows": rows,
            "says": self.says,
            "effects": {n: e.as_json() for n, e in self.effects.items()},
        }


class Causes(NamedTuple):
    """All causes, or why there are none; `mismatch` is how far a refit of the table after lies from the saved fit."""

    found: tuple[Cause, ...]
    why: str = ""
    mismatch: float = 0.0


@dataclass(frozen=True)
class Group:
    """Rows that are taken together: positions in the rows before and after."""

    what: Literal["came", "went", "changed"]
    before: tuple[int, ...]
    after: tuple[int, ...]


def row_of(rows: Rows, i: int) -> Row:
    """The row at a position."""
    at = {name: float(column[i]) for name, column in rows.axes.items()}
    return Row(int(rows.numbers[i]), rows.names[i] if rows.names else "", at, float(rows.target[i]))


def groups_of(before: Rows, after: Rows, changes: Changes) -> tuple[Group, ...]:
    """Each row alone, checkpoints of one run together; in bands of compute where that would be too many."""
    went = [Group("went", tuple(rows), ()) for rows in _together(before, changes.went)]
    came = [Group("came", (), tuple(rows)) for rows in _together(after, changes.came)]
    changed = [Group("changed", (pair.before,), (pair.after,)) for pair in changes.changed]
    if len(went) + len(came) + len(changed) <= MOST_GROUPS:
        return (*came, *went, *changed)
    return (*_bands(came, after), *_bands(went, before), *_bands(changed, after))


def _together(rows: Rows, some: Sequence[int]) -> list[list[int]]:
    if rows.cluster_kind != "runs" or rows.cluster is None:
        return [[i] for i in some]
    found: dict[int, list[int]] = {}
    for i in some:
        found.setdefault(int(rows.cluster[i]), []).append(i)
    return list(found.values())


def _bands(groups: Sequence[Group], rows: Rows) -> list[Group]:
    if not groups:
        return []
    compute = compute_of(rows.axes)
    place = next(iter(rows.axes.values())) if compute is None else compute
    order = np.argsort([place[(group.after or group.before)[0]] for group in groups], kind="stable")
    bands = [[groups[i] for i in band] for band in np.array_split(order, BANDS) if len(band)]
    return [
        Group(band[0].what, tuple(i for g in band for i in g.before), tuple(i for g in band for i in g.after))
        for band in bands
    ]


def causes_of(before: Fit, after: Fit, changes: Changes, compared: Compared, settings: str) -> Causes:
    """Every group of rows with its effects, then what the settings did and what the rows do only together.

    All refits are one batch under the settings of the fit after. The parts multiply (or add) up to the whole move.
    """
    groups = groups_of(before.rows, after.rows, changes)
    union, place = _union(before.rows, after.rows, changes)
    weights = _weights(groups, place, len(union))
    theta = reweigh(after, union, weights, np.stack([before.estimate, after.estimate]))
    theta, moved = np.concatenate([before.estimate[None], after.estimate[None], theta]), compared.moved
    values = {name: _scaled(number, theta, moved[name].logarithmic) for name, number in compared.numbers.items()}
    found = [
        Cause(group.what, _rows(before.rows, after.rows, group), _says(before.rows, after.rows, group),
              {name: Effect(v[4 + 2 * k] - v[2], v[3] - v[5 + 2 * k], moved[name].logarithmic) for name, v in values.items()})
        for k, group in enumerate(groups)
    ]  # fmt: skip
    at_once = {name: _both(v[2] - v[0] if settings else 0.0, moved[name]) for name, v in values.items()}
    rest = {
        name: _both(v[1] - v[0] - at_once[name].mean - sum(cause.effects[name].mean for cause in found), moved[name])
        for name, v in values.items()
    }
    settled = [Cause("settings", (), settings, at_once)] if settings else []
    matters = any(abs(effect.mean) > NOTHING for effect in rest.values())
    together = [Cause("together", (), "what these do only together", rest)] if matters else []
    mismatch = max(
        abs(v[3] - v[1]) / (1.0 if moved[name].logarithmic else max(abs(v[1]), 1e-300)) for name, v in values.items()
    )
    return Causes((*_sorted(found), *settled, *together), "", float(mismatch))


def _both(value: float, moved: Moved) -> Effect:
    return Effect(value, value, moved.logarithmic)


def _sorted(causes: Sequence[Cause]) -> list[Cause]:
    """The largest effect on the first number first; those without one last."""

    def size(cause: Cause) -> float:
        effect = next(iter(cause.effects.values())).mean if cause.effects else 0.0
        return -abs(effect) if np.isfinite(effect) else 0.0

    return sorted(causes, key=size)


def _scaled(number: Number, theta: Array, logarithmic: bool) -> Array:
    """The number of the estimates (B,), NaN where they are, as a logarithm where that is how it is told."""
    usable = np.isfinite(theta).all(axis=1)
    values = np.full(len(theta), np.nan)
    values[usable] = number(theta[usable])
    with np.errstate(all="ignore"):
        return np.log(values) if logarithmic else values


def _union(before: Rows, after: Rows, changes: Changes) -> tuple[Rows, Mapping[tuple[str, int], int]]:
    """All rows of both tables, those in common once, and where each row before or after stands among them."""
    old = [*(pair.before for pair in changes.changed), *changes.went]
    new = [*(pair.after for pair in changes.changed), *changes.came]
    same = [pair.after for pair in changes.common]
    sources = [(after, same), (before, old), (after, new)]
    weights = None
    if before.weights is not None or after.weights is not None:
        weights = np.concatenate(
            [(np.ones(len(rows)) if rows.weights is None else rows.weights)[some] for rows, some in sources]
        )
    union = Rows(
        {name: np.concatenate([rows.axes[name][some] for rows, some in sources]) for name in after.axes},
        np.concatenate([rows.target[some] for rows, some in sources]), after.metric, weights,
    )  # fmt: skip
    place = {("before", i): len(same) + k for k, i in enumerate(old)}
    return union, place | {("after", i): len(same) + len(old) + k for k, i in enumerate(new)}


def _weights(groups: Sequence[Group], place: Mapping[tuple[str, int], int], count: int) -> Array:
    """Members (2 + 2K, n): the table before, the table after, and for each group before with it and after without it."""
    old, new = (np.array([k for (side, _), k in place.items() if side == which], int) for which in ("before", "after"))
    first, last = np.ones(count), np.ones(count)
    first[new], last[old] = 0.0, 0.0
    members = [first, last]
    for group in groups:
        gone = np.array([place["before", i] for i in group.before], int)
        here = np.array([place["after", i] for i in group.after], int)
        with_it, without_it = first.copy(), last.copy()
        with_it[gone], with_it[here] = 0.0, 1.0
        without_it[gone], without_it[here] = 1.0, 0.0
        members += [with_it, without_it]
    return np.stack(members)


def _rows(before: Rows, after: Rows, group: Group) -> tuple[Row, ...]:
    rows, some = (before, group.before) if group.what == "went" else (after, group.after)
    return tuple(row_of(rows, i) for i in some)


def _says(before: Rows, after: Rows, group: Group) -> str:
    rows = _rows(before, after, group)
    names = {row.run for row in rows if row.run}
    who = names.pop() if len(names) == 1 else f"row {rows[0].number}" if len(rows) == 1 else f"{len(rows)} rows"
    if group.what == "changed" and len(rows) == 1:
        return f"{who}: {after.metric} {before.target[group.before[0]]:.5g} -> {rows[0].measured:.5g}"
    return f"{who}, {len(rows)} rows" if len(rows) > 1 and not who.endswith("rows") else who
