"""Equivalent compute: the share of a budget at which a draw's own best split is as good as a given loss."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.laws import Law
from allometry.plans.allocation import best_split
from allometry.plans.reach import flops_ends
from allometry.plans.terms import Space

Array = NDArray[np.float64]

# Decades below the budget at which the least loss is computed, no more of them than the losses asked for need. Between
# them it is interpolated: the share wasted is right to 1% of itself. Below the last, 99.99% is wasted and that is said.
_DECADES = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
_FINER = 8  # times as many between listed options: their frontier has a kink wherever the best option changes


class Frontier(NamedTuple):
    """The least loss of each draw (B, K) at log shares (B, K) of its budget that fall from 0; NaN beyond the last."""

    log_share: Array
    loss: Array

    def share(self, loss: Array) -> Array:
        """Share (B, k) of the budget that reaches each loss (B, k): 1 where nothing is lost.

        A cubic in loss between two known shares, with the slopes of the parabolas through three.
        """
        if self.loss.shape[1] == 1:
            return np.where(np.isfinite(loss), 1.0, np.nan)
        last = np.isfinite(self.loss).sum(axis=1) - 1
        past = (loss[:, :, None] >= self.loss[:, None, :]).sum(axis=2) - 1
        left = np.clip(past, 0, np.maximum(last - 1, 0)[:, None])
        slopes = _slopes(self.log_share, self.loss)
        x0, x1, y0, y1, m0, m1 = (
            np.take_along_axis(values, left + shift, axis=1)
            for values in (self.loss, self.log_share, slopes)
            for shift in (0, 1)
        )
        with np.errstate(all="ignore"):
            t = np.clip((loss - x0) / (x1 - x0), 0.0, 1.0)
        h = x1 - x0
        y = y0 + t * t * (3 - 2 * t) * (y1 - y0) + t * (1 - t) * h * ((1 - t) * m0 - t * m1)
        y = np.where(np.isfinite(h) & (h > 0), y, y0)
        return np.where(np.isfinite(loss), np.exp(np.where(t > 0, y, y0)), np.nan)


def _slopes(y: Array, x: Array) -> Array:
    """dy/dx (B, K) at nodes, where y falls as x rises; NaN nodes end a row."""
    with np.errstate(all="ignore"):
        h = np.diff(x, axis=1)
        secant = np.where(h > 0, np.diff(y, axis=1) / h, np.nan)
        inner = (h[:, 1:] * secant[:, :-1] + h[:, :-1] * secant[:, 1:]) / (h[:, 1:] + h[:, :-1])
    nothing = np.full((len(x), 1), np.nan)
    left, right = np.hstack([nothing, secant]), np.hstack([secant, nothing])
    slopes = np.hstack([nothing, inner, nothing])
    # at an end, and beside a secant that is none: the parabola's slope there, or the one secant known
    back, ahead = np.hstack([nothing, slopes[:, :-1]]), np.hstack([slopes[:, 1:], nothing])
    for rest in (2 * left - back, 2 * right - ahead, left, right):
        slopes = np.where(np.isfinite(slopes), slopes, rest)
    steepest = 3 * np.fmax(left, right)  # of the flatter secant: no cubic turns back (Fritsch and Carlson 1980)
    return np.nan_to_num(np.clip(slopes, steepest, 0.0))


def frontier(law: Law, draws: Array, flops: Array, best: Array, space: Space, worst: Array) -> Frontier:
    """The frontier of draws (B, P) below budgets (B,) of which the least loss `best` (B,) is known, down to `worst` (B,)."""
    floor = np.minimum(flops_ends(space)[0], flops)
    below = np.array(_DECADES) if space.options is None else _finer((0.0, *_DECADES))
    log_shares, losses = [np.zeros(len(draws))], [best]
    rest = np.flatnonzero(np.isfinite(best) & (worst > best))
    for decades in below:
        if not len(rest):
            break
        at = np.maximum(flops[rest] * 10.0**-decades, floor[rest])
        log_share, loss = np.full(len(draws), np.nan), np.full(len(draws), np.nan)
        log_share[rest] = np.log(at / flops[rest])
        # nearest to the budget counts, where a frontier should ever turn
        before = losses[-1][rest]
        loss[rest] = np.fmax(best_split(law, draws[rest], at, space).loss, before)
        log_shares.append(log_share)
        losses.append(loss)
        rest = rest[(before < worst[rest]) & (at > floor[rest])]  # one node beyond the worst, for the slope there
    return Frontier(np.stack(log_shares, axis=1), np.stack(losses, axis=1))


def _finer(nodes: tuple[float, ...]) -> Array:
    count = _FINER * (len(nodes) - 1)
    return np.interp(np.arange(1, count + 1) / _FINER, np.arange(len(nodes)), nodes)


def equivalent_share(law: Law, draws: Array, flops: Array, best: Array, space: Space, loss: Array) -> Array:
    """Share (B,) of the budgets (B,) at which the best split has `loss` (B,), `best` (B,) being that at the budget.

    Read off the frontier, and mended once by what the frontier reads at the loss that is really had there.
    """
    found = frontier(law, draws, flops, best, space, loss)
    share = found.share(loss[:, None])[:, 0]
    lost = np.isfinite(share) & (share < 1) & (share > np.exp(np.nanmin(found.log_share, axis=1)))
    if lost.any():
        had = np.array(loss)
        had[lost] = best_split(law, draws[lost], (flops * share)[lost], space).loss
        read = found.share(had[:, None])[:, 0]
        share = np.where(lost, np.minimum(share * share / read, 1.0), share)
    return share
