"""Efficiency factors fitted to measured times, each with its interval, and how far the roofline misses beyond them.

The roofline's own formula is the law that is fitted. What was published or assumed of a factor is its prior, so a few
rows move the factors that they depend on and leave the others where they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from allometry.axes import Axis
from allometry.costs import DEFAULT_FACTORS, PARTS, ROOFLINE_FACTORS, TERMS, Execution, Factor, Hardware
from allometry.expressions import parse
from allometry.fits import Fit, Prior, Settings, Tick, fit
from allometry.laws import Law, Parameter
from allometry.notices import Notice, Refused
from allometry.runs import Rows
from allometry.timings.measurements import (
    TRAINING_PARTS,
    TRAINING_TERMS,
    Measurement,
    term_columns,
)

TRAINING_FACTORS = ("compute", "attention", "memory", "layer")
FEWEST = 4  # rows, below which nothing is left to tell how far the roofline misses
FOLDS = 5
FEWEST_SHAPES = 3  # from which whole shapes are left out in turn
FEWEST_GROUPS = 5  # from which whole shapes and phases are resampled, not rows
STARTS, FOLD_STARTS = 16, 4  # measured: 16 seeds of 16 starts reach the same minimum on the published tables
KEPT_SHARE = 0.5  # of a prior's variance: above it the table says less of a factor than what was known
NORMAL_90 = 1.6449  # standard deviations from the middle to an end of a 90% interval


@dataclass(frozen=True)
class Calibration:
    """A device with factors measured on it.

    `fit` is the roofline fitted to all rows; `factors` are those that the rows determine, `kept` those that stayed as
    they were, with why; `ratios` (n,) are measured over predicted seconds, each row predicted without its fold.
    """

    hardware: Hardware
    fit: Fit
    measurements: tuple[Measurement, ...]
    factors: Mapping[str, Factor]
    kept: Mapping[str, str]
    ratios: np.ndarray
    notices: tuple[Notice, ...]

    @property
    def median_error(self) -> float:
        """Median of |measured/predicted - 1| on rows that the fit did not see."""
        return float(np.median(np.abs(self.ratios - 1)))


def calibrate(
    measurements: Sequence[Measurement], hardware: Hardware, how: Execution | None = None, *,
    bootstrap: int = 300, seed: int = 0, level: float = 0.9, tick: Tick | None = None,
) -> Calibration:  # fmt: skip
    """Fit the efficiency factors of a device and engine to measured times.

    Use it with times of prompts of several lengths and of decoding at several batches, on one device and one engine;
    the more models among them, the better it says how far it misses on another. Inference and training are calibrated
    apart. Arguments: `how` the rows were run; their own batch counts. `bootstrap` resamples give the intervals.
    Errors: `Refused` for fewer than 4 rows, for a mixture of training and inference, and for drafts.
    """
    how = how or Execution()
    _check(measurements, how)
    rows = _rows(measurements, hardware, how)
    law = _law(rows)
    settings = _settings(law, bootstrap, seed, level)
    fitted = fit(rows, law, settings) if tick is None else fit(rows, law, settings, tick=tick)
    ratios = _left_out_ratios(fitted, measurements)
    kept = _kept(fitted)
    factors = {name: factor for name, factor in _measured(fitted, hardware, len(rows)).items() if name not in kept}
    name = "step" if measurements[0].trains else "time"
    factors[name] = _beyond(name, ratios, hardware, level)
    device = replace(hardware, factors=MappingProxyType({**hardware.factors, **factors}))
    return Calibration(device, fitted, tuple(measurements), factors, kept, ratios, _notices(fitted, measurements, rows))


def _check(measurements: Sequence[Measurement], how: Execution) -> None:
    if len(measurements) < FEWEST:
        raise Refused("few-rows", f"{len(measurements)} measured times do not tell the factors from one another",
                      "the measurements", f"give {FEWEST} or more, of several lengths and batches")  # fmt: skip
    if len({measurement.trains for measurement in measurements}) > 1:
        raise Refused("mixed-phases", "the table holds times of training and of inference", "the measurements",
                      "calibrate them apart, into two files")  # fmt: skip
    if how.draft is not None:
        raise Refused("bad-option", "factors are measured without a draft", "the execution", "leave the draft out")


def _law(rows: Rows) -> Law:
    """The roofline's formula as a law, without the parts that are zero in every row: terms are axes, factors parameters."""
    parts = {part: parse(text) for part, text in (PARTS if "matrix_compute" in rows.axes else TRAINING_PARTS).items()}
    live = [part for part in parts.values() if any(np.any(rows.axes[name]) for name in part.names if name in rows.axes)]
    formula = parse(" + ".join(part.text for part in live))
    axes = tuple(name for name in formula.names if name in rows.axes)
    return Law(
        name="roofline", title="Seconds by a roofline times efficiency factors", subject="costs", formula=formula,
        axes=axes, metric="seconds", metric_unit="seconds", min_runs=FEWEST,
        declared={name: Axis(name, name, "", name.replace("_", " "), "axis", False, "") for name in axes},
        parameters=tuple(
            Parameter(name, start=_ends(DEFAULT_FACTORS[name])) for name in formula.names if name not in rows.axes
        ),
    )  # fmt: skip


