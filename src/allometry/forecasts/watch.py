"""A running job: where it will end, and whether it still goes as runs that ended well did."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import from_space, target_transform
from allometry.fits import Fit, Settings, fit
from allometry.forecasts._path_band import MOST_KNOTS, Band, find_band, since_when
from allometry.forecasts._path_ends import End, find_end
from allometry.forecasts._path_neighbours import FEWEST, Neighbours, Track, neighbours, own_track
from allometry.forecasts._path_regression import upper_bound
from allometry.forecasts._paths import Paths, find_paths
from allometry.forecasts._watch_result import Checkpoint, Watch
from allometry.forecasts.extrapolation import Extrapolation, Surroundings
from allometry.laws import Law, find_law
from allometry.notices import Interval, Notice, Refused
from allometry.runs import Runs
from allometry.runs.columns import Floats, is_number

CALIBRATED = "errors of finished runs, each left out"
UNCALIBRATED = "spread of the law and of the run's own offset, not tested on any run"


def watch(
    runs: Runs,
    run: str,
    law: Law | str,
    settings: Settings | None = None,
    *,
    end: Mapping[str, float] | None = None,
    steps: float | None = None,
    target: str | None = None,
) -> Watch:
    """Forecast the end of an unfinished run from its checkpoints and the ladder together, and judge its way so far.

    Use it while a run is going, with other runs of the same recipe that are finished; those with checkpoints teach how
    runs come to their end. Not for a recipe whose schedule differs from theirs: it goes another way and is called
    outside.

    Method: residuals of checkpoints against the law, fitted to the ends of the finished runs, are carried forward by a
    robust ridge regression on the run's residual, its recent change and its axes; each finished run in
    turn is left out of law and regression (its whole size, where the watched run is alone in its size), and the errors
    give interval and band (a conformal interval with scaled errors; Lei et al. 2018, arXiv 1604.04173, recalled).

    Arguments: `runs` read by `read_watched`, or with all rows (`rows="all"`); `run` the id of the run, or a filter that
    only its rows pass; `law` of size and tokens or of compute; `settings` of its fit and the `level` of interval and
    band; `end` {column: value} where the run ends, the first a column that grows along it, or `steps` in its steps, by
    default as a column of the table plans it; `target` the metric's column, by default the law's own.
    Errors: `Refused` for a run that is not there, no stated end, a law of schedules, and a ladder that cannot be fitted.

    >>> from allometry.runs import embedded_ladder
    >>> ladder = embedded_ladder(rows="all", where='run_id != "d96-l3-8388608-s0" or step < 5000')
    >>> found = watch(ladder, "d96-l3-8388608-s0", "chinchilla")
    >>> found.share, found.outside, found.forecast.low < 0.9189 < found.forecast.high
    (0.5, False, True)
    """
    law = find_law(law) if isinstance(law, str) else law
    settings = settings or Settings(bootstrap=0)
    paths = find_paths(runs, run)
    ends = find_end(paths, law, end or {}, steps)
    fitted = _ladder(paths, law, settings, target)
    own = own_track(paths, fitted, ends.share, ends.point)
    others, final = neighbours(paths, fitted, ends.moving)
    measured = float(paths.runs.columns[fitted.rows.metric][paths.watched.rows[-1]])
    result, kind, learned = _forecast(fitted, others, final, own, ends, settings.level, measured)
    picked = _picked(len(ends.share))
    band = find_band(others, own, ends.share[picked], settings.level)
    checkpoints, since, about_band = _judged(paths, fitted, band, ends, picked)
    extrapolation = Surroundings(fitted.rows).of(ends.point)
    return Watch(
        run=run, law=fitted.law.name, metric=fitted.rows.metric, level=settings.level, clock=paths.clock,
        share=float(ends.share[-1]), end=ends.point, forecast=result, interval=kind,
        law_alone=_at_end(fitted, ends, 0.0), law_and_offset=_at_end(fitted, ends, own.last),
        outside=since is not None, since=since, band=checkpoints, learned_from=learned, ladder=len(fitted.rows),
        extrapolation=extrapolation,
        notices=(*paths.notices, *fitted.notices, *_about_forecast(result, ends.reached, learned, extrapolation), *about_band),
    )  # fmt: skip


def _ladder(paths: Paths, law: Law, settings: Settings, target: str | None) -> Fit:
    """The law fitted to where the finished runs ended, those that ended in no number left out."""
    metric = target or law.metric
    column = paths.runs.column(metric)
    ends = np.zeros(len(paths.runs), dtype=bool)
    ends[[path.rows[-1] for path in paths.others]] = True
    if is_number(column):
        with np.errstate(all="ignore"):
            ends &= np.isfinite(np.asarray(target_transform(settings.space or law.space, column), float))
    if ends.sum() < 2:
        mend = "give the rows of runs that came to their end, in the same table"
        count = "only one other run" if ends.any() else "no other run"
        raise Refused("no-ladder", f"{count} in the table is finished", paths.runs.source, mend)
    return fit(paths.runs.keep(ends, "not the end of a finished run"), law, settings, target=target)


def _forecast(
    fitted: Fit, others: Neighbours, final: Floats, own: Track, ends: End, level: float, measured: float
) -> tuple[Interval, str, int]:
    """The end, what its interval is made of, and how many runs it was learned from; `measured` at the last checkpoint."""
    if ends.reached and np.isfinite(measured):
        return Interval(measured, None, None, "measured: the run is at its end"), "none", 0
    if not len(own.share) or own.share[-1] < ends.share[-1]:
        return Interval(None, None, None, "the loss is no number at the last checkpoint"), "none", 0
    found = others.tell(own, min(float(ends.share[-1]), 1.0), 1.0)
    if found is None:
        reach = upper_bound(np.abs(final), level)
        values, kind, learned = (own.last, min(own.last, 0.0) - reach, max(own.last, 0.0) + reach), UNCALIBRATED, 0
    else:
        told, used = found
        reach = upper_bound(np.abs(told.scores), level) * told.new_scale
        values, kind, learned = (told.value, told.value - reach, told.value + reach), CALIBRATED, len(used)
    value, low, high = (_at_end(fitted, ends, residual) for residual in values)
    return Interval(value, low, high), kind, learned


def _at_end(fitted: Fit, ends: End, residual: float) -> float:
    """The metric at the end of the run, some residual off the law."""
    law = fitted.predict({name: np.array([value]) for name, value in ends.point.items()})
    return float(from_space(fitted.space, target_transform(fitted.space, law) + residual)[0])


def _picked(count: int) -> NDArray[np.int64]:
    """The checkpoints looked at: all, or evenly spaced ones with the last."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_KNOTS)).round().astype(np.int64))


