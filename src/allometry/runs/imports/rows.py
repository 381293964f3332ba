"""The rows of one run: the steps at which it was measured, and every column there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allometry.runs.columns import Floats
from allometry.runs.imports.choosing import SETTING, Chosen
from allometry.runs.imports.counting import batch_tokens, setting, share_done
from allometry.runs.imports.states import is_loss, last_step, state_of, stopped_early
from allometry.runs.sources.contract import Record, Series


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


def run_rows(run_id: str, about: Record, series: Mapping[str, Series], chosen: Chosen) -> RunRows:
    """The rows of a run.

    A run that ended before it measured what was asked for has one row without it, at the last step that is known.
    Metrics stand at the steps at which they were logged and nowhere else; what is read off beside them is taken on a
    straight line between two of its values, and is missing before the first and after the last.
    """
    giving = chosen.metrics[:1] if chosen.named else chosen.metrics
    planned = _planned(about, chosen)
    judged = chosen.metrics if chosen.named else tuple(filter(is_loss, chosen.metrics))
    state = state_of(about.state, series, judged, planned)
    steps = _union([series[name].steps for name in giving if name in series])
    if not len(steps) and state in ("running", "crashed", "diverged"):
        steps = np.array([last_step(series)])
    numbers = {"step": steps, **_growing(about, series, chosen, steps, planned, state)}
    numbers |= {name: _at(series[name], steps) for name in chosen.metrics if name in series}
    numbers |= {name: _between(series[name], steps) for name in chosen.beside if name in series}
    numbers |= _from_settings(about, chosen, series, len(steps))
    apart = {name: _not_at(series[name], steps) for name in chosen.metrics if name in series}
    return RunRows(run_id, about, state, numbers, apart, stopped_early(state, series, planned))


def _planned(about: Record, chosen: Chosen) -> float:
    column = chosen.mapping.get("steps", "")
    return setting(about, column.removeprefix(SETTING)) if column else float("nan")


def _growing(
    about: Record, series: Mapping[str, Series], chosen: Chosen, steps: Floats, planned: float, state: str | None
) -> dict[str, Floats]:
    found = dict[str, Floats]()
    if chosen.batch:
        found["tokens"] = batch_tokens(chosen.batch, about, series, steps)
    if chosen.totals and len(steps):
        share = share_done(steps, planned, last_step(series) if state == "finished" else None)
        found |= {axis: setting(about, name) * share for axis, name in chosen.totals.items()}
    return found


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


def _between(one: Series, steps: Floats) -> Floats:
    return np.interp(steps, one.steps, one.values, left=np.nan, right=np.nan)


def _from_settings(about: Record, chosen: Chosen, series: Mapping[str, Series], count: int) -> dict[str, Floats]:
    """What some runs logged and this one has as a setting, such as a rate that did not change."""
    missing = (name for name in chosen.beside if name not in series)
    return {name: np.full(count, setting(about, name)) for name in missing}
