"""Prototype: how far an example's embedding lies from the nearest centre, no label needed."""

from __future__ import annotations

from allometry.data.pools import EMBEDDINGS, Batch, Pool
from allometry.data.pruning.clustering import directions, spherical_means
from allometry.data.pruning.metric import Array, Metric, ScoreSettings, State
from allometry.notices import Refused

MOST, A_CLUSTER = 1000, 100  # clusters as published for ImageNet; fewer in small pools: at least 100 rows each, assumed


def prepare(pool: Pool, settings: ScoreSettings) -> State:
    clusters = settings.clusters or min(MOST, max(2, pool.height // A_CLUSTER))
    if pool.height < clusters:
        message = f"{pool.height} rows cannot make {clusters} clusters"
        raise Refused("few-rows", message, pool.where, "ask for fewer, --clusters")
    sample = pool.sample(EMBEDDINGS, max(settings.sample, clusters), settings.seed)
    return {"centres": spherical_means(directions(sample, 0, pool.where), clusters, settings.seed)}


def score(batch: Batch, state: State, settings: ScoreSettings) -> Array:
    unit = directions(batch[EMBEDDINGS], batch.start, "the pool")
    return 1.0 - (unit @ state["centres"].T).max(axis=1)


METRIC = Metric(
    does="Cosine distance of the embedding to the nearest of the centres that k-means finds.",
    columns={EMBEDDINGS: "a vector of a self-supervised model"},
    source="Sorscher et al. 2022, arXiv 2206.14486, sec. 5: SwAV embeddings, k = 1000 on ImageNet",
    score=score,
    prepare=prepare,
)
