"""The band that finished runs imply for every checkpoint of another, and whether that run has left it for good.

Each checkpoint is told from what the run showed up to two thirds of its way to it and three checkpoints before it.
One width holds for the whole life of a run: it is the one that a share `level` of finished runs, each left out of what
it is judged by, never leave for three checkpoints in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from allometry.forecasts._path_neighbours import FEWEST, Neighbours, Track
from allometry.forecasts._path_regression import upper_bound
from allometry.runs.columns import Floats

IN_A_ROW = 3  # checkpoints outside before a run is said to be outside: one or two may be a spike
TOLD_FROM = 2 / 3  # of a share, and three checkpoints: near enough to see a jump, far enough to see a drift (simulated)
MOST_KNOTS = 40  # checkpoints looked at of a long run, and as many to come
SHORTEST = 0.5  # share of the checkpoints that a finished run must cover to be judged like this one


class Band(NamedTuple):
    """For shares (k,): residuals told, low and high, not a number where too few runs cover one; `runs` judged it."""

    share: Floats
    value: Floats
    low: Floats
    high: Floats
    runs: int

    def outside(self, residual: Floats) -> Floats:
        """1 where a residual (k,) is outside or no number, 0 inside, not a number where there is no band."""
        inside = (self.low <= residual) & (residual <= self.high)
        return np.where(np.isfinite(residual), np.where(np.isfinite(self.value), ~inside, np.nan), 1.0)


class _Knot(NamedTuple):
    """What was told of one checkpoint, and the errors (n,) of all finished runs there in units of their scale."""

    value: float
    scale: float
    scores: Floats


def find_band(others: Neighbours, own: Track, share: Floats, level: float) -> Band | None:
    """The band at shares (k,) of a run; None where too few finished runs have checkpoints.

    The width is set on the whole life, checkpoints to come included at the pace of those so far.
    """
    whole = np.append(share, _to_come(share))
    knots = [_knot(others, own, at, since) for at, since in zip(whole, _judged_from(whole), strict=True)]
    sizes = _longest_stays(np.array([knot.scores for knot in knots]).T)
    if len(sizes) < FEWEST:
        return None
    reach = upper_bound(sizes, level)
    return _followed(others, own, share, knots, reach, len(sizes))


def _followed(others: Neighbours, own: Track, share: Floats, knots: Sequence[_Knot], reach: float, runs: int) -> Band:
    """Checkpoint by checkpoint: what lies outside does not count for those after it, once it is no spike or has passed."""
    rows, away, track, since = [], 0, own, _judged_from(share)
    for i, (at, knot) in enumerate(zip(share, knots, strict=False)):
        left = share[i - away - 1] if away < i else 0.0
        if away >= IN_A_ROW or track is not own:
            knot = _knot(others, track, at, min(since[i], left) if away >= IN_A_ROW else since[i])
        rows.append((knot.value, reach * knot.scale))
        if abs(own.at(np.array([at]))[0] - knot.value) > reach * knot.scale:
            away += 1
            continue
        track = track.without(share[i - away : i]) if away else track
        away = 0
    value, half = np.array(rows).T
    return Band(share, value, value - half, value + half, runs)


def _judged_from(share: Floats) -> Floats:
    """The share (k,) up to which a run is known when a checkpoint is told; 0 where that is before its first one."""
    back = np.concatenate([np.zeros(IN_A_ROW), share])[: len(share)]
    return np.minimum(back, TOLD_FROM * share)


def _to_come(share: Floats) -> Floats:
    """The shares of checkpoints still to come, at the pace of those so far."""
    pace = float(np.median(np.diff(share))) if len(share) > 1 else float(share[-1])
    count = int(np.clip(np.round((1 - share[-1]) / pace), 0, MOST_KNOTS))
    return np.linspace(share[-1], 1.0, count + 1)[1:]


def _knot(others: Neighbours, own: Track, at: float, since: float) -> _Knot:
    """Told from the share `since`, or from the axes alone where this run or the others show nothing by then."""
    begun, end = len(own.share) and own.share[0] <= since, min(at, 1.0)
    found = (others.tell(own, since, end) if begun else None) or others.tell(own, None, end)
    scores = np.full(len(others.tracks), np.nan)
    if found is None:
        return _Knot(np.nan, np.nan, scores)
    told, used = found
    scores[used] = told.scores
    return _Knot(told.value, told.new_scale, scores)


def _longest_stays(scores: Floats) -> Floats:
    """For each run (n, k) that covers enough: the score that it exceeded for several checkpoints in a row."""
    window = min(IN_A_ROW, scores.shape[1])
    windows = np.lib.stride_tricks.sliding_window_view(np.abs(scores), window, axis=1).min(axis=2)
    judged = np.isfinite(windows)
    kept = judged.any(axis=1) & (np.isfinite(scores).mean(axis=1) >= SHORTEST * np.isfinite(scores).any(axis=0).mean())
    return np.asarray(np.where(judged, windows, -np.inf).max(axis=1)[kept])


def since_when(outside: Floats, residual: Floats) -> int | None:
    """Which checkpoint a run has been outside from until now: three in a row, or one that is no number."""
    judged = np.flatnonzero(np.isfinite(outside))
    inside = judged[outside[judged] == 0]
    stay = judged[judged > (inside[-1] if len(inside) else -1)]
    lasting = len(stay) >= IN_A_ROW or (len(stay) > 0 and not np.isfinite(residual[stay[-1]]))
    return int(stay[0]) if lasting else None
