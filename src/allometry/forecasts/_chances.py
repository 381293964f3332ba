"""How the chance of one sample is spread over problems: two families with the same tail of hard problems.

Both fall as chance**(a-1) towards hard problems and differ among the easy ones, so counts of a few samples seldom tell
them apart, and forecasts far beyond those samples do. Both are given by `a` and their mean, which counts tell well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

Array: TypeAlias = NDArray[np.float64]

MOST_SAMPLES = 1e9
"""So many samples can be forecast: the nodes reach down to chances that so many would not find."""
_MARGIN = 12.0  # how far the nodes reach, in logits, beyond what the samples tell from always
_WIDEST = 0.05
_BISECTIONS = 44


@dataclass(frozen=True, eq=False)
class Nodes:
    """Evenly spaced logits of the chance (M,): its logarithm, that of its complement, and the spacing."""

    log_p: Array
    log_q: Array
    width: float

    def solved(self, samples: float) -> Array:
        """The chance that one of so many samples is right (M,)."""
        return np.asarray(-np.expm1(samples * self.log_q))

    @classmethod
    def reaching(cls, samples: float, successes: float) -> Nodes:
        """Nodes for counts of up to `samples` samples, close enough to integrate over the likelihood of up to `successes`."""
        width = min(_WIDEST, 0.8 / np.sqrt(max(successes, 1.0)))
        low, high = -np.log(MOST_SAMPLES) - _MARGIN, np.log(samples) + _MARGIN
        logits = np.linspace(low, high, int(np.ceil((high - low) / width)) + 1)
        return cls(-np.logaddexp(0, -logits), -np.logaddexp(0, logits), float(logits[1] - logits[0]))


class Family(Protocol):
    """A distribution of chances; `a` and `mean` (G, 1)."""

    name: str

    def weights(self, a: Array, mean: Array, nodes: Nodes) -> Array:
        """The share of problems at each node (G, M); the outer nodes hold all beyond them."""


class Beta:
    """The beta distribution, b = a (1 - mean) / mean."""

    name = "beta"

    def weights(self, a: Array, mean: Array, nodes: Nodes) -> Array:
        b = a * (1 - mean) / mean
        log_density = a * nodes.log_p + b * nodes.log_q - betaln(a, b)
        below, above = betainc(a, b, np.exp(nodes.log_p[0])), betainc(b, a, np.exp(nodes.log_q[-1]))
        return _shares(log_density, below, above, nodes)


class Kumaraswamy:
    """The distribution with 1 - (1 - chance**a)**b below a chance; b is found from the mean b B(1 + 1/a, b)."""

    name = "kumaraswamy"

    def weights(self, a: Array, mean: Array, nodes: Nodes) -> Array:
        b = _second_shape(a, mean)
        log_rest = np.log(-np.expm1(a * nodes.log_p))
        log_density = np.log(a) + np.log(b) + a * nodes.log_p + (b - 1) * log_rest + nodes.log_q
        below, above = -np.expm1(b * log_rest[:, :1]), np.exp(b * log_rest[:, -1:])
        return _shares(log_density, below, above, nodes)


def _second_shape(a: Array, mean: Array) -> Array:
    """The b (G, 1) of a Kumaraswamy distribution with that mean, by halving an interval of log b."""
    low, high = np.full_like(a, -20.0), np.full_like(a, 600.0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = middle + betaln(1 + 1 / a, np.exp(middle)) > np.log(mean)
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(np.exp((low + high) / 2))


def _shares(log_density: Array, below: Array, above: Array, nodes: Nodes) -> Array:
    shares = np.exp(log_density) * nodes.width
    shares[:, :1] = shares[:, :1] / 2 + below
    shares[:, -1:] = shares[:, -1:] / 2 + above
    total = shares.sum(axis=1, keepdims=True)
    # a spread so narrow or so far out that no node sees it has no likelihood
    return np.asarray(np.divide(shares, total, out=np.zeros_like(shares), where=np.isfinite(total) & (total > 0)))


FAMILIES: tuple[Family, ...] = (Beta(), Kumaraswamy())
