"""Perplexity of a text, by its tokens."""

from __future__ import annotations

import numpy as np

from allometry.data.pools import Batch
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State
from allometry.notices import Refused


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    tokens = batch["tokens"]
    wrong = np.flatnonzero(tokens <= 0)
    if len(wrong):
        message = f"`tokens` is {tokens[wrong[0]]} in row {batch.start + wrong[0]}"
        raise Refused("no-tokens", message, "the pool", "leave empty texts out")
    wrong = np.flatnonzero(batch["nats"] < 0)
    if len(wrong):
        message = f"`nats` is {batch['nats'][wrong[0]]:g} in row {batch.start + wrong[0]}, and a negative log-likelihood is not below 0"
        raise Refused("bad-nats", message, "the pool", "turn the sign of log-likelihoods, or leave that row out")
    mean = batch["nats"] / tokens
    if mean.max(initial=0.0) > 700:
        message = f"`nats` a token is {mean.max():.4g} near row {batch.start}, whose perplexity no number holds"
        raise Refused("bad-nats", message, "the pool", "give the whole text's loss in nats")
    return np.exp(mean)


METRIC = Metric(
    does="exp of the mean loss a token, of a reference model.",
    columns={"nats": "negative log-likelihood of the whole text, in nats", "tokens": "how many tokens it has"},
    source="Marion et al. 2023, arXiv 2309.04564, sec. 2.1",
    score=score,
)
