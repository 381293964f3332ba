"""Which rows a backtest fits and which it scores; a run, or repeats of one setting, never stand on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]

MOST_CUTS = 5
FEWEST_HELD_OUT = 3  # groups above a cut: fewer say nothing about the law
FARTHEST_CUT = 0.9  # of the groups, in the order of the axis


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to fit and rows to score, masks (n,). `cut` is where the axis was cut, None for a given hold-out."""

    cut: float | None
    fitted: Mask
    scored: Mask


def cut_at(values: Array, groups: NDArray[np.int64], cut: float) -> Split:
    """Fit below the cut, score above it; rows below the cut of a group that reaches above it are on neither side.

    >>> split = cut_at(np.array([1.0, 2.0, 1.0, 4.0]), np.array([0, 0, 1, 1]), 2.0)
    >>> split.fitted.tolist(), split.scored.tolist()
    ([True, True, False, False], [False, False, False, True])
    """
    reach = reach_of(values, groups)
    return Split(cut, reach <= cut, values > cut)


def rolling_cuts(values: Array, groups: NDArray[np.int64], needed: int) -> tuple[Split, ...]:
    """Up to five splits, cut at even steps of the logarithm from where `needed` rows lie below to near the end.

    Errors: `Refused` where no cut leaves that many rows below and three groups above.
    """
    if not (values > 0).all():
        raise Refused("bad-axis", "the axis of a backtest must be positive", "--backtest", "choose another axis")
    reach = np.unique(reach_of(values, groups))
    usable = [r for r in reach[:-1] if _good(cut_at(values, groups, float(r)), groups, needed)]
    if not usable:
        message = f"no cut leaves {needed} rows to fit below it and {FEWEST_HELD_OUT} runs to score above it"
        raise Refused("too-few-runs", message, f"{len(np.unique(groups))} runs", "give more runs or simpler laws")
    last = max(usable[0], min(usable[-1], float(np.quantile(reach_of(values, groups), FARTHEST_CUT))))
    aims = np.geomspace(usable[0], last, MOST_CUTS)
    chosen = sorted({float(max(r for r in usable if r <= aim * (1 + 1e-9))) for aim in aims})
    return tuple(cut_at(values, groups, cut) for cut in chosen)


def held_out(mask: Mask, groups: NDArray[np.int64]) -> Split:
    """Score the rows of a mask, fit those whose whole group is outside it.

    Errors: `Refused` where nothing is left on one side.
    """
    touched = np.isin(groups, np.unique(groups[mask]))
    if not mask.any() or touched.all():
        side = "no row to score" if not mask.any() else "no row to fit"
        raise Refused("bad-holdout", f"the hold-out leaves {side}", "--holdout", "name rows that only some runs have")
    return Split(None, ~touched, mask)


def reach_of(values: Array, groups: NDArray[np.int64]) -> Array:
    """The highest value of each row's group."""
    _, codes = np.unique(groups, return_inverse=True)
    top = np.full(codes.max() + 1, -np.inf)
    np.maximum.at(top, codes, values)
    return np.asarray(top[codes])


def _good(split: Split, groups: NDArray[np.int64], needed: int) -> bool:
    return int(split.fitted.sum()) >= needed and len(np.unique(groups[split.scored])) >= FEWEST_HELD_OUT
