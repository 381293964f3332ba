"""How many right answers each query is to have: alike for all, or by how hard it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]


def uniform_targets(rates: ArrayLike, most: int) -> Counts:
    """`most` right answers for each query, whatever its pass rate; (n,).

    Use it for a set in which easy and hard queries weigh alike.
    Source: Tong et al. 2024, arXiv 2407.13690, DARS-Uniform (k_u).

    >>> uniform_targets([0.1, 0.9], 4).tolist()
    [4, 4]
    """
    return np.full(len(check_rates(rates)), _most(most), dtype=np.int64)


def prop2diff_targets(rates: ArrayLike, most: int) -> Counts:
    """Right answers in proportion to the fail rate, `most` for the hardest query and one or more for each; (n,).

    Use it for a set that leans to what is hard. Where every query is always solved all are alike and get `most`.
    Source: Tong et al. 2024, arXiv 2407.13690, DARS-Prop2Diff: ceil(k_p d / max d), d the fail rate; that an always
    solved query keeps one follows their rounding up.

    >>> prop2diff_targets([0.2, 0.6, 1.0], 4).tolist()
    [4, 2, 1]
    """
    fails = 1 - check_rates(rates)
    if not fails.any():
        return uniform_targets(rates, most)
    # nine digits, so that a share which is whole in exact arithmetic is not rounded up
    return np.maximum(1, np.ceil(np.round(_most(most) * fails / fails.max(), 9))).astype(np.int64)


RULES: Mapping[str, Callable[[ArrayLike, int], Counts]] = MappingProxyType(
    {"uniform": uniform_targets, "prop2diff": prop2diff_targets}
)


def check_rates(rates: ArrayLike) -> Array:
    """Pass rates as an array (n,).

    Errors: `Refused` for none, and for numbers that are no shares.

    >>> check_rates([0.5]).tolist()
    [0.5]
    """
    found = np.asarray(rates, dtype=float)
    if found.ndim != 1 or not len(found):
        raise Refused("no-queries", "there are no queries", "pass rates", "give one rate a query")
    wrong = np.flatnonzero(~((found >= 0) & (found <= 1)))
    if len(wrong):
        raise Refused("bad-rate", f"the rate of query {wrong[0]} is {found[wrong[0]]:g}", "pass rates", "give 0 to 1")
    return found


def _most(most: int) -> int:
    if most < 1:
        raise Refused("bad-target", f"{most} right answers are no target", "correct", "give 1 or more")
    return most
