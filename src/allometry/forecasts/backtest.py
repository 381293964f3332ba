"""Backtests: fit on the smaller runs, score on the larger ones, as a forecast would have been scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from allometry.costs import compute_of
from allometry.fits import Fit, Settings, fit, select
from allometry.forecasts.discrepancy import decades_beyond, discrepancy
from allometry.forecasts.forecast import forecast
from allometry.forecasts.splits import Array, Split, held_out, reach_of, rolling_cuts
from allometry.laws import Law
from allometry.notices import Interval, Refused
from allometry.runs import Rows, Runs

Tick = Callable[[int], None]
ROWS_PER_PARAMETER = 2  # below it a resample loses parameters, and intervals would come from residuals


@dataclass(frozen=True, eq=False)
class Backtest:
    """What one law forecast for rows it had not seen, one entry (m,) for each row and cut.

    `cut` is where the axis was cut (nan for a given hold-out), `row` the row's number in the table, `group` its run or
    setting, `ahead` how many decades above the largest fitted run it lies, `reach` where its whole run or setting ends along the axis
    (nan for a given hold-out), `error` ln(predicted / measured), `low` and
    `high` the calibrated new-run interval at `level`, `noise_low` and `noise_high` that of fit noise only, `discrepancy`
    the standard deviation in the fit's space that lies between them. `failed` says at which cuts the law could not be fitted, and why. `along` is
    the axis that was cut, None for a given hold-out.
    """

    law: Law
    cut: Array
    row: NDArray[np.int64]
    group: NDArray[np.int64]
    ahead: Array
    reach: Array
    measured: Array
    predicted: Array
    low: Array
    high: Array
    noise_low: Array
    noise_high: Array
    discrepancy: Array
    level: float
    failed: tuple[str, ...]
    along: str | None = None

    @property
    def error(self) -> Array:
        """ln(predicted / measured), infinite where the forecast is no positive number: a miss beyond any measure."""
        usable = np.isfinite(self.predicted) & (self.predicted > 0)
        return np.where(usable, np.log(np.where(usable, self.predicted, 1.0) / self.measured), np.inf)

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Whether the interval held the measurement."""
        return (self.low <= self.measured) & (self.measured <= self.high)


def backtest(
    runs: Runs | Rows,
    laws: Sequence[Law],
    settings: Settings,
    *,
    along: str = "flops",
    holdout: str | None = None,
    target: str | None = None,
    tick: Tick = lambda _: None,
) -> tuple[Backtest, ...]:
    """Forecast held-out rows by each law from the rows below rolling cut-offs along an axis, or by a given hold-out.

    Use it before trusting a law beyond its runs, and to compare laws on the same rows. It needs runs over at least a
    decade of the axis to say anything. Not for rows whose measurement is not positive.

    Arguments: `runs` is a table, or the rows that a fit kept (then `flops` is counted from their size and tokens); `laws`
    predict one metric; `settings` of every fit, its `bootstrap` resamples give the intervals; `along` the axis that is
    cut; `holdout` a filter whose rows are scored in one split instead; `target` the metric's column;
    `tick` is called with the number of fits done.
    Returns one `Backtest` a law, in the order given, all of the same rows where none failed.
    Errors: `Refused` for laws of different metrics, too few runs below or above every cut, what fits refuse, and of kept
    rows a hold-out or an axis that they do not have.

    >>> import numpy as np
    >>> from allometry.laws import find_law
    >>> from allometry.runs import read_runs
    >>> n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e11, 5)))
    >>> runs = read_runs({"params": n, "tokens": d, "loss": 1.7 + 400 / n**0.34 + 410 / d**0.28})
    >>> found = backtest(runs, [find_law("chinchilla")], Settings(bootstrap=0))[0]
    >>> bool(np.abs(found.error).max() < 1e-3), len(np.unique(found.cut))
    (True, 5)
    """
    if isinstance(runs, Rows):
        rows, splits, values = _prepared_rows(runs, laws, along, holdout, target)
    else:
        rows, splits, values = _prepared(runs, laws, settings, along, holdout, target)
    tests = (_scored(runs, law, settings, rows, splits, values, target, tick) for law in laws)
    return tuple(replace(test, along=along if holdout is None else None) for test in tests)


def _prepared_rows(
    rows: Rows, laws: Sequence[Law], along: str, holdout: str | None, target: str | None
) -> tuple[Rows, tuple[Split, ...], Array]:
    """The same of the rows that a fit kept: they have its axes and its metric only, and their clusters are known."""
    if holdout is not None:
        raise Refused("no-table", "a hold-out is a filter of a table", "the rows of a fit", "give the table of runs")
    missing = [
        name for law in laws for name in (*law.axes, target or law.metric) if name not in (*rows.axes, rows.metric)
    ]
    values = rows.axes.get(along, compute_of(rows.axes) if along == "flops" else None)
    if missing or values is None:
        name = missing[0] if missing else along
        raise Refused("no-axis", f"the rows of the fit have no {name}", f"they have {', '.join((*rows.axes, rows.metric))}",
                      "give the table of runs")  # fmt: skip
    if not (rows.target > 0).all():
        raise Refused(
            "not-positive", f"some {rows.metric} is not positive, so it has no relative error", "the rows of a fit"
        )
    return rows, rolling_cuts(np.asarray(values, dtype=float), _groups(rows), _needed(laws)), values


