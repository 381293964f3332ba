"""How far a run had come at a step: tokens by the batch, and totals that are known only at its end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allometry.runs.columns import Floats
from allometry.runs.sources.contract import Record, Series


def batch_tokens(factors: tuple[str | float, ...], run: Record, series: Mapping[str, Series], steps: Floats) -> Floats:
    """Tokens (n,) seen at steps (n,) by tokens a step, which are a product of numbers, settings and logged metrics.

    NaN where a setting is missing. A logged batch holds from the step at which it was logged to the next, and the first of them from step 0.

    >>> ramp = {"batch": Series(np.array([0.0, 10.0]), np.array([100.0, 200.0]))}
    >>> batch_tokens(("batch", 2.0), Record("a", {}), ramp, np.array([5.0, 10.0, 20.0])).tolist()
    [1000.0, 2000.0, 6000.0]
    """
    logged = [series[factor] for factor in factors if isinstance(factor, str) and factor in series]
    fixed = 1.0
    for factor in factors:
        if isinstance(factor, float):
            fixed *= factor
        elif factor not in series:
            fixed *= setting(run, factor)
    if not logged:
        return fixed * steps
    known = np.unique(np.concatenate([one.steps for one in logged]))
    sizes = np.prod([_held(one, known) for one in logged], axis=0)
    return fixed * _summed(known, sizes, steps)


def _held(one: Series, steps: Floats) -> Floats:
    place = np.searchsorted(one.steps, steps, side="right") - 1
    return one.values[np.maximum(place, 0)]


def _summed(known: Floats, sizes: Floats, steps: Floats) -> Floats:
    """The sum of sizes, each held from its step to the next, up to each of the steps."""
    at = np.concatenate([[sizes[0] * known[0]], sizes[0] * known[0] + np.cumsum(sizes[:-1] * np.diff(known))])
    place = np.maximum(np.searchsorted(known, steps, side="right") - 1, 0)
    found: Floats = at[place] + sizes[place] * (steps - known[place])
    return found


def setting(run: Record, name: str) -> float:
    """A setting as a number; NaN where the run has none, or none that is a number."""
    value = run.config.get(name)
    try:
        return float(value) if isinstance(value, int | float | str) else float("nan")
    except ValueError:
        return float("nan")


def share_done(steps: Floats, planned: float, last: float | None) -> Floats:
    """The share (n,) of its way that a run had come at steps (n,).

    Of the planned steps where they are known, else of the last step of a run that finished; NaN where neither is.

    >>> share_done(np.array([5.0, 10.0]), float("nan"), 10.0).tolist()
    [0.5, 1.0]
    """
    end = planned if np.isfinite(planned) and planned > 0 else float("nan") if last is None else last
    # A source without steps has all its values at the end.
    return steps / end if end != 0 else np.ones(len(steps))
