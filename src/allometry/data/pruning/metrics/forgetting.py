"""Forgetting: how often an example that was right became wrong."""

from __future__ import annotations

import numpy as np

from allometry.data.pools import Batch
from allometry.data.pruning.classes import flags
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    correct = flags(batch, "correct")
    events = (correct[:, :-1] & ~correct[:, 1:]).sum(axis=1)
    # Never learned counts as more than any that was learned and forgotten.
    return np.where(correct.any(axis=1), events, correct.shape[1]).astype(np.float64)


METRIC = Metric(
    does="Times that an example went from right to wrong between checkpoints; those never right come first.",
    columns={"correct": "1 or 0 at each checkpoint, in their order"},
    source="Toneva et al. 2019, arXiv 1812.05159, sec. 3",
    score=score,
)