def _needed(laws: Sequence[Law]) -> int:
    return max(max(ROWS_PER_PARAMETER * len(law.parameters), law.min_runs) for law in laws)


def _groups(rows: Rows) -> NDArray[np.int64]:
    return np.arange(len(rows)) if rows.cluster is None else rows.cluster


def _prepared(
    runs: Runs, laws: Sequence[Law], settings: Settings, along: str, holdout: str | None, target: str | None
) -> tuple[Rows, tuple[Split, ...], Array]:
    """The rows that every law can use, how they are split, and each row's value along the axis."""
    metric = target or laws[0].metric
    if target is None and len({law.metric for law in laws}) > 1:
        raise Refused("two-metrics", "the laws predict different metrics", ", ".join(law.name for law in laws),
                      "compare laws of one metric, or name the column with --target")  # fmt: skip
    if along == metric and holdout is None:
        raise Refused("bad-axis", f"{metric} is what is forecast: a cut along it chooses runs by their outcome",
                      "--backtest", "cut along an axis")  # fmt: skip
    axes = list(dict.fromkeys(name for law in laws for name in law.axes))
    wanted = [*axes, along] if holdout is None and along not in axes else axes
    logs = [*(name for law in laws for name in law.axes if law.axis(name).positive), metric]
    cluster = None if settings.cluster == "none" else settings.cluster
    rows = runs.rows_for(wanted, metric, weights=settings.weights, cluster=cluster, logs=logs)
    if holdout is not None:
        mask = runs.matches(holdout)[np.searchsorted(runs.row_numbers, rows.numbers)]
        return rows, (held_out(mask, _groups(rows)),), np.full(len(rows), np.nan)
    values = np.asarray(rows.axes[along], dtype=float)
    return rows, rolling_cuts(values, _groups(rows), _needed(laws)), values


def _scored(
    runs: Runs | Rows, law: Law, settings: Settings, rows: Rows, splits: Sequence[Split], values: Array,
    target: str | None, tick: Tick,
) -> Backtest:  # fmt: skip
    own = runs if isinstance(runs, Rows) else select(runs, law, settings, target)
    place = np.searchsorted(own.numbers, rows.numbers)
    parts, failed = [], []
    for split in splits:
        fitted = np.zeros(len(own), dtype=bool)
        fitted[place[split.fitted]] = True
        try:
            found = fit(own.subset(fitted, "above the cut"), law, settings, target=target)
            parts.append(_part(found, own, place, rows, split, values))
        except Refused as refused:
            failed.append(refused.message if split.cut is None else f"cut at {split.cut:.3g}: {refused.message}")
        tick(1)
    if not parts:
        raise Refused("no-backtest", f"{law.name} could not be fitted below any cut", failed[0], "leave this law out")
    return _joined(parts, failed)


def _joined(parts: Sequence[Backtest], failed: Sequence[str]) -> Backtest:
    """The backtests of the splits as one."""

    def column(name: str) -> Array:
        return np.concatenate([getattr(part, name) for part in parts])

    return Backtest(
        law=parts[0].law, cut=column("cut"), row=column("row").astype(np.int64),
        group=column("group").astype(np.int64), ahead=column("ahead"), reach=column("reach"), measured=column("measured"),
        predicted=column("predicted"), low=column("low"), high=column("high"), noise_low=column("noise_low"),
        noise_high=column("noise_high"), discrepancy=column("discrepancy"), level=parts[0].level, failed=tuple(failed),
    )  # fmt: skip


def _part(found: Fit, own: Rows, place: NDArray[np.int64], rows: Rows, split: Split, values: Array) -> Backtest:
    at = place[split.scored]
    points = [{name: float(own.axes[name][i]) for name in found.law.axes} for i in at]
    told = forecast(found, points, of="new-run")
    predicted, low, high = _columns([f.result for f in told])
    _, noise_low, noise_high = _columns([f.fit_noise for f in told])
    missed = discrepancy(found, np.array([decades_beyond(f.extrapolation) for f in told]))
    cut = np.nan if split.cut is None else split.cut
    ahead = np.log10(values[split.scored] / values[split.fitted].max())
    count, groups = int(split.scored.sum()), _groups(rows)
    return Backtest(
        law=found.law, cut=np.full(count, cut), row=rows.numbers[split.scored], group=groups[split.scored], ahead=ahead,
        reach=values[split.scored] if split.cut is None else reach_of(values, groups)[split.scored],
        measured=np.asarray(rows.target[split.scored], dtype=float), predicted=predicted, low=low, high=high,
        noise_low=noise_low, noise_high=noise_high, discrepancy=missed, level=found.settings.level, failed=(),
    )  # fmt: skip


def _columns(intervals: Sequence[Interval]) -> Array:
    """Values, lower and upper ends (3, m), NaN where there is none."""
    ends = [(found.value, found.low, found.high) for found in intervals]
    return np.array([[np.nan if end is None else end for end in own] for own in ends]).T
