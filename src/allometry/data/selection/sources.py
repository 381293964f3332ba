"""Pilot samples of sources of data and of a target, and the cost of moving one example to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.data.selection.transport import Array, transport
from allometry.notices import Refused

Labels: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True)
class Pilot:
    """Samples of one source or of the target: `features` (n, d), and `labels` (n,) or None."""

    features: Array
    labels: Labels | None = None

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: NDArray[np.int64]) -> Pilot:
        return Pilot(self.features[rows], None if self.labels is None else self.labels[rows])


def pilot(features: ArrayLike, labels: ArrayLike | None = None, *, name: str = "the target") -> Pilot:
    """Samples whose features are finite numbers, one label a row where labels are given.

    Errors: `Refused` for features that are no table of finite numbers, and labels of another number.

    >>> len(pilot([[0.0, 1.0], [2.0, 3.0]], ["cat", "dog"]))
    2
    """
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise Refused(
            "wrong-shape", f"features of shape {rows.shape} are no rows of numbers", name, "give an array (n, d)"
        )
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise Refused(
            "not-finite", f"the features of row {bad[0]} are not finite ({len(bad)} such rows)", name, "leave them out"
        )
    own = None if labels is None else np.asarray(labels, dtype=object)
    if own is not None and own.shape != (len(rows),):
        raise Refused("wrong-shape", f"{own.size} labels for {len(rows)} rows", name, "give one a row")
    return Pilot(rows, own)


def checked(sources: Mapping[str, Pilot], target: Pilot) -> None:
    """Refuse sources that cannot be compared with the target."""
    if len(sources) < 2:
        raise Refused("few-sources", f"{len(sources)} source", "the sources", "give two or more")
    for name, one in sources.items():
        if one.features.shape[1] != target.features.shape[1]:
            message = f"{one.features.shape[1]} features, and the target has {target.features.shape[1]}"
            raise Refused("wrong-shape", message, name, "embed all by one model")
        if (one.labels is None) != (target.labels is None):
            raise Refused("missing-labels", f"{'no ' if one.labels is None else ''}labels, and the target has {'none' if target.labels is None else 'some'}",
                          name, "give labels to all or to none")  # fmt: skip


def cost_matrix(sources: Mapping[str, Pilot], target: Pilot, label_weight: float = 1.0) -> Array:
    """The cost (n, m) of every example of the sources, one after another, to every one of the target.

    Squared distance of features, plus `label_weight` times the squared Wasserstein distance between the features of the
    two labels' examples, which tells classes apart by what they look like, not by name. A label's examples are those of its
    own source: so labels that are wrong in one source cost there, and no cost changes with the mixture.
    Errors: `Refused` for a weight that is no finite number from 0 on.
    Source: Alvarez-Melis and Fusi 2020, arXiv 2002.02923; used by Kang et al. 2023, arXiv 2307.02460.

    >>> one = pilot([[0.0], [1.0]])
    >>> cost_matrix({"a": one, "b": one}, pilot([[3.0]])).tolist()
    [[9.0], [4.0], [9.0], [4.0]]
    """
    if not (np.isfinite(label_weight) and label_weight >= 0):
        raise Refused(
            "bad-value", f"{label_weight:g} is no weight", "--label-weight", "give 0 or a finite number above it"
        )
    features = np.concatenate([one.features for one in sources.values()])
    cost = squared_distances(features, target.features)
    if target.labels is None or label_weight == 0:
        return cost
    theirs, other = np.unique(target.labels.astype(str), return_inverse=True)
    targets = [target.features[other == j] for j in range(len(theirs))]
    apart = [_classes(one, targets)[:, other] for one in sources.values()]
    return np.asarray(cost + label_weight * np.concatenate(apart))


def spread_by_feature(sources: Mapping[str, Pilot], target: Pilot) -> Array:
    """The share (d,) of each feature in the mean squared distance between examples of one sample, over all samples.

    It tells scales: that sources lie apart along a feature is not counted.

    >>> spread_by_feature({"a": pilot([[0.0, 0.0], [1.0, 3.0]])}, pilot([[5.0, 1.0], [5.0, 1.0]])).tolist()
    [0.1, 0.9]
    """
    spread = np.mean([one.features.var(axis=0) for one in (*sources.values(), target)], axis=0)
    return np.asarray(spread / (spread.sum() or 1.0))


def _classes(one: Pilot, targets: Sequence[Array]) -> Array:
    """The squared distance (n, classes) from the class of each example of a source to each class of the target."""
    ours, place = np.unique(np.asarray(one.labels).astype(str), return_inverse=True)
    apart = [[_between(one.features[place == i], examples) for examples in targets] for i in range(len(ours))]
    return np.asarray(apart)[place]


def squared_distances(one: Array, other: Array) -> Array:
    """Squared Euclidean distances (n, m)."""
    found = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    return np.asarray(np.maximum(found, 0.0))


def _between(one: Array, other: Array) -> float:
    even = np.full(len(one), 1 / len(one)), np.full(len(other), 1 / len(other))
    return transport(squared_distances(one, other), *even).distance
