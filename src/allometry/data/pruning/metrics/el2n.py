"""EL2N: the length of the error early in training."""

from __future__ import annotations

import numpy as np

from allometry.data.pools import Batch
from allometry.data.pruning.classes import LABEL, PROBABILITIES, truth
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    found, classes = truth(batch)
    errors = found - (np.arange(found.shape[2]) == classes[:, None])[:, None]
    return np.sqrt((errors**2).sum(axis=2)).mean(axis=1)


METRIC = Metric(
    does="The Euclidean length of probabilities less the one-hot label, averaged over models early in training.",
    columns={"probabilities": PROBABILITIES, "label": LABEL},
    source="Paul et al. 2021, arXiv 2107.07075, definition 2.2: ten models a few epochs into training",
    score=score,
)
