"""What finished runs showed on their way, as residuals against a law fitted without them, at any share of the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from allometry.axes import AXES
from allometry.fits import Fit
from allometry.forecasts._path_regression import Told, tell
from allometry.forecasts._path_residuals import moved_by_leaving_out, residuals
from allometry.forecasts._paths import Path, Paths
from allometry.runs.columns import Floats, codes

FEWEST = 5  # finished runs with checkpoints: with fewer there is no saying how runs come to their end (assumed)
FEWEST_SIZES = 3  # to leave one out where the watched run has a size of its own
LOOK_BACK = 0.5  # of a share: how far back a path is looked at for its direction
LEAST_SCALE = 1e-6  # losses are logged to about six digits (assumed)
_EARLIEST = 1e-6  # share of a way
_SLACK = 1.02  # a first checkpoint this close after a share still covers it


@dataclass(frozen=True, eq=False)
class Track:
    """Residuals (k,) of one run at shares (k,) of its way, both finite, and its axes (a,) at the end."""

    share: Floats
    residual: Floats
    axes: Floats

    @property
    def last(self) -> float:
        """The residual furthest on; not a number where there is none."""
        return float(self.residual[-1]) if len(self.residual) else np.nan

    def at(self, shares: Floats) -> Floats:
        """Residuals at other shares, straight in the log of the share; not a number before the first checkpoint."""
        if not len(self.share):
            return np.full(len(shares), np.nan)
        told = np.interp(np.log(shares), np.log(self.share), self.residual)
        return np.where(shares * _SLACK >= self.share[0], told, np.nan)

    def without(self, shares: Floats) -> Track:
        """The same run as if it had not been measured at these shares."""
        kept = ~np.isin(self.share, shares)
        return Track(self.share[kept], self.residual[kept], self.axes)

    def known(self, share: float) -> Floats:
        """What is known of the run at a share: residual, its change since half of it, and the axes."""
        now = self.at(np.array([share]))[0]
        before = np.interp(np.log(LOOK_BACK * share), np.log(self.share), self.residual) if len(self.share) else np.nan
        return np.append([now, now - before], self.axes)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Tracks of the finished runs and the group of each (n,): groups are left out together."""

    tracks: tuple[Track, ...]
    groups: NDArray[np.int64]

    def tell(self, own: Track, since: float | None, to: float) -> tuple[Told, NDArray[np.int64]] | None:
        """The residual of a run at the share `to` from what it showed at `since`, or from its axes where that is None.

        Also the runs that this was learned from; None where too few cover both shares.
        """
        if not self.tracks:
            return None
        wanted = self._at(to)
        known = self._axes if since is None else self._known(since)
        used = np.flatnonzero(np.isfinite(wanted) & np.isfinite(known).all(axis=1))
        if len(used) < FEWEST:
            return None
        new, blocks = own.axes if since is None else own.known(since), _blocks(self.groups[used])
        rules = [tell(known[used], wanted[used], new, blocks, LEAST_SCALE)]
        if since is not None:  # the run's own offset, and not the ladder alone, may be what to shrink to
            change = wanted[used] - known[used, 0]
            rules.append(tell(known[used], change, new, blocks, LEAST_SCALE).shifted(float(new[0])))
        return min(rules, key=lambda rule: float(np.abs(rule.errors).mean())), used

    def _known(self, share: float) -> Floats:
        """What `Track.known` gives, for every run."""
        now = self._at(share)
        return np.column_stack([now, now - self._straight(LOOK_BACK * share), self._axes])

    def _at(self, share: float) -> Floats:
        return np.where(share * _SLACK >= self._begins, self._straight(share), np.nan)

    def _straight(self, share: float) -> Floats:
        """Residuals (n,) at a share, all runs in one search: each has a stretch of unit length of the places."""
        place, residual = self._places
        wanted = np.arange(len(self.tracks)) + _within(share)
        after = np.searchsorted(place, wanted)
        ends = np.cumsum([len(track.share) for track in self.tracks])
        right = np.clip(after, np.append(0, ends[:-1]), ends - 1)
        left = np.clip(after - 1, np.append(0, ends[:-1]), ends - 1)
        gap = place[right] - place[left]
        part = np.where(gap > 0, (wanted - place[left]) / np.where(gap > 0, gap, 1.0), 0.0)
        return np.asarray(residual[left] + part * (residual[right] - residual[left]))

    @cached_property
    def _places(self) -> tuple[Floats, Floats]:
        place = np.concatenate([i + _within(track.share) for i, track in enumerate(self.tracks)])
        return place, np.concatenate([track.residual for track in self.tracks])

    @cached_property
    def _begins(self) -> Floats:
        return np.array([track.share[0] for track in self.tracks])

    @cached_property
    def _axes(self) -> Floats:
        return np.array([track.axes for track in self.tracks])


