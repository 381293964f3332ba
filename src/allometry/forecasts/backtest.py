"""Backtests: fit on the smaller runs, score on the larger ones, as a forecast would have been scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from allometry.fits import Fit, Settings, fit, select
from allometry.forecasts.forecast import forecast
from allometry.forecasts.splits import Array, Split, held_out, rolling_cuts
from allometry.laws import Law
from allometry.notices import Refused
from allometry.runs import Rows, Runs

Tick = Callable[[int], None]
ROWS_PER_PARAMETER = 2  # below it a resample loses parameters, and intervals would come from residuals


@dataclass(frozen=True, eq=False)
class Backtest:
    """What one law forecast for rows it had not seen, one entry (m,) for each row and cut.

    `cut` is where the axis was cut (nan for a given hold-out), `row` the row's number in the table, `group` its run or
    setting, `ahead` how many decades above the largest fitted run it lies, `error` ln(predicted / measured), `low` and
    `high` the new-run interval at `level`. `failed` says at which cuts the law could not be fitted, and why.
    """

    law: Law
    cut: Array
    row: NDArray[np.int64]
    group: NDArray[np.int64]
    ahead: Array
    measured: Array
    predicted: Array
    low: Array
    high: Array
    level: float
    failed: tuple[str, ...]

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
    runs: Runs,
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

    Arguments: `laws` predict one metric; `settings` of every fit, its `bootstrap` resamples give the intervals; `along`
    the axis that is cut; `holdout` a filter whose rows are scored in one split instead; `target` the metric's column;
    `tick` is called with the number of fits done.
    Returns one `Backtest` a law, in the order given, all of the same rows where none failed.
    Errors: `Refused` for laws of different metrics, too few runs below or above every cut, and what fits refuse.

    >>> import numpy as np
    >>> from allometry.laws import find_law
    >>> from allometry.runs import read_runs
    >>> n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e11, 5)))
    >>> runs = read_runs({"params": n, "tokens": d, "loss": 1.7 + 400 / n**0.34 + 410 / d**0.28})
    >>> found = backtest(runs, [find_law("chinchilla")], Settings(bootstrap=0))[0]
    >>> bool(np.abs(found.error).max() < 1e-3), len(np.unique(found.cut))
    (True, 5)
    """
    rows, splits, along_values = _prepared(runs, laws, settings, along, holdout, target)
    return tuple(_scored(runs, law, settings, rows, splits, along_values, target, tick) for law in laws)


def _prepared(
    runs: Runs, laws: Sequence[Law], settings: Settings, along: str, holdout: str | None, target: str | None
) -> tuple[Rows, tuple[Split, ...], Array]:
    """The rows that every law can use, how they are split, and each row's value along the axis."""
    metric = target or laws[0].metric
    if target is None and len({law.metric for law in laws}) > 1:
        raise Refused("two-metrics", "the laws predict different metrics", ", ".join(law.name for law in laws),
                      "compare laws of one metric, or name the column with --target")  # fmt: skip
    axes = list(dict.fromkeys(name for law in laws for name in law.axes))
    wanted = [*axes, along] if holdout is None and along not in axes else axes
    logs = [*(name for law in laws for name in law.axes if law.axis(name).positive), metric]
    cluster = None if settings.cluster == "none" else settings.cluster
    rows = runs.rows_for(wanted, metric, weights=settings.weights, cluster=cluster, logs=logs)
    groups = np.arange(len(rows)) if rows.cluster is None else rows.cluster
    if holdout is not None:
        mask = runs.matches(holdout)[np.searchsorted(runs.row_numbers, rows.numbers)]
        return rows, (held_out(mask, groups),), np.full(len(rows), np.nan)
    needed = max(max(ROWS_PER_PARAMETER * len(law.parameters), law.min_runs) for law in laws)
    values = np.asarray(rows.axes[along], dtype=float)
    return rows, rolling_cuts(values, groups, needed), values


def _scored(
    runs: Runs, law: Law, settings: Settings, rows: Rows, splits: Sequence[Split], values: Array,
    target: str | None, tick: Tick,
) -> Backtest:  # fmt: skip
    own = select(runs, law, settings, target)
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
        group=column("group").astype(np.int64), ahead=column("ahead"), measured=column("measured"),
        predicted=column("predicted"), low=column("low"), high=column("high"), level=parts[0].level,
        failed=tuple(failed),
    )  # fmt: skip


def _part(found: Fit, own: Rows, place: NDArray[np.int64], rows: Rows, split: Split, values: Array) -> Backtest:
    at = place[split.scored]
    points = [{name: float(own.axes[name][i]) for name in found.law.axes} for i in at]
    told = forecast(found, points, of="new-run")
    ends = np.array([[_end(f.result.value), _end(f.result.low), _end(f.result.high)] for f in told])
    group = np.arange(len(rows)) if rows.cluster is None else rows.cluster
    cut = np.nan if split.cut is None else split.cut
    ahead = np.log10(values[split.scored] / values[split.fitted].max())
    count = int(split.scored.sum())
    return Backtest(
        law=found.law, cut=np.full(count, cut), row=rows.numbers[split.scored], group=group[split.scored], ahead=ahead,
        measured=np.asarray(rows.target[split.scored], dtype=float), predicted=ends[:, 0], low=ends[:, 1],
        high=ends[:, 2], level=found.settings.level, failed=(),
    )  # fmt: skip


def _end(value: float | None) -> float:
    return np.nan if value is None else value


@dataclass(frozen=True)
class Distance:
    """How a law forecast rows some decades above the fitted ones: how many, mean |error|, bias, share inside."""

    low: float
    high: float
    rows: int
    error_mean: float
    bias: float
    coverage: float | None

    @property
    def sentence(self) -> str:
        return f"{self.low:g} to {self.high:g} decades ahead {100 * self.error_mean:.2f}% ({self.rows} rows)"

    def as_json(self) -> dict[str, float | int | None]:
        return {
            "low": self.low, "high": self.high, "rows": self.rows, "error_mean": self.error_mean, "bias": self.bias,
            "coverage": self.coverage,
        }  # fmt: skip


DECADES = (0.0, 0.5, 1.0, 2.0, 100.0)


def by_distance(test: Backtest) -> tuple[Distance, ...]:
    """The errors of a backtest by how far ahead the rows lay; empty for a given hold-out, which has no axis."""
    found = []
    for low, high in pairwise(DECADES):
        rows = np.flatnonzero((test.ahead > low) & (test.ahead <= high) & np.isfinite(test.error))
        if rows.size:
            inside = float(test.inside[rows].mean()) if np.isfinite(test.low[rows]).all() else None
            error = test.error[rows]
            farthest = min(high, float(np.ceil(10 * test.ahead[rows].max()) / 10))
            mean = float(np.abs(np.expm1(error)).mean())
            found.append(Distance(low, farthest, len(rows), mean, float(error.mean()), inside))
    return tuple(found)
