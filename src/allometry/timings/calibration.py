"""Efficiency factors fitted to measured times, each with its interval, and how far the roofline misses beyond them.

What was published or assumed of a factor is its prior, so a few rows move the factors that they depend on and leave the
others where they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from allometry.costs import DEFAULT_FACTORS, Execution, Factor, Hardware
from allometry.fits import Fit, Settings, Tick, fit
from allometry.notices import Notice, Refused
from allometry.timings.law import factor_priors, roofline_law, roofline_rows
from allometry.timings.measurements import Measurement

FEWEST = 4  # rows, below which nothing is left to tell how far the roofline misses
FEW = 20  # rows, below which no row stands at a 90% end
FOLDS = 5
FEWEST_SHAPES = 3  # from which whole models are left out in turn
STARTS, FOLD_STARTS = 16, 4
MOST_PRIOR = 0.5  # share of a prior's variance that is left: above it the rows say less of a factor than was known
SAID = ("not-converged", "starts-disagree", "draws-dropped", "draws-rough", "few-groups")


@dataclass(frozen=True)
class Calibration:
    """A device with factors measured on it.

    `given` is the device before, `how` the rows were run. `fit` is the roofline fitted to all rows; `factors` are all
    that it holds, marked measured where the rows say most of them, and one for what the roofline misses; `ratios` (n,)
    are measured over predicted seconds, each row predicted by a fit that did not see it.
    """

    hardware: Hardware
    given: Hardware
    how: Execution
    fit: Fit
    measurements: tuple[Measurement, ...]
    factors: Mapping[str, Factor]
    ratios: np.ndarray
    notices: tuple[Notice, ...]

    @property
    def errors(self) -> dict[str, dict[str, float]]:
        """Median and worst |predicted/measured - 1|: with the factors `before`, and `after`, each row left out."""
        seconds = np.array([row.seconds for row in self.measurements])
        before = np.array([row.predicted(self.given, self.how).value for row in self.measurements]) / seconds
        return {
            name: {"median": float(np.median(missed)), "worst": float(np.max(missed))}
            for name, missed in (("before", np.abs(before - 1)), ("after", np.abs(1 / self.ratios - 1)))
        }


def calibrate(
    measurements: Sequence[Measurement], hardware: Hardware, how: Execution | None = None, *,
    bootstrap: int = 100, seed: int = 0, level: float = 0.9, tick: Tick | None = None,
) -> Calibration:  # fmt: skip
    """Fit the efficiency factors of a device and engine to measured times.

    Use it with times of prompts of several lengths and of decoding at several batches, on one device and one engine;
    the more models among them, the better it says how far the times of another are missed. Not for lengths and batches
    far beyond those that were timed: the intervals do not hold there (benchmarks/cost_times.py).
    Arguments: `how` the rows were run; each row has its own batch. `bootstrap` resamples give the intervals.
    Errors: `Refused` for fewer than 4 rows, for times of training among those of inference, and for drafts.

    >>> from allometry.costs import find_hardware, find_shape
    >>> shape, device, how = find_shape("qwen3-0.6b"), find_hardware("h100"), Execution()
    >>> rows = [Measurement(shape=shape, batch=b, prompt=p, generated=1, phase="prefill", seconds=1.0, row=b)
    ...         for b in (1, 4) for p in (512, 4096)]
    >>> rows = [replace(row, seconds=1.5 * row.predicted(device, how).value) for row in rows]
    >>> found = calibrate(rows, device, bootstrap=20)
    >>> found.errors["after"]["median"] < 0.1 < found.errors["before"]["median"]
    True
    """
    how = how or Execution()
    _check(measurements, how)
    rows = roofline_rows(measurements, hardware, how)
    law = roofline_law(rows)
    settings = Settings(priors=factor_priors(law), starts=STARTS, bootstrap=bootstrap, seed=seed, level=level)
    fitted = fit(rows, law, settings) if tick is None else fit(rows, law, settings, tick=tick)
    ratios = _left_out_ratios(fitted, measurements)
    told = _fitted_factors(fitted, measurements, hardware)
    tuned = replace(hardware, factors=MappingProxyType({**hardware.factors, **told}))
    beyond = _beyond(ratios, measurements, tuned, how, level)
    factors = {**told, beyond.name: beyond}
    device = replace(hardware, factors=MappingProxyType({**hardware.factors, **factors}))
    notices = _notices(fitted, measurements)
    return Calibration(device, hardware, how, fitted, tuple(measurements), factors, ratios, notices)


def _check(measurements: Sequence[Measurement], how: Execution) -> None:
    if len(measurements) < FEWEST:
        raise Refused("few-rows", f"{len(measurements)} measured times do not tell the factors from one another",
                      "the measurements", f"give {FEWEST} or more, of several lengths and batches")  # fmt: skip
    if len({measurement.trains for measurement in measurements}) > 1:
        raise Refused("mixed-phases", "the table holds times of training and of inference", "the measurements",
                      "calibrate them apart, into two files")  # fmt: skip
    if how.draft is not None:
        raise Refused("bad-option", "factors are measured without a draft", "the execution", "leave the draft out")


def _fitted_factors(fitted: Fit, measurements: Sequence[Measurement], hardware: Hardware) -> dict[str, Factor]:
    """Every factor of the law as fitted, for they only hold together; measured where the rows say most of it."""
    source = f"fitted to {_range(measurements)} on {hardware.name}"
    found = {}
    for name, interval in fitted.parameters.items():
        value, known, share = fitted.values[name], DEFAULT_FACTORS[name], fitted.prior_share[name]
        low, high = (value if end is None else end for end in (interval.low, interval.high))
        told = share <= MOST_PRIOR
        words = source if told else f"{source}, which leave {share:.0%} of what was unknown; before: {known.source}"
        provenance = "measured" if told else known.provenance
        found[name] = Factor(name, value, min(low, value), max(high, value), provenance, words)
    return found


def _range(measurements: Sequence[Measurement]) -> str:
    """How many times of what: factors are known within these batches and lengths."""
    batches, prompts = ([getattr(m, name) for m in measurements] for name in ("batch", "prompt"))
    return (
        f"{len(measurements)} times, batch {min(batches)} to {max(batches)}, prompts {min(prompts)} to {max(prompts)}"
    )


def _left_out_ratios(fitted: Fit, measurements: Sequence[Measurement]) -> np.ndarray:
    """Measured over predicted seconds (n,), each row predicted by a fit without its fold."""
    settings = replace(fitted.settings, bootstrap=0, starts=FOLD_STARTS)
    ratios = np.ones(len(measurements))
    for held in _folds(measurements):
        other = fit(fitted.rows.subset(~held), fitted.law, settings)
        points = {name: column[held] for name, column in fitted.rows.axes.items()}
        ratios[held] = fitted.rows.target[held] / other.predict(points)
    return ratios


def _folds(measurements: Sequence[Measurement]) -> Iterable[np.ndarray]:
    """Rows (n,) left out in turn: all of a model where there are three or more, else every fifth."""
    shapes = list(dict.fromkeys(measurement.shape for measurement in measurements))
    if len(shapes) >= FEWEST_SHAPES:
        labels = np.array([shapes.index(measurement.shape) for measurement in measurements])
    else:
        labels = np.arange(len(measurements)) % FOLDS
    return [labels == label for label in np.unique(labels)]


def _beyond(
    ratios: np.ndarray, measurements: Sequence[Measurement], fitted: Hardware, how: Execution, level: float
) -> Factor:
    """What the other factors' spread leaves of how far rows that were not seen lie off, as an interval of ratios.

    The ratios hold all of the error, that of the fitted factors too, so what these bring to each row's interval is taken
    off as they are added to it: by squares. Taken whole, it would count twice.
    """
    name = "step" if measurements[0].trains else "time"
    exact = replace(
        fitted, factors=MappingProxyType({**fitted.factors, name: Factor(name, 1.0, 1.0, 1.0, "assumed", "")})
    )
    spans = [measurement.predicted(exact, how) for measurement in measurements]
    value, low, high = (np.array([getattr(span, end) for span in spans], float) for end in ("value", "low", "high"))
    missed, tail = np.log(ratios), (1 - level) / 2
    up = _order_statistic(_net(missed, np.log(high / value)), tail)
    down = _order_statistic(_net(-missed, np.log(value / low)), tail)
    source = f"measured over predicted, each by a fit that did not see it: {_range(measurements)} on {fitted.name}"
    return Factor(name, 1.0, math.exp(-down), math.exp(up), "measured", source, _ranges(measurements))


def _ranges(measurements: Sequence[Measurement]) -> Mapping[str, tuple[float, float]]:
    """Within which sizes the times were measured: beyond them the left-out rows say nothing."""
    extents = [measurement.extent for measurement in measurements]
    return MappingProxyType(
        {name: (min(e[name] for e in extents), max(e[name] for e in extents)) for name in extents[0]}
    )


def _net(missed: np.ndarray, held: np.ndarray) -> np.ndarray:
    """What is to be added in squares to `held` (n,) to reach `missed` (n,); none where it does."""
    return np.sqrt(np.maximum(np.maximum(missed, 0.0) ** 2 - held**2, 0.0))


def _order_statistic(needed: np.ndarray, tail: float) -> float:
    """What holds a new row but for the tail: it lies below the k-th of n with chance k/(n + 1).

    Source: split conformal prediction, Vovk et al. 2005.
    """
    count = len(needed)
    return float(np.sort(needed)[min(count - 1, math.ceil((1 - tail) * (count + 1)) - 1)])


def _notices(fitted: Fit, measurements: Sequence[Measurement]) -> tuple[Notice, ...]:
    """What the fit says of its search and draws, and what so few rows or models cannot tell."""
    notices = [notice for notice in fitted.notices if notice.code in SAID]
    if len({measurement.shape for measurement in measurements}) < FEWEST_SHAPES:
        message = "fewer than 3 models were timed: how far the times of another are missed is not measured"
        notices.append(Notice("few-models", message))
    if len(measurements) < FEW:
        message = f"{len(measurements)} times are few for 90% ends: the widest misses among them stand for those"
        notices.append(Notice("few-times", message))
    return tuple(notices)
