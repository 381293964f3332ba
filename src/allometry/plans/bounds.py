"""Where the search for an allocation ends, and whose limit that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused
from allometry.plans.terms import TOKENS, Space

Array = NDArray[np.float64]

# Assumed: a decade or more outside any model we know to have been trained (about 0.01 to 60,000 tokens per parameter).
LEAST_RATIO, MOST_RATIO = 1e-3, 1e6
_ROOM = np.log(1e3)  # the assumed ends leave three decades beyond any limit of the user's


@dataclass(frozen=True)
class Bounds:
    """Ends of log size (B,) for a budget each, what sets them, and whether the user asked for that."""

    low: Array
    high: Array
    low_name: str
    high_name: str
    low_asked: bool
    high_asked: bool


def bounds_of(space: Space, log_product: Array) -> Bounds:
    """The ends of log size where size * tokens is exp(log_product) (B,).

    Errors: `Refused` when the user's limits leave no allocation of that budget.
    """
    asked_low, low_name = _asked(space, log_product, above=False)
    asked_high, high_name = _asked(space, log_product, above=True)
    if np.any(asked_low > asked_high * (1 + 1e-12)):
        raise Refused(
            "no-allocation", "no split of this budget keeps all limits", "--at-least, --at-most", "widen them"
        )
    low = np.minimum(0.5 * (log_product - np.log(MOST_RATIO)), asked_high - _ROOM)
    high = np.maximum(0.5 * (log_product - np.log(LEAST_RATIO)), asked_low + _ROOM)
    low_asked, high_asked = bool(asked_low[0] >= low[0]), bool(asked_high[0] <= high[0])
    return Bounds(
        low=np.maximum(low, asked_low),
        high=np.minimum(high, asked_high),
        low_name=low_name if low_asked else f"{MOST_RATIO:g} tokens per parameter, where the search ends",
        high_name=high_name if high_asked else f"{LEAST_RATIO:g} tokens per parameter, where the search ends",
        low_asked=low_asked,
        high_asked=high_asked,
    )


def _asked(space: Space, log_product: Array, above: bool) -> tuple[Array, str]:
    """The user's upper (or lower) end of log size: a limit on size, or one on tokens turned round."""
    size, tokens = space.limits[space.size], space.limits[TOKENS]
    with np.errstate(divide="ignore"):
        own = np.full_like(log_product, np.log(size[1] if above else size[0]))
        turned = log_product - np.log(tokens[0] if above else tokens[1])
    word, opposite = ("most", "least") if above else ("least", "most")
    by_size = own[0] <= turned[0] if above else own[0] >= turned[0]
    text = f"{space.size} at {word} {size[above]:g}" if by_size else f"tokens at {opposite} {tokens[not above]:g}"
    return (np.minimum(own, turned) if above else np.maximum(own, turned)), f"{text}, as asked"
