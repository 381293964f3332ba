"""Which rows of a table are fitted: the last of each finished run, all, or those after a share of each run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from allometry.axes import AXES
from allometry.notices import Refused
from allometry.runs.columns import Column, Floats, codes, is_number
from allometry.runs.identity import Identity
from allometry.runs.messages import listed_rows

STATES = ("finished", "running", "crashed", "diverged")
# A last evaluation this close to the planned end is the end: trainers rarely evaluate at the very last step.
_FINISHED_SHARE = 0.99
# Rows of one run and step may differ in these and still be rows of their own.
_KEYS = ("evaluation", "tokenizer", "loss_unit")

Mask = NDArray[np.bool_]
Exclusion = tuple[Mask, NDArray[np.object_] | str]


@dataclass(frozen=True)
class RowsRule:
    """`kind` final, all or after; `fraction` of each run that "after" leaves out.

    >>> RowsRule.parse("after:0.5")
    RowsRule(kind='after', fraction=0.5)
    """

    kind: Literal["final", "all", "after"]
    fraction: float = 0.0

    @classmethod
    def parse(cls, text: str) -> RowsRule:
        """The rule in words; Refused when it is none of the three."""
        if text in ("final", "all"):
            return cls("final" if text == "final" else "all")
        kind, _, share = text.partition(":")
        try:
            fraction = float(share)
        except ValueError:
            fraction = -1.0
        if kind != "after" or not 0 <= fraction < 1:
            mend = "use final, all, or after:FRACTION with a fraction from 0 to below 1"
            raise Refused("rows-rule", f'"{text}" does not say which rows', mend=mend)
        return cls("after", fraction)


def select_rows(
    columns: Mapping[str, Column], states: Column, identity: Identity | None, rule: RowsRule, wanted: Mask, where: str
) -> Iterator[Exclusion]:
    """The rows that the rule leaves out, each mask with its reason; the first reason of a row counts.

    `wanted` are the rows that the user's filter keeps; only among them are two rows of one key refused.
    """
    if identity is not None and identity.given:
        _refuse_same_key(columns, identity, wanted, where)
    progress = _progress(columns, identity, where)
    if progress is not None and rule.kind == "final":
        yield ~progress.last, "an earlier row of its run"
    if progress is not None and rule.kind == "after":
        yield progress.share <= rule.fraction, f"in the first {rule.fraction:g} of its run"
    yield from _unfinished(columns, identity, states, rule)


def row_states(columns: Mapping[str, Column], height: int, where: str) -> Column:
    """Each row's state; finished where nothing is said."""
    finished = np.full(height, "finished", dtype=object)
    if "state" not in columns:
        return finished
    given = columns["state"]
    if is_number(given):
        said = np.flatnonzero(~np.isnan(given))
        if said.size:
            raise _unknown_state(given[said[0]], int(said[0]), where)
        return finished
    words = {state: "finished" if state is None else state.strip().lower() for state in dict.fromkeys(given)}
    unknown = {state for state, word in words.items() if word not in STATES}
    if unknown:
        row = next(row for row, state in enumerate(given) if state in unknown)
        raise _unknown_state(words[given[row]], row, where)
    return np.fromiter((words[state] for state in given), dtype=object, count=height)


def _unknown_state(state: object, row: int, where: str) -> Refused:
    message, mend = f"row {row} has the state `{state}`", f"say one of {', '.join(STATES)}, or rename the column"
    return Refused("unknown-state", message, where, mend)


def _refuse_same_key(columns: Mapping[str, Column], identity: Identity, wanted: Mask, where: str) -> None:
    known = [columns[name] for name in columns if name in (*_KEYS, identity.order) or _is_axis(name)]
    labels = codes([identity.labels, *known], len(wanted))
    numbers = np.flatnonzero(wanted)
    _, first, counts = np.unique(labels[wanted], return_index=True, return_counts=True)
    if (counts > 1).any():
        key = labels[numbers[first[counts > 1].min()]]
        rows = listed_rows(numbers[labels[numbers] == key])
        mend = "keep one; select one evaluation with a filter, or name it in a column `evaluation`"
        raise Refused("duplicate-key", f"{rows} have the same `run_id` at the same step", where, mend)


def _is_axis(name: str) -> bool:
    return name in AXES and AXES[name].kind == "axis"


@dataclass(frozen=True, eq=False)
class _Progress:
    last: Mask
    share: Floats


def _progress(columns: Mapping[str, Column], identity: Identity | None, where: str) -> _Progress | None:
    """How far along its run each row is; None where no run has several steps."""
    if identity is None or identity.order is None:
        return None
    step = columns[identity.order]
    runs = codes([identity.labels, *(columns[name] for name in _KEYS if name in columns)], len(step))
    if len(np.unique(runs)) == len(step):
        return None
    missing = np.flatnonzero(np.isnan(step))
    if missing.size:
        rows = listed_rows(missing)
        raise Refused("missing-step", f"`{identity.order}` is empty in {rows}", where, "say how far along each row is")
    longest = np.full(int(runs.max(initial=0)) + 1, -np.inf)
    np.maximum.at(longest, runs, step)
    if bool((step == longest[runs]).all()):
        return None
    ends = _ends(columns, identity, longest[runs])
    return _Progress(step == longest[runs], step / ends)


def _ends(columns: Mapping[str, Column], identity: Identity, longest: Floats) -> Floats:
    """The planned end of each row's run, and where none is stated the furthest it came."""
    if identity.total is None or identity.order == "tokens":
        return longest
    total = columns[identity.total]
    return np.where(np.isnan(total), longest, total)


def _unfinished(
    columns: Mapping[str, Column], identity: Identity | None, states: Column, rule: RowsRule
) -> Iterator[Exclusion]:
    yield states == "diverged", "its state is diverged"
    if rule.kind != "final":
        return
    for state in ("running", "crashed"):
        yield states == state, f"its state is {state}"
    order, total = ("step", "steps") if identity is None else (identity.order or "", identity.total or "")
    if "state" not in columns and order in columns and total in columns and order != "tokens":
        yield _stopped(columns[order], columns[total])


def _stopped(step: Column, end: Column) -> Exclusion:
    reasons = np.full(len(step), "", dtype=object)
    if not (is_number(step) and is_number(end)):
        return np.zeros(len(step), dtype=bool), reasons
    early = step < _FINISHED_SHARE * end
    for row in np.flatnonzero(early):
        reasons[row] = f"its run stopped at step {step[row]:g} of {end[row]:g}"
    return early, reasons
