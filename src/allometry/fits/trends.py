"""What a metric does with scale: falls, rises, turns, begins to fall late, does nothing, or cannot be told.

Every verdict is a set of curves of one amplitude each over the log of scale: a monotone curve more or less bent, a
parabola about a turn, a constant up to an onset. Level and amplitude are fitted by least squares, each curve is weighed
by how well it fits, and the weights of the curves of a verdict add up to its probability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from allometry.notices import Interval, Refused

Array: TypeAlias = NDArray[np.float64]
Verdict: TypeAlias = Literal["standard", "inverse", "u-shaped", "inverted-u", "emergent", "flat"]

LEAST_RUNS = 5
_BENDS = (0.0, 1.0, 2.0, 4.0, 8.0)  # how far a power law gets over the range, in e-folds of what it removes
_TURNS = np.linspace(0.3, 0.7, 9)  # places in the range, in log scale: a turn nearer an end looks like levelling off
_ONSETS = np.linspace(0.2, 0.8, 13)
_KNOWN = 1e6  # degrees of freedom that stand for a known error


@dataclass(frozen=True)
class Trend:
    """What a metric does with scale.

    `verdict` is the most probable of `probabilities`, or "undecided" where none is sure enough. `change` is how far the
    metric moves from its one end to the other over the range (of a turn: from the turn to the farther end), signed;
    `place` where it turns or begins to fall, empty for other verdicts.
    """

    verdict: Verdict | Literal["undecided"]
    probabilities: Mapping[Verdict, float]
    change: Interval
    place: Interval

    @property
    def reversal(self) -> float:
        """Probability that the metric turns within the range: where it is not small, extrapolate no monotone law."""
        return self.probabilities["u-shaped"] + self.probabilities["inverted-u"]


def trend(
    scale: ArrayLike,
    metric: ArrayLike,
    *,
    error: ArrayLike | None = None,
    least: float = 0.02,
    sure: float = 0.9,
    lower_is_better: bool = True,
    level: float = 0.9,
) -> Trend:
    """The verdict on a metric over scale.

    Use it before a law is chosen, benchmark by benchmark: "standard" gets better all the way (a power law), "inverse"
    worse, "u-shaped" falls and rises again, "inverted-u" the reverse, "emergent" does nothing and then gets better,
    "flat" moves by less than `least` whatever it does. Not for exponents: fit the law that goes with the verdict
    (preference_loss, u_shaped, emergent_power). Getting better ever faster without a flat part counts as emergent.

    Arguments: `scale` (n,) is positive: parameters, FLOPs or pairs, n at least 5 with 4 different; `metric` (n,);
    `error` (n,) its standard errors, by default equal and unknown; `least` the smallest change that matters, in the
    metric's unit (the default, two points of a share, is assumed); `sure` the probability that a verdict needs;
    `lower_is_better` false for accuracies; `level` of the intervals. "u-shaped" and "inverted-u" are of the metric as
    given, whichever way is better.
    Errors: `Refused` for too few runs and for values that are not usable.
    Source: the verdicts of McKenzie et al. 2023, arXiv 2306.09479 (inverse, U) and Wang et al. 2025, arXiv 2505.10527
    (emergent, none); the weighing is ours: the likelihood with level, amplitude and, where no error is given, noise
    integrated out under priors flat in the level and in each curve's rms amplitude. On 12 simulated runs over three decades that change by 0.1 to 0.4 with noise of
    0.005, 98% or more of the runs of every verdict are told and none is told wrong; with noise of 0.01 95% or more,
    but for flat ones, which stay undecided unless `least` is about four times the noise.

    >>> sizes = np.geomspace(1e7, 1e10, 10)
    >>> wiggle = 0.004 * np.sin(7 * np.arange(10.0))
    >>> trend(sizes, 0.5 + 40 * sizes**-0.3 + wiggle).verdict, trend(sizes, 0.5 + wiggle).verdict
    ('standard', 'flat')
    >>> turned = trend(sizes, 0.5 + 0.1 * np.log10(sizes / 3e8)**2 + wiggle)
    >>> turned.verdict, 1e8 < turned.place.value < 9e8
    ('u-shaped', True)
    """
    log, values, errors = _checked(scale, metric, error)
    places = (log - log.min()) / np.ptp(log)
    found = _Weighed.of(_shapes(places), values if lower_is_better else -values, errors)
    parts = found.parts(least)
    probabilities = {name: float(part.sum()) for name, part in parts.items()}
    best = max(probabilities, key=lambda name: probabilities[name])
    turns: Mapping[Verdict, Verdict] = {} if lower_is_better else {"u-shaped": "inverted-u", "inverted-u": "u-shaped"}
    named = {turns.get(name, name): value for name, value in probabilities.items()}
    decided = probabilities[best] >= sure
    none = Interval(None, why="the verdict has no place" if decided else "undecided")
    held = decided and best in ("u-shaped", "inverted-u", "emergent")
    return Trend(
        verdict=turns.get(best, best) if decided else "undecided",
        probabilities=named,
        change=found.change(parts[best], level, 1.0 if lower_is_better else -1.0),
        place=found.place(parts[best], level, float(log.min()), float(np.ptp(log))) if held else none,
    )


def _checked(scale: ArrayLike, metric: ArrayLike, error: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    x, y = np.asarray(scale, float), np.asarray(metric, float)
    errors = None if error is None else np.asarray(error, float)
    if x.ndim != 1 or x.shape != y.shape or (errors is not None and errors.shape != x.shape):
        raise Refused(
            "bad-trend", "scale, metric and error are not columns of one length", "trend", "give one value a run"
        )
    usable = np.isfinite(x) & (x > 0) & np.isfinite(y)
    if errors is not None:
        usable &= np.isfinite(errors) & (errors > 0)
    if not usable.all():
        place = f"run {int(np.argmin(usable))}"
        raise Refused(
            "bad-trend", "a scale or error is not positive, or a value not finite", place, "leave the run out"
        )
    if len(x) < LEAST_RUNS or len(np.unique(x)) < LEAST_RUNS - 1:
        raise Refused("few-runs", f"{len(x)} runs at {len(np.unique(x))} scales show no trend", "trend",
                      f"give {LEAST_RUNS} runs or more at {LEAST_RUNS - 1} scales or more")  # fmt: skip
    return np.log(x), y, errors


@dataclass(frozen=True)
class _Shapes:
    """Curves (S, n) that rise from 0 to 1 or back, the family of each, its prior weight, and its turn or onset."""

    curves: Array
    family: NDArray[np.str_]
    prior: Array
    place: Array


def _shapes(places: Array) -> _Shapes:
    """The families, each with as much prior weight as it has verdicts: monotone and turning curves have two signs."""
    late = [(start, bend) for start in _ONSETS for bend in (0.0, 2.0, 4.0)]
    monotone = [_bent(places, bend) for bend in _BENDS]
    rising = [1 - _bent(1 - places, bend) for bend in _BENDS[1:]]
    turning = [((places - turn) / max(turn, 1 - turn)) ** 2 for turn in _TURNS]
    emergent = [_bent(np.maximum(places - start, 0) / (1 - start), bend) for start, bend in late]
    families = {
        "monotone": (monotone, 1.5),
        "rising": (rising, 0.5),
        "turning": (turning, 2.0),
        "late": (emergent, 1.0),
    }
    return _Shapes(
        np.array([curve for curves, _ in families.values() for curve in curves]),
        np.array([name for name, (curves, _) in families.items() for _ in curves]),
        np.array([weight / len(curves) for curves, weight in families.values() for _ in curves]),
        np.array([np.nan] * (len(monotone) + len(rising)) + [*_TURNS] + [start for start, _ in late]),
    )


def _bent(places: Array, bend: float) -> Array:
    """From 0 to 1, straight in log scale or levelling off as a power law with a floor does."""
    return places if bend == 0 else np.expm1(-bend * places) / np.expm1(-bend)


@dataclass(frozen=True)
class _Weighed:
    """Every curve (S,) with its weight and the posterior of its amplitude: Student's t about `centre`."""

    shapes: _Shapes
    weight: Array
    centre: Array
    width: Array
    degrees: float

    @classmethod
    def of(cls, shapes: _Shapes, values: Array, errors: Array | None) -> _Weighed:
        n = len(values)
        w = np.ones(n) if errors is None else errors**-2
        mean = w / w.sum()
        y, x = values - mean @ values, shapes.curves - (shapes.curves @ mean)[:, None]
        xx = x**2 @ w
        centre = x @ (w * y) / xx
        rest = (y - centre[:, None] * x) ** 2 @ w
        if errors is None:
            degrees = n - 2.0
            rest = np.maximum(rest, 1e-20 * float(w @ y**2) + 1e-300)
            log, width = -0.5 * degrees * np.log(rest), np.sqrt(rest / degrees / xx)
        else:
            log, width, degrees = -0.5 * rest, 1 / np.sqrt(xx), _KNOWN
        weight = shapes.prior * np.exp(log - log.max())
        return cls(shapes, weight / weight.sum(), centre, width, degrees)

    def below(self, amount: float) -> Array:
        """Probability (S,) that the amplitude of each curve lies below `amount`."""
        return np.asarray(stdtr(self.degrees, (amount - self.centre) / self.width))

    def parts(self, least: float) -> dict[Verdict, Array]:
        """The weight (S,) that each verdict has from each curve."""
        falls, rises = self.weight * self.below(-least), self.weight * (1 - self.below(least))
        family = self.shapes.family
        monotone, rising, turning, late = (family == name for name in ("monotone", "rising", "turning", "late"))
        return {
            "standard": falls * monotone,
            "inverse": rises * (monotone | rising | late),
            "u-shaped": rises * turning,
            "inverted-u": falls * turning,
            "emergent": falls * (late | rising),
            "flat": self.weight - falls - rises,
        }

    def change(self, part: Array, level: float, sign: float) -> Interval:
        """The amplitude by the curve with most weight: those beside it with weight differ by less than its width."""
        best = int(np.argmax(part))
        half = float(stdtrit(self.degrees, 0.5 + level / 2) * self.width[best])
        ends = sorted(sign * (self.centre[best] + shift) for shift in (-half, half))
        return Interval(float(sign * self.centre[best]), float(ends[0]), float(ends[1]))

    def place(self, part: Array, level: float, start: float, width: float) -> Interval:
        """Weighted percentiles of the turn or onset, back in the unit of the scale; half a step wide at least."""
        held = np.flatnonzero(np.isfinite(self.shapes.place))
        order = held[np.argsort(self.shapes.place[held], kind="stable")]
        share = np.cumsum(part[order]) / part[order].sum()
        ends = [
            self.shapes.place[order][np.searchsorted(share, q - 1e-12)] for q in (0.5, 0.5 - level / 2, 0.5 + level / 2)
        ]
        step = float(_TURNS[1] - _TURNS[0]) / 2
        value, low, high = (float(np.exp(start + width * t)) for t in (ends[0], ends[1] - step, ends[2] + step))
        return Interval(value, low, high)
