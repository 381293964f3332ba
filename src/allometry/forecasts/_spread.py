"""Spreads of chances fitted to counts: the likelihood over a grid of them that closes in on the best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import betainc, expit, logit

from allometry.forecasts._chances import Array, Family, Nodes

EASY = 10
"""A problem with more successes than this is easy: that it is right at last is certain, whatever the samples beyond."""
_COARSE, _FINE, _ZOOMS = 16, 36, 3
_NEAR = 8.0  # log-likelihood below the best that the grid still holds; a 99.9% interval ends 5.4 below
_LOG_A = (np.log(0.01), np.log(100.0))
_AROUND = 3.0  # logits that the first grid reaches around the mean of the counts
_FREE = 15.0  # the logits that a share never solved may take
_SHARES = expit(np.arange(-12.0, 12.05, 0.1))


@dataclass(frozen=True, eq=False)
class Counts:
    """The kinds of problems (U,): samples, successes, and how many problems (`often`) had just these.

    Problems with more than `EASY` successes are one kind, `EASY` + 1 or more: how often they are right says nothing of
    hard problems, and a spread that had to fit them as well would be wrong there.
    """

    samples: Array
    successes: Array
    often: Array
    mean: float

    @classmethod
    def of(cls, successes: Array, samples: Array) -> Counts:
        """The kinds among problems (n,), and the mean over problems of the share of successes."""
        kinds, often = np.unique(np.stack([samples, np.minimum(successes, EASY + 1)]), axis=1, return_counts=True)
        return cls(kinds[0], kinds[1], often.astype(float), float(np.mean(successes / samples)))

    @property
    def nodes(self) -> Nodes:
        return Nodes.reaching(float(self.samples.max()), float(self.successes.max()))

    @property
    def solved(self) -> float:
        """The share of problems with a success."""
        return float(self.often[self.successes > 0].sum() / self.often.sum())

    def likelihood(self, nodes: Nodes) -> Array:
        """The likelihood of each kind at each node (U, M), relative to its largest.

        Whether sampling stopped at a success changes a constant factor only, so the same holds for both.
        """
        samples, successes = self.samples[:, None], self.successes[:, None]
        log = successes * nodes.log_p + (samples - successes) * nodes.log_q
        exact = np.exp(log - log.max(axis=1, keepdims=True))
        more = betainc(EASY + 1, np.maximum(samples - EASY, 0.5), np.exp(nodes.log_p))
        return np.asarray(np.where(successes > EASY, more, exact))


@dataclass(frozen=True, eq=False)
class Spreads:
    """Some spreads (G,) of one family: the shares at the nodes (G, M) and the likelihood of each kind (G, U)."""

    shares: Array
    likelihood: Array
    counts: Counts

    def log_likelihood(self, never: Array) -> Array:
        """Of all counts (G, N), where a share `never` (G, N) of problems besides can't be solved; -inf outside 0 to 1."""
        solved, often = self.counts.successes > 0, self.counts.often
        with np.errstate(divide="ignore", invalid="ignore"):
            told = np.log(self.likelihood[:, solved]) @ often[solved]
            total = told[:, None] + often[solved].sum() * np.log1p(-never)
            for kind in np.flatnonzero(~solved):
                total += often[kind] * np.log(never + (1 - never) * self.likelihood[:, kind, None])
        return np.asarray(np.where((never >= 0) & (never < 1) & np.isfinite(total), total, -np.inf))