def _within(share: Floats | float) -> Floats:
    """The log of a share, squeezed into 0 to 1."""
    return np.asarray(1 + np.log(np.maximum(share, _EARLIEST)) / -np.log(_EARLIEST) * 0.9 - 0.05)


def neighbours(paths: Paths, fit: Fit, moving: frozenset[str]) -> tuple[Neighbours, Floats]:
    """The finished runs that the law was fitted to, and the final residual (n,) of each against the others' law."""
    place = {int(number): i for i, number in enumerate(fit.rows.numbers)}
    numbers = [int(paths.runs.row_numbers[path.rows[-1]]) for path in paths.others]
    kept = [(path, place[number]) for path, number in zip(paths.others, numbers, strict=True) if number in place]
    groups = _groups(paths, [path for path, _ in kept], [name for name in fit.law.axes if name not in moving])
    points = [{name: paths.runs.columns[name][path.rows] for name in fit.law.axes} for path, _ in kept]
    plain = [residuals(fit, at, _values(paths, path, fit)) for at, (path, _) in zip(points, kept, strict=True)]
    whole = _left_out(fit, np.array([row for _, row in kept]), groups, points, plain)
    tracks = [
        _track(path.clock / path.clock[-1], own, at, -1) for own, at, (path, _) in zip(whole, points, kept, strict=True)
    ]
    with_way = np.array([len(track.share) > 1 for track in tracks], dtype=bool)
    final = np.array([own[-1] for own in whole])
    return Neighbours(tuple(t for t, way in zip(tracks, with_way, strict=True) if way), groups[with_way]), final


def own_track(paths: Paths, fit: Fit, share: Floats, end: Mapping[str, float]) -> Track:
    """The watched run's residuals against the law, at shares (k,) of its way."""
    path = paths.watched
    points = {name: paths.runs.columns[name][path.rows] for name in fit.law.axes}
    own = residuals(fit, points, _values(paths, path, fit))
    return _track(share, own, {name: np.array([end[name]]) for name in fit.law.axes}, 0)


def _values(paths: Paths, path: Path, fit: Fit) -> Floats:
    return np.asarray(paths.runs.columns[fit.rows.metric][path.rows], float)


def _track(share: Floats, residual: Floats, points: Mapping[str, Floats], at: int) -> Track:
    sound = np.isfinite(residual)
    logs = [name in AXES and AXES[name].positive for name in points]
    ends = [float(column[at]) for column in points.values()]
    axes = np.array([np.log(end) if log and end > 0 else end for end, log in zip(ends, logs, strict=True)])
    return Track(share[sound], residual[sound], axes)


def _groups(paths: Paths, others: Sequence[Path], still: Sequence[str]) -> NDArray[np.int64]:
    """Runs left out together, as the watched run is: its whole size where no other run has that size, else alone."""
    alone = np.arange(len(others))
    last = [paths.runs.columns[name][[path.rows[-1] for path in (paths.watched, *others)]] for name in still]
    sizes = codes(last, len(others) + 1)
    return alone if (sizes[1:] == sizes[0]).any() or len(np.unique(sizes[1:])) < FEWEST_SIZES else sizes[1:]


def _blocks(groups: NDArray[np.int64]) -> list[NDArray[np.int64]] | None:
    """Runs left out together; None where each is alone."""
    names = np.unique(groups)
    return None if len(names) == len(groups) else [np.flatnonzero(groups == name) for name in names]


def _left_out(
    fit: Fit,
    rows: NDArray[np.int64],
    groups: NDArray[np.int64],
    points: Sequence[Mapping[str, Floats]],
    plain: Sequence[Floats],
) -> list[Floats]:
    """Residuals of every run against the law without its group."""
    blocks = _blocks(groups) or list(np.arange(len(rows))[:, None])
    joined = [{n: np.concatenate([points[i][n] for i in block]) for n in fit.law.axes} for block in blocks]
    moved = moved_by_leaving_out(fit, [rows[block] for block in blocks], joined)
    whole = list(plain)
    for block, shift in zip(blocks, moved, strict=True):
        ends = np.cumsum([len(plain[i]) for i in block])[:-1]
        for i, own in zip(block, np.split(shift, ends), strict=True):
            whole[i] = plain[i] + own
    return whole
