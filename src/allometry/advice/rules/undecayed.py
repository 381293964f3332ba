"""Losses taken before a run had ended: the learning rate was still high, so they lie above what the run would give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.filters import option_without
from allometry.advice.finding import Finding, listed
from allometry.advice.runs import last_rows
from allometry.advice.sources import DECAY
from allometry.advice.study import Study
from allometry.runs import Runs

Array = np.ndarray

# How far a run came, over how far it was to go, as tables write it.
_SHARES = ("portion_steps_elapsed", "progress", "share_of_run", "fraction_elapsed")
_PLANS = (("tokens", ("train_tokens", "planned_tokens", "total_tokens", "tokens_planned")),
          ("step", ("steps", "total_steps", "max_steps", "train_steps")),
          ("current_steps", ("total_steps", "steps", "train_steps")))  # fmt: skip
ENDED = 0.99  # the same as the reader of tables takes for the end of a run
# Assumed: cosine schedules end at a tenth of the peak, so a rate above a fifth of it is not the end of one.
HIGH_RATE = 0.2


def find(study: Study) -> Iterator[Finding]:
    """The last row in use of each run, where the table says that its run was to go on."""
    if study.fit is None:
        return
    runs = study.runs
    early, why = _stopped(runs)
    early &= last_rows(runs) & np.isin(runs.row_numbers, study.fit.rows.numbers)
    if not early.any():
        return
    rows = tuple(runs.row_numbers[early].tolist())
    evidence = f"{listed(rows, 6)}: the last row in use of {int(early.sum())} runs is not their end ({why})"
    option = option_without(runs, rows, study.law.axes, study.law.metric)
    do = f"finish these runs, decay them in a short run of their own, or leave them out: {option}"
    yield Finding(
        "not-decayed", "warning", evidence, do, DECAY, rows, study.without(np.isin(study.fit.rows.numbers, rows))
    )


def _stopped(runs: Runs) -> tuple[Array, str]:
    """Which rows (n,) stand before the end of their run, and by which columns."""
    found, why = np.zeros(len(runs), dtype=bool), list[str]()
    for text, share in _shares(runs):
        early = np.isfinite(share) & (share < ENDED)
        if early.any():
            found |= early
            why.append(f"{text} from {share[early].min():.2g} to {share[early].max():.2g}")
    return found, "; ".join(why) if len(why) < 3 else why[0]


def _shares(runs: Runs) -> Iterator[tuple[str, Array]]:
    numeric = {name: column for name, column in runs.columns.items() if column.dtype.kind == "f"}
    with np.errstate(all="ignore"):
        for name in _SHARES:
            if name in numeric:
                yield f"`{name}`", numeric[name]
        for done, plans in _PLANS:
            for planned in plans:
                if done in numeric and planned in numeric:
                    yield f"`{done}` / `{planned}`", numeric[done] / numeric[planned]
        if {"current_learning_rate", "learning_rate"} <= set(numeric):
            rate = numeric["current_learning_rate"] / numeric["learning_rate"]
            yield "`current_learning_rate` still high", np.where(rate > HIGH_RATE, 1 - rate, np.nan)