@dataclass(frozen=True, eq=False)
class Best:
    """The most likely spread: shares at the nodes (M,), the share never solved besides, the log-likelihood."""

    shares: Array
    never: float
    log_likelihood: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A family fitted: the spreads near the best, the best one, and the best with a mass of problems never solved."""

    near: Spreads
    plain: Best
    massed: Best

    def plain_ends(self, solved: Array, drop: float) -> tuple[float, float]:
        """The least and largest coverage of spreads without a mass within `drop` of their best log-likelihood.

        `solved` (M,) is the chance at each node that a problem is solved.
        """
        likely = self.near.log_likelihood(np.zeros((len(self.near.shares), 1)))[:, 0]
        told = np.append(
            (self.near.shares @ solved)[likely >= self.plain.log_likelihood - drop], self.plain.shares @ solved
        )
        return float(told.min()), float(told.max())

    def massed_ends(self, solved: Array, drop: float) -> tuple[float, float]:
        """The same with a mass: between coverages at every tenth of a logit, by a line through the profile."""
        most = np.maximum(self.near.shares @ solved, 1e-290)
        profile = self.near.log_likelihood(1 - _SHARES / most[:, None]).max(axis=0)
        above = np.maximum(profile - self.massed.log_likelihood + drop, -drop)
        inside = np.flatnonzero(above >= 0)
        if not len(inside):
            best = (1 - self.massed.never) * float(self.massed.shares @ solved)
            return best, best
        first, last = inside[0], inside[-1]
        low = np.interp(0, above[max(first - 1, 0) : first + 1], _SHARES[max(first - 1, 0) : first + 1])
        high = np.interp(0, above[last : last + 2][::-1], _SHARES[last : last + 2][::-1])
        return float(low), float(high)


def fit_family(family: Family, counts: Counts, nodes: Nodes) -> Fitted:
    """The family's best spreads, and the grid of those that come near them."""
    return _Fitting(family, counts, nodes, counts.likelihood(nodes)).fitted()


@dataclass(frozen=True, eq=False)
class _Fitting:
    family: Family
    counts: Counts
    nodes: Nodes
    kernel: Array

    def spreads(self, points: Array) -> Spreads:
        """Those at points (G, 2): log a and the logit of the mean."""
        shares = self.family.weights(np.exp(points[:, :1]), expit(points[:, 1:2]), self.nodes)
        return Spreads(shares, shares @ self.kernel.T, self.counts)

    def fitted(self) -> Fitted:
        rate, solved = logit(self.counts.mean), self.counts.solved
        whole = np.array([_LOG_A, (rate - _AROUND, rate + _AROUND - np.log(solved))])
        box = whole
        never = np.concatenate([[0.0], np.linspace(0.04, 1, 12) * (1 - solved / 2)])
        for steps in (_COARSE,) * (_ZOOMS - 1) + (_FINE,):
            axes = np.meshgrid(*(np.linspace(low, high, steps) for low, high in box), indexing="ij")
            points = np.stack(axes, axis=-1).reshape(-1, 2)
            grid = self.spreads(points)
            likely = grid.log_likelihood(np.broadcast_to(never, (len(points), len(never))))
            near = likely.max(axis=1) > likely.max() - _NEAR
            pad = (box[:, 1] - box[:, 0]) / (steps - 1)
            box = np.stack([points[near].min(axis=0) - pad, points[near].max(axis=0) + pad], axis=1)
            box = np.clip(box, whole[:, :1], whole[:, 1:])
        row, column = np.unravel_index(likely[:, 1:].argmax(), likely[:, 1:].shape)
        plain = self.best(points[likely[:, 0].argmax()], whole)
        massed = self.best(np.append(points[row], logit(never[1 + column])), whole)
        return Fitted(Spreads(grid.shares[near], grid.likelihood[near], self.counts), plain, massed)

    def best(self, start: Array, whole: Array) -> Best:
        """The most likely spread from a start: a point, and the logit of the share never solved if that is free."""

        def at(point: Array) -> Best:
            spreads = self.spreads(np.asarray(point)[None, :2])
            never = float(expit(point[2])) if len(point) > 2 else 0.0
            return Best(spreads.shares[0], never, float(spreads.log_likelihood(np.full((1, 1), never))[0, 0]))

        found = minimize(lambda point: -at(point).log_likelihood, start, method="Nelder-Mead",
                         bounds=[*whole, (-_FREE, _FREE)][: len(start)],
                         options={"xatol": 3e-3, "fatol": 1e-3})  # fmt: skip
        return at(found.x)
