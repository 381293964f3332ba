"""Trajectories under a fixed budget: how diverse a set is, and what to add to make it more so."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.notices import Refused

__all__ = ["action_complexity", "adaptive_shares", "effective_diversity", "entropy", "fill_to_target", "greedy_diverse"]

Array: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = Sequence[Hashable]


def entropy(counts: ArrayLike) -> float:
    """Shannon entropy, in nats, of the shares that counts (k,) are; of none it is 0.

    >>> round(float(entropy([1, 1, 2]) / np.log(2)), 3)
    1.5
    """
    found = np.asarray(counts, dtype=float)
    if (found < 0).any() or not np.isfinite(found).all():
        raise Refused("bad-counts", "counts of clusters must be numbers of 0 or more", "entropy", "give counts")
    shares = found[found > 0] / max(found.sum(), 1e-300)
    return float(-(shares * np.log(shares)).sum())


def effective_diversity(labels: Labels) -> float:
    """exp(H) of the labels of a set: so many clusters of equal size would be as diverse.

    Use it as the axis `diversity` of the law `accuracy_by_diversity`, to compare with `accuracy_by_examples`.
    Source: TDScaling (Beyond Quantity: Trajectory Diversity Scaling for Code Agents), abstract only: entropies over
    domains and over modes of reasoning; exp(H) is the Hill number of order 1 (Hill 1973). Provisional.

    >>> round(effective_diversity(["web", "web", "sql", "sql"]), 3)
    2.0
    """
    return float(np.exp(entropy(_counts(labels)))) if len(labels) else 0.0


def action_complexity(actions: Labels, weights: Mapping[Hashable, float]) -> float:
    """The cumulative complexity of a trajectory: the sum of the weights of its actions.

    Source: TDScaling, abstract only; the weights are yours to set.

    >>> action_complexity(["read", "edit", "read"], {"read": 1.0, "edit": 3.0})
    5.0
    """
    unknown = [action for action in actions if action not in weights]
    if unknown:
        raise Refused("no-weight", f"the action {unknown[0]!r} has no weight", "weights", "give one")
    return float(sum(weights[action] for action in actions))


def adaptive_shares(target: ArrayLike, counts: ArrayLike) -> Array:
    """The chance that the next trajectory is of each cluster: in proportion to what is missing of its target share; (k,).

    Where nothing is missing it is the target itself.
    Source: TDScaling, abstract only: adaptive sampling towards what is under-represented; this form is recalled.

    >>> adaptive_shares([0.5, 0.5], [3, 1]).tolist()
    [0.0, 1.0]
    """
    wanted, held = _targets(target), np.asarray(counts, dtype=float)
    missing = np.maximum(wanted - held / max(held.sum(), 1.0), 0) if held.sum() else wanted
    return missing / missing.sum() if missing.sum() > 1e-12 else wanted


def fill_to_target(target: ArrayLike, counts: ArrayLike, budget: int) -> NDArray[np.int64]:
    """How many trajectories of each cluster to add, `budget` in all, to come nearest to the target shares; (k,).

    What is there already stays. It is what `adaptive_shares` comes to, without its noise.

    >>> fill_to_target([0.5, 0.25, 0.25], [10, 0, 0], 10).tolist()
    [0, 5, 5]
    """
    wanted, held = _targets(target), np.asarray(counts, dtype=float)
    if budget < 0:
        raise Refused("bad-budget", f"{budget} trajectories cannot be added", "budget", "give 0 or more")
    open_ = wanted > 0
    while True:
        whole = budget + held[open_].sum()
        added = np.where(open_, wanted / wanted[open_].sum() * whole - held, 0.0)
        if (added >= -1e-9).all():
            break
        open_ &= added > 0
    rounded = np.floor(added + 1e-9).astype(np.int64)
    rounded[np.argsort(rounded - added, kind="stable")[: budget - rounded.sum()]] += 1
    return rounded


def greedy_diverse(labels: Sequence[Labels], budget: int) -> NDArray[np.int64]:
    """The trajectories of a pool to take, `budget` of them, one by one by the gain of the sum of entropies; (budget,).

    Use it where a pool is larger than what can be trained on. Each of `labels` is one view of the same pool, such as
    its domains and its modes of reasoning, and the entropies of all views are added; of trajectories alike in all of
    them the first ones are taken.
    Errors: `Refused` for views of different lengths, and for a budget larger than the pool.
    Source: TDScaling, abstract only: diversity of domains and of modes; the greedy rule is ours. Provisional.

    >>> greedy_diverse([["web", "web", "web", "sql"]], 2).tolist()
    [0, 3]
    """
    codes = [np.unique(np.array([repr(one) for one in view]), return_inverse=True)[1] for view in labels]
    if not codes or len({len(view) for view in codes}) > 1:
        raise Refused(
            "bad-labels", "the views of a pool are not of one length", "labels", "give one label a trajectory"
        )
    if not 0 < budget <= len(codes[0]):
        raise Refused("bad-budget", f"{budget} of {len(codes[0])} trajectories cannot be taken", "budget",
                      "give 1 or more, up to the pool")  # fmt: skip
    kinds, first, kind_of = np.unique(np.column_stack(codes), axis=0, return_index=True, return_inverse=True)
    by_place = np.argsort(first)
    kinds, waiting = kinds[by_place], [list(np.flatnonzero(kind_of.ravel() == k)[::-1]) for k in by_place]
    held = [np.zeros(int(view.max()) + 1) for view in codes]
    taken = np.empty(budget, dtype=np.int64)
    for i in range(budget):
        gains = sum((_gains(have, i)[kinds[:, v]] for v, have in enumerate(held)), np.zeros(len(kinds)))
        best = int(np.argmax(np.where([bool(left) for left in waiting], np.round(gains, 12), -np.inf)))
        taken[i] = waiting[best].pop()
        for v, have in enumerate(held):
            have[kinds[best, v]] += 1
    return taken


def _gains(held: Array, total: int) -> Array:
    """Of each cluster, what one more adds to the entropy of counts; a constant of all left out.

    H = ln n - (1/n) sum c ln c, so only the change of c ln c matters, divided by the new n.
    """
    return -(_c_log_c(held + 1) - _c_log_c(held)) / (total + 1)


def _c_log_c(counts: Array) -> Array:
    return counts * np.log(np.maximum(counts, 1.0))


def _counts(labels: Labels) -> NDArray[np.int64]:
    found: dict[Hashable, int] = {}
    for label in labels:
        found[label] = found.get(label, 0) + 1
    return np.array(list(found.values()), dtype=np.int64)


def _targets(target: ArrayLike) -> Array:
    found = np.asarray(target, dtype=float)
    if (found < 0).any() or abs(found.sum() - 1) > 1e-6:
        raise Refused(
            "bad-shares", f"target shares sum to {found.sum():g}, not to 1", "target", "give shares of a whole"
        )
    return found