def _rows(measurements: Sequence[Measurement], hardware: Hardware, how: Execution) -> Rows:
    names = TRAINING_TERMS if measurements[0].trains else tuple(TERMS)
    groups = [f"{m.shape.as_text()} {m.phase}" for m in measurements]
    labels = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    many = len(labels) >= FEWEST_GROUPS
    return Rows(
        axes=term_columns(measurements, hardware, how, names),
        target=np.array([m.seconds for m in measurements]),
        metric="seconds",
        cluster=np.array([labels[name] for name in groups]) if many else None,
        cluster_kind="shapes and phases" if many else "rows",
        numbers=np.array([m.row for m in measurements]),
    )


def _settings(law: Law, bootstrap: int, seed: int, level: float) -> Settings:
    """What was published or assumed of each factor is its prior."""
    known = {name: DEFAULT_FACTORS[name] for name in law.parameter_names}
    priors = {name: Prior(factor.value, _spread(factor), factor=True) for name, factor in known.items()}
    return Settings(priors=priors, starts=STARTS, bootstrap=bootstrap, seed=seed, level=level)


def _ends(factor: Factor) -> tuple[float, float]:
    return factor.low, factor.high


def _spread(factor: Factor) -> float:
    """The spread as a factor of one standard deviation, its ends being those of a 90% interval."""
    return math.exp(max(math.log(factor.high / factor.low) / (2 * NORMAL_90), 1e-3))


def _measured(fitted: Fit, hardware: Hardware, count: int) -> dict[str, Factor]:
    source = f"fitted to {count} measured times on {hardware.name}"
    found = {}
    for name, interval in fitted.parameters.items():
        if interval.value is not None:
            low, high = (interval.value if end is None else end for end in (interval.low, interval.high))
            ends = min(low, interval.value), max(high, interval.value)
            found[name] = Factor(name, interval.value, *ends, "measured", source)
    return found


def _kept(fitted: Fit) -> dict[str, str]:
    """Factors that stay as they were, and why."""
    known = TRAINING_FACTORS if "products" in fitted.rows.axes else ROOFLINE_FACTORS
    silent = {name: "no row depends on it" for name in known if name not in fitted.law.parameter_names}
    told = {name: share for name, share in fitted.prior_share.items() if share > KEPT_SHARE}
    return silent | {name: f"the rows leave {share:.0%} of what was unknown of it" for name, share in told.items()}


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
    """Rows (n,) left out in turn: all of a shape where there are three or more, else every fifth."""
    shapes = list(dict.fromkeys(measurement.shape for measurement in measurements))
    if len(shapes) >= FEWEST_SHAPES:
        labels = np.array([shapes.index(measurement.shape) for measurement in measurements])
    else:
        labels = np.arange(len(measurements)) % min(FOLDS, len(measurements))
    return [labels == label for label in np.unique(labels)]


def _beyond(name: str, ratios: np.ndarray, hardware: Hardware, level: float) -> Factor:
    """How far rows that were not seen lie off, as an interval of their ratios; one is always within."""
    ordered, tail, count = np.sort(ratios), (1 - level) / 2, len(ratios)
    # the (n + 1)-th row lies below the k-th of n with chance k/(n + 1) (split conformal prediction, Vovk et al. 2005)
    low = ordered[max(0, math.floor(tail * (count + 1)) - 1)]
    high = ordered[min(count - 1, math.ceil((1 - tail) * (count + 1)) - 1)]
    source = f"measured over predicted on {count} times on {hardware.name} that the fit did not see"
    return Factor(name, 1.0, min(1.0, float(low)), max(1.0, float(high)), "measured", source)


def _notices(fitted: Fit, measurements: Sequence[Measurement], rows: Rows) -> tuple[Notice, ...]:
    silent = ("no-intervals", "axis-constant", "axes-together", "loose-parameters", "negligible-term")
    notices = [notice for notice in fitted.notices if notice.code not in silent]
    if len({measurement.shape for measurement in measurements}) < FEWEST_SHAPES:
        notices.append(
            Notice(
                "few-shapes",
                "fewer than 3 models were timed: how far times of another model are missed is not measured",
            )
        )
    if len(rows) < 20:
        notices.append(Notice("few-rows", f"{len(rows)} times are few for 90% ends: the widest misses stand for them"))
    return tuple(notices)
