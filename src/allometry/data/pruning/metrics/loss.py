"""Loss: as it was measured."""

from __future__ import annotations

from allometry.data.pools import Batch
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    return batch["loss"]


METRIC = Metric(
    does="The loss of a trained model on the example.",
    columns={"loss": "each example's loss"},
    source="the measure itself; as a baseline in Paul et al. 2021, arXiv 2107.07075",
    score=score,
)
