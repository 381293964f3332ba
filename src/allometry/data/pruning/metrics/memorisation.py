"""Memorisation: how much likelier an example is right when it was trained on."""

from __future__ import annotations

import numpy as np

from allometry.data.pools import Batch
from allometry.data.pruning.classes import flags
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State
from allometry.notices import Refused


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    correct, trained = flags(batch, "correct"), flags(batch, "trained")
    if correct.shape != trained.shape:
        message = f"`correct` is of {correct.shape[1]} models and `trained` of {trained.shape[1]}"
        raise Refused("ragged", message, "the pool", "give both of the same models in the same order")
    inside, outside = trained.sum(axis=1), (~trained).sum(axis=1)
    wrong = np.flatnonzero((inside == 0) | (outside == 0))
    if len(wrong):
        message = f"row {batch.start + wrong[0]} was in the training set of {'no model' if not inside[wrong[0]] else 'every model'}"
        raise Refused(
            "one-sided", message, "the pool", "train models on random subsets, so that each leaves some examples out"
        )
    return (correct & trained).sum(axis=1) / inside - (correct & ~trained).sum(axis=1) / outside


METRIC = Metric(
    does="Share of models right on an example that trained on it, less the share of those that did not.",
    columns={
        "correct": "1 or 0 for each of several models",
        "trained": "1 or 0: whether that model's random subset of the pool held the example",
    },
    source="Feldman and Zhang 2020, arXiv 2008.03703, sec. 2: the subset estimator, a proxy of leaving one out",
    score=score,
)
