"""The rows of one run: the steps at which it was measured, and every column there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allometry.runs.columns import Floats
from allometry.runs.imports.choosing import Chosen
from allometry.runs.imports.counting import batch_tokens, read_off, setting, share_done
from allometry.runs.imports.states import is_loss, state_of, stopped_early
from allometry.runs.sources.contract import GROWING, SETTING, Record, Series


@dataclass(frozen=True, eq=False)
class RunRows:
    """One run: what is the same in all its rows, and its numbers by column, each (n,)."""

    run_id: str
    about: Record
    state: str | None
    numbers: Mapping[str, Floats]
    apart: Mapping[str, int]
    early: bool

    def __len__(self) -> int:
        return len(self.numbers["step"])


def run_rows(run_id: str, about: Record, series: Mapping[str, Series], last: float, chosen: Chosen) -> RunRows:
    """The rows of a run, which logged anything up to the step `last`.

    A run that ended before it measured what was asked for has one row without it, at that step. Metrics stand at the
    steps at which they were logged and nowhere else; what is read off beside them is taken between its own steps.
    """
    giving = chosen.metrics[:1] if chosen.named else chosen.metrics
    planned = _planned(about, chosen)
    judged = chosen.metrics if chosen.named else tuple(filter(is_loss, chosen.metrics))
    state = state_of(about.state, series, judged, last, planned)
    steps = _union([series[name].steps for name in giving if name in series])
    if not len(steps) and state in ("running", "crashed", "diverged"):
        steps = np.array([last])
    numbers = {"step": steps}
    if chosen.batch:
        numbers["tokens"] = batch_tokens(chosen.batch, about, series, steps)
    if chosen.totals:
        share = share_done(steps, planned, last if state == "finished" else None)
        numbers |= {axis: setting(about, name) * share for axis, name in chosen.totals.items()}
    numbers |= {name: _at(series[name], steps) for name in chosen.metrics if name in series}
    counts = {chosen.mapping[axis] for axis in GROWING if axis in chosen.mapping}
    numbers |= {name: read_off(series[name], steps, name in counts) for name in chosen.beside if name in series}
    numbers |= _from_settings(about, chosen, series, len(steps))
    apart = {name: _not_at(series[name], steps) for name in chosen.metrics if name in series}
    return RunRows(run_id, about, state, numbers, apart, stopped_early(state, last, planned))


def _planned(about: Record, chosen: Chosen) -> float:
    column = chosen.mapping.get("steps", "")
    return setting(about, column.removeprefix(SETTING)) if column else float("nan")


def _union(steps: list[Floats]) -> Floats:
    return steps[0] if len(steps) == 1 else np.unique(np.concatenate([np.zeros(0), *steps]))


def _at(one: Series, steps: Floats) -> Floats:
    """The values at the steps at which they were logged, NaN at all others."""
    found = np.full(len(steps), np.nan)
    _, there, own = np.intersect1d(steps, one.steps, assume_unique=True, return_indices=True)
    found[there] = one.values[own]
    return found


def _not_at(one: Series, steps: Floats) -> int:
    return int((~np.isin(one.steps, steps, assume_unique=True)).sum())


def _from_settings(about: Record, chosen: Chosen, series: Mapping[str, Series], count: int) -> dict[str, Floats]:
    """What some runs logged and this one has as a setting, such as a rate that did not change."""
    missing = (name for name in chosen.beside if name not in series)
    return {name: np.full(count, setting(about, name)) for name in missing}
