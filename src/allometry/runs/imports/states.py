"""How a run ended, from what its source says, what it measured and how far it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from allometry.runs.sources.contract import Series

# A last value this close to the planned end is the end: trainers rarely log at the very last step.
_FINISHED_SHARE = 0.99
_LOSSES = ("loss", "perplexity", "ppl", "bpb", "nll")


def state_of(said: str | None, series: Mapping[str, Series], judged: Iterable[str], planned: float) -> str | None:
    """finished, running, crashed or diverged; None where nothing tells.

    Diverged is a run whose last value of a judged metric is no finite number, whatever its source says. Without a word
    of the source the planned steps decide, where they are known.

    >>> state_of("finished", {"loss": Series(np.array([1.0]), np.array([np.nan]))}, ["loss"], np.nan)
    'diverged'
    """
    ends = [series[name].values[-1] for name in judged if name in series and len(series[name].values)]
    if not np.isfinite(ends).all():
        return "diverged"
    if said is not None or not np.isfinite(planned):
        return said
    return "finished" if last_step(series) >= _FINISHED_SHARE * planned else "running"


def stopped_early(state: str | None, series: Mapping[str, Series], planned: float) -> bool:
    """Whether a run is said to be finished well before its planned end."""
    return state == "finished" and bool(np.isfinite(planned)) and last_step(series) < _FINISHED_SHARE * planned


def last_step(series: Mapping[str, Series]) -> float:
    return max((float(one.steps[-1]) for one in series.values() if len(one.steps)), default=0.0)


def is_loss(name: str) -> bool:
    """Whether a metric's name says that it is a loss.

    >>> is_loss("eval/loss"), is_loss("grad_norm")
    (True, False)
    """
    return any(word in name.lower() for word in _LOSSES)
