"""The FLOPs rule of thumb, C = 6 * params * tokens, in whichever way a table counts its parameters.

The one place where the rule stands; exact counts of a known shape are in `flops`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.costs.flops import FLOPS_PER_MULTIPLY_ADD, TRAINING_PASSES

FLOPS_PER_PARAMETER_AND_TOKEN = FLOPS_PER_MULTIPLY_ADD * TRAINING_PASSES
SERVING_FLOPS_PER_PARAMETER_AND_TOKEN = FLOPS_PER_MULTIPLY_ADD
SIZE_AXES = ("params", "active_params", "non_embedding_params")
"""The axes that a law may call the size of a model by, the usual one first."""


def size_axis(axes: Mapping[str, object] | tuple[str, ...]) -> str | None:
    """The axis among these that is the size of a model; None when there is none.

    >>> size_axis(("tokens", "non_embedding_params"))
    'non_embedding_params'
    """
    return next((name for name in SIZE_AXES if name in axes), None)


def rule_flops(params: ArrayLike, tokens: ArrayLike) -> NDArray[np.float64]:
    """Training FLOPs by the rule C = 6 * params * tokens (any shapes that broadcast).

    Use it to place runs and plans on a compute axis in the convention of their own table. It leaves
    out attention over the context and, where params are non-embedding, the head: for a known shape
    use `training_flops`. Source: Kaplan et al. 2020, arXiv 2001.08361, sec. 2.1.

    >>> float(rule_flops(70_000_000_000, 1_400_000_000_000))
    5.88e+23
    """
    return np.asarray(FLOPS_PER_PARAMETER_AND_TOKEN * np.asarray(params, float) * np.asarray(tokens, float))


def rule_partner(flops: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Tokens that a budget leaves for given params, or params for given tokens, by the same rule.

    >>> float(rule_partner(6e20, 1e9))
    100000000000.0
    """
    return np.asarray(np.asarray(flops, float) / (FLOPS_PER_PARAMETER_AND_TOKEN * np.asarray(other, float)))


def compute_of(axes: Mapping[str, ArrayLike]) -> NDArray[np.float64] | None:
    """Training FLOPs of rows or points: by the rule where size and tokens are among their axes, else their `flops`.

    None when neither is there: then compute is not a coordinate of these rows.

    >>> compute_of({"params": [1e9], "tokens": [2e10], "flops": [1.0]})
    array([1.2e+20])
    >>> compute_of({"width": [512.0]}) is None
    True
    """
    size = size_axis(tuple(axes))
    if size is not None and "tokens" in axes:
        return rule_flops(axes[size], axes["tokens"])
    return np.asarray(axes["flops"], float) if "flops" in axes else None
