"""Which steps W&B's rows are of: its own counter goes up at every call, so a step that the run logged itself wins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allometry.runs.sources.contract import Series

STEP = "_step"
# As the integrations of trainers call it, and plain training loops.
_LOGGED = ("train/global_step", "trainer/global_step", "global_step", "step")
_OWN = ("_step", "_runtime", "_timestamp", "_wandb")


def by_logged_step(series: Mapping[str, Series]) -> dict[str, Series]:
    """The metrics by the training step that was logged beside them, where one was; W&B's own columns are left out.

    A row between two logged steps is of the last one before it.

    >>> rows = {"global_step": Series(np.array([0., 2.]), np.array([10., 20.])),
    ...         "loss": Series(np.array([1., 2.]), np.array([3., 2.]))}
    >>> by_logged_step(rows)["loss"].steps.tolist()
    [10.0, 20.0]
    """
    found = {name: one for name, one in series.items() if name not in _OWN and not name.startswith("_wandb.")}
    counter = next((name for name in _LOGGED if name in found and np.isfinite(found[name].values).all()), None)
    if counter is None:
        return found
    logged = found.pop(counter)
    return {name: Series(_translated(one, logged), one.values) for name, one in found.items()}


def _translated(one: Series, logged: Series) -> np.ndarray:
    place = np.searchsorted(logged.steps, one.steps, side="right") - 1
    return logged.values[np.maximum(place, 0)]
