"""Random: what every metric has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allometry.data.pools import Batch
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State

_GOLDEN = 0x9E3779B97F4A7C15


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    """A number in [0, 1) that follows from seed and row alone (splitmix64), so that batches may be cut anyhow."""
    rows: NDArray[np.uint64] = np.arange(batch.start, batch.start + len(batch), dtype=np.uint64)
    with np.errstate(over="ignore"):
        mixed = _mix(rows * np.uint64(_GOLDEN) + _mix(np.array([settings.seed + 1], dtype=np.uint64)))
    return (mixed >> np.uint64(11)) * 2.0**-53


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


METRIC = Metric(
    does="No measure of difficulty: examples in an order drawn by the seed.",
    columns={},
    source="Steele, Lea and Flood 2014 for the generator",
    score=score,
)