def _judged(
    paths: Paths, fitted: Fit, band: Band | None, ends: End, picked: NDArray[np.int64]
) -> tuple[tuple[Checkpoint, ...], float | None, list[Notice]]:
    """The checkpoints with their band, since when they are outside, and what is to be said of it."""
    path = paths.watched
    rows = path.rows[picked]
    measured = np.asarray(paths.runs.columns[fitted.rows.metric][rows], float)
    points = {name: paths.runs.columns[name][rows] for name in fitted.law.axes}
    curve = target_transform(fitted.space, fitted.predict(points))
    with np.errstate(all="ignore"):
        residual = np.asarray(target_transform(fitted.space, measured), float) - curve
    if band is None:
        nowhere = np.full(len(rows), np.nan)
        band = Band(ends.share[picked], nowhere, nowhere, nowhere, 0)
    outside = band.outside(residual)
    first = since_when(outside, residual)
    expected = [_expected(fitted, *four) for four in zip(curve, band.value, band.low, band.high, strict=True)]
    steps = path.clock[picked]
    found = tuple(
        Checkpoint(float(step), float(share), float(value), told, None if np.isnan(out) else not out)
        for step, share, value, told, out in zip(steps, band.share, measured, expected, outside, strict=True)
    )
    return found, None if first is None else float(steps[first]), _about_band(band, len(path.rows), len(rows))


def _expected(fitted: Fit, curve: float, value: float, low: float, high: float) -> Interval:
    if not np.isfinite(value):
        return Interval(None, None, None, f"fewer than {FEWEST} finished runs have checkpoints there")
    told = from_space(fitted.space, curve + np.array([value, low, high])).tolist()
    return Interval(told[0], told[1], told[2])


def _about_band(band: Band, given: int, looked_at: int) -> list[Notice]:
    found = []
    if not band.runs:
        found.append(Notice("no-band", f"fewer than {FEWEST} finished runs have checkpoints at the same shares of their "
                            "way: nothing but a loss that is no number is called outside"))  # fmt: skip
    if looked_at < given:
        found.append(Notice("checkpoints-picked", f"{looked_at} of {given} checkpoints are judged, evenly spaced"))
    return found


def _about_forecast(result: Interval, reached: bool, learned: int, extrapolation: Extrapolation) -> list[Notice]:
    if result.value is None:
        return []
    if reached:
        return [Notice("run-at-its-end", "the run is at its end: nothing is left to forecast, its value is measured")]
    if not learned:
        said = (
            f"fewer than {FEWEST} finished runs have checkpoints at this share of their way: the forecast is the law "
            "with the run's own offset, its interval holds the law alone as well"
        )
        return [Notice("no-finished-ways", said)]
    if extrapolation.word in ("beyond", "far beyond"):
        said = "the run ends beyond the finished runs: an interval made of their errors may be too narrow there"
        return [Notice("beyond-the-ladder", said)]
    return []
