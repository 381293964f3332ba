"""The training tokens at which a model of a given size has a given loss, for all draws at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import elementwise

from allometry.forecasts import metric_at
from allometry.laws import Law
from allometry.plans.allocation import within
from allometry.plans.terms import TOKENS, Space

Array = NDArray[np.float64]

# Assumed ends of the search: one batch of any kind, and a thousand million times the text of the largest run known to us.
LEAST_TOKENS, MOST_TOKENS = 1e3, 1e24


@dataclass(frozen=True)
class Isoloss:
    """Allocations of equal loss: for each of the `draws` (B, P) the tokens that a size needs to have its `loss` (B,).

    The law's further axes stand at the one setting of the `space`. Loss must fall with tokens, as it does for every law
    in which more never hurts; a metric of which more is better is `rising`. Where `unknown` is the size, the space's size
    is the tokens: then it gives the size that tokens need.
    """

    law: Law
    space: Space
    draws: Array
    loss: Array
    rising: bool = False
    unknown: str = TOKENS

    @property
    def setting(self) -> Mapping[str, float]:
        return self.space.settings[0]

    def unlimited(self) -> Isoloss:
        """The same without the user's limits, which rules of thumb do not know."""
        return replace(self, space=replace(self.space, limits=dict.fromkeys(self.space.limits, (0.0, np.inf))))

    def of(self, rows: slice | NDArray[np.bool_]) -> Isoloss:
        """The same of some draws."""
        return replace(self, draws=self.draws[rows], loss=self.loss[rows])

    def tokens(self, size: ArrayLike) -> Array:
        """Tokens (B, k) at sizes (B, k) or (k,).

        Infinite where a size never has the loss, or where its tokens or the size itself break a limit of the user's.
        """
        wanted = np.atleast_2d(np.asarray(size, float))
        wanted = np.broadcast_to(wanted, (len(self.draws), wanted.shape[1]))
        draw, flat = np.repeat(np.arange(len(self.draws)), wanted.shape[1]), wanted.ravel()
        least, most = self.space.limits[self.unknown]
        found = np.maximum(np.exp(self._log_tokens(draw, flat)), least)
        kept = within(found, (0.0, most)) & within(flat, self.space.limits[self.space.size])
        return np.where(kept, found, np.inf).reshape(wanted.shape)

    def _log_tokens(self, draw: NDArray[np.int64], size: Array) -> Array:
        """Log tokens (n,) of sizes (n,), each by the draw of that number (n,)."""
        low, high = np.full(len(size), np.log(LEAST_TOKENS)), np.full(len(size), np.log(MOST_TOKENS))

        def excess(log_tokens: Array, index: Array) -> Array:
            row = index.astype(int)
            points = {self.space.size: size[row, None], self.unknown: np.exp(log_tokens)[:, None], **self._settings}
            found = metric_at(self.law, self.draws[draw[row]], points)[:, 0] - self.loss[draw[row]]
            return np.nan_to_num(-found if self.rising else found, nan=1e300, posinf=1e300)

        index = np.arange(len(size), dtype=float)
        early = excess(low, index) <= 0
        inside = np.flatnonzero(~early & (excess(high, index) <= 0))
        result = np.where(early, low, np.inf)
        if len(inside):
            tolerances = {"xatol": 1e-11, "xrtol": 1e-14}
            ends = (low[inside], high[inside])
            result[inside] = elementwise.find_root(excess, ends, args=(index[inside],), tolerances=tolerances).x
        return result

    @property
    def _settings(self) -> dict[str, Array]:
        return {name: np.array([value]) for name, value in self.setting.items()}
