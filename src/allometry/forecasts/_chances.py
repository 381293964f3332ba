"""How the chance of one sample is spread over problems: three families, which differ where counts seldom tell them apart.

Two fall as chance**(a-1) towards hard problems and differ among the easy ones; the third has fewer of the hardest, so
that coverage is complete sooner. Forecasts far beyond the samples differ. All are given by `a` and their mean, which
counts tell well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, ndtr

Array: TypeAlias = NDArray[np.float64]

MOST_SAMPLES = 1e9
"""So many samples can be forecast: the nodes reach down to chances that so many would not find."""
_MARGIN = 12.0  # how far the nodes reach, in logits, beyond what the samples tell from always
_WIDEST = 0.1  # a sum over nodes is as good as exact while a spread is as wide as their distance
_BISECTIONS = 44
_HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)
_CELLS = np.linspace(-6, 6, 97)
_OUTER = 600.0  # logits between which the middle of normal ones is looked for


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


class LogitNormal:
    """The distribution whose logits are normal, of spread 1/a; their middle is found from the mean."""

    name = "logit-normal"

    def weights(self, a: Array, mean: Array, nodes: Nodes) -> Array:
        middle, chance, logits = _middle(1 / a, mean), np.exp(nodes.log_p), nodes.log_p - nodes.log_q
        shares = self._about(middle, a, nodes)  # a step of Newton's, for the cells are coarse
        told, slope = shares @ chance, a[:, 0] ** 2 * ((shares * (logits - middle)) @ chance)
        step = np.divide(mean[:, 0] - told, slope, out=np.zeros_like(told), where=slope > 0)
        return self._about(middle + np.clip(step, -1 / a[:, 0], 1 / a[:, 0])[:, None], a, nodes)

    def _about(self, middle: Array, a: Array, nodes: Nodes) -> Array:
        far = a * (nodes.log_p - nodes.log_q - middle)
        return _shares(np.log(a) - 0.5 * far**2 - _HALF_LOG_TAU, ndtr(far[:, :1]), ndtr(-far[:, -1:]), nodes)


def _middle(spread: Array, mean: Array) -> Array:
    """About the middle (G, 1) of normal logits of that spread (G, 1) whose chance has that mean, from cells of them."""
    low, high = np.full_like(spread, -_OUTER), np.full_like(spread, _OUTER)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        rising = np.diff(np.logaddexp(0, middle + spread * _CELLS), axis=1)
        above = (rising / (spread * np.diff(_CELLS))) @ np.diff(ndtr(_CELLS)) > mean[:, 0]
        low, high = np.where(above[:, None], low, middle), np.where(above[:, None], middle, high)
    return np.asarray((low + high) / 2)


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


FAMILIES: tuple[Family, ...] = (Beta(), Kumaraswamy(), LogitNormal())
