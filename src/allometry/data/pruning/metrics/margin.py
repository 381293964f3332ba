"""Margin: how little the true class leads the likeliest other."""

from __future__ import annotations

import numpy as np

from allometry.data.pools import Batch
from allometry.data.pruning.classes import LABEL, PROBABILITIES, truth
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    found, classes = truth(batch)
    place = classes[:, None, None]
    true = np.take_along_axis(found, place, axis=2)[..., 0]
    others = found.copy()
    np.put_along_axis(others, place, -np.inf, axis=2)
    return (others.max(axis=2) - true).mean(axis=1)


METRIC = Metric(
    does="The probability of the likeliest wrong class less that of the true one, averaged over models.",
    columns={"probabilities": PROBABILITIES, "label": LABEL},
    source="the margin of classification; as a pruning score in Sorscher et al. 2022, arXiv 2206.14486, sec. 2",
    score=score,
)
