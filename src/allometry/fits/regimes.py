"""Which of the four regimes of neural scaling a curve is in: variance or resolution, over data or over size.

Bahri et al. 2021 (arXiv 2102.06701) find two reasons for a loss to fall with data, and the same two for size. Where
the one far exceeds the other, more of it only averages noise out, and the loss nears its limit with exponent 1,
whatever the data: variance-limited. Where it is the scarce one, it sets how finely the data are resolved, and the
exponent depends on them: resolution-limited. In between there is no such law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.fits.fit import Fit
from allometry.fits.fitting import fit
from allometry.fits.settings import Settings
from allometry.notices import Interval, Refused
from allometry.runs import read_runs

Over = Literal["data", "size"]
FAR = 10.0  # what counts as far more: at ten examples per parameter a linear model's local exponent is still 1.1
NEAR_ONE = 0.15  # how far from 1 an exponent may be measured where the theory's is 1 only in the limit
DIMENSION_ORDER = 4  # n of alpha = n / d for networks of rectified units
WITH_FLOOR = "L_inf + A * examples**-alpha"
VARIANCE, RESOLUTION, UNDECIDED = "variance-limited", "resolution-limited", "not decided"


@dataclass(frozen=True)
class Regime:
    """The verdict on a curve and what it rests on.

    `verdict` is "variance-limited", "resolution-limited" or "not decided", and `reason` one sentence why. `exponent`
    is the fitted one with its interval, `ratio` the smallest and largest examples per parameter (None: not known),
    `hierarchy` what they say: "D >> P", "P >> D", "lost" or "not known". `fit` holds the curve.
    """

    verdict: str
    reason: str
    exponent: Interval
    ratio: tuple[float, float] | None
    hierarchy: str
    fit: Fit

    @property
    def dimension(self) -> Interval | None:
        """Dimension of the data that a resolution-limited exponent speaks of, 4 / alpha; None in other regimes.

        For networks of rectified units on a teacher's data; on natural images the authors found it less clear.
        """
        value, low, high = self.exponent.value, self.exponent.low, self.exponent.high
        if self.verdict != RESOLUTION or not value or not low or not high:
            return None
        return Interval(DIMENSION_ORDER / value, DIMENSION_ORDER / high, DIMENSION_ORDER / low)


def classify_regime(
    over: Over,
    x: ArrayLike,
    loss: ArrayLike,
    *,
    ratio: ArrayLike | None = None,
    floor: float | None = None,
    settings: Settings | None = None,
) -> Regime:
    """Whether a curve of loss over data or over size is variance-limited, resolution-limited, or neither.

    Use it on a sweep of one of the two with the other held, all else tuned or held. Not on a compute frontier, where
    both change, and not to choose a law for forecasts: compare those on held-out runs.

    Arguments: `over` says what `x` (n,) is: "data" (examples or tokens) or "size" (parameters; for deep networks the
    width). `loss` (n,) is the measured test loss. `ratio`, one number or (n,), is examples per parameter, infinite for
    unlimited data; without it the verdict rests on the exponent alone. `floor` is the loss that x tends to, where it is
    known (0 for a teacher without noise); otherwise it is fitted.
    Errors: `Refused` for another `over`, a ratio of zero or less, a loss not above its floor, and what `fit` refuses.
    Source: Bahri et al. 2021, arXiv 2102.06701, sec. 2.

    >>> d = np.array([200.0, 400, 800, 1600, 3200, 6400, 12800])
    >>> wiggle = 1 + 0.01 * np.array([1, -1, 1, 1, -1, -1, 1])
    >>> found = classify_regime("data", d, 3.0 / d**0.5 * wiggle, ratio=d / 1e6, floor=0.0)
    >>> found.verdict, found.hierarchy, round(found.exponent.value, 1), round(found.dimension.value)
    ('resolution-limited', 'P >> D', 0.5, 8)
    """
    if over not in ("data", "size"):
        raise Refused("bad-regime", f"a curve is over data or over size, not {over!r}", mend="give 'data' or 'size'")
    ends = None if ratio is None else _ends(np.asarray(ratio, dtype=float))
    hierarchy = _hierarchy(ends)
    curve = _curve(np.asarray(x, dtype=float), np.asarray(loss, dtype=float), floor, settings)
    exponent = curve.parameters["alpha"]
    verdict, reason = _verdict(over, hierarchy, exponent)
    return Regime(verdict, reason, exponent, ends, hierarchy, curve)


def _ends(ratio: NDArray[np.float64]) -> tuple[float, float]:
    if not ratio.size or not np.all(ratio > 0):
        raise Refused("bad-regime", "examples per parameter must be above zero", "ratio")
    return float(ratio.min()), float(ratio.max())


def _hierarchy(ends: tuple[float, float] | None) -> str:
    if ends is None:
        return "not known"
    if ends[0] >= FAR:
        return "D >> P"
    return "P >> D" if ends[1] <= 1 / FAR else "lost"


def _curve(x: NDArray[np.float64], loss: NDArray[np.float64], floor: float | None, settings: Settings | None) -> Fit:
    """A power law with its floor, or of what is above a known one; the axis' name is only the column's."""
    if floor is None:
        return fit(read_runs({"examples": x, "loss": loss}), WITH_FLOOR, settings)
    if not np.all(loss > floor):
        row = int(np.flatnonzero(~(loss > floor))[0])
        message = f"the loss {loss[row]:g} is not above its floor {floor:g}"
        raise Refused("bad-regime", message, f"row {row}", "leave floor out, and it is fitted")
    return fit(read_runs({"examples": x, "loss": loss - floor}), "resolution_limited", settings)


def _verdict(over: Over, hierarchy: str, exponent: Interval) -> tuple[str, str]:
    low, high = exponent.low, exponent.high
    if low is None or high is None:
        return UNDECIDED, "the exponent has no interval"
    one = low >= 1 - NEAR_ONE and high <= 1 + NEAR_ONE
    spans = f"the exponent lies between {low:.3g} and {high:.3g}"
    if hierarchy == "lost":
        return UNDECIDED, f"{spans}, but neither examples nor parameters are {FAR:g} times the other: no regime holds"
    if hierarchy == "not known":
        return _by_exponent(one, high, spans)
    abundant = hierarchy == ("D >> P" if over == "data" else "P >> D")
    if abundant and not one and low <= 1 + NEAR_ONE and high >= 1 - NEAR_ONE:
        return UNDECIDED, f"{spans}, too wide to tell whether it is the 1 that theory has with {hierarchy}"
    if abundant and not one:
        return (
            UNDECIDED,
            f"{spans}, and with {hierarchy} the theory's is 1: the fit or the sweep is not what it assumes",
        )
    if abundant:
        return VARIANCE, f"{spans}, and {hierarchy}"
    return RESOLUTION, f"{spans}, and {hierarchy}"


def _by_exponent(one: bool, high: float, spans: str) -> tuple[str, str]:
    alone = "examples per parameter are not known, so this rests on the exponent alone"
    if one:
        return VARIANCE, f"{spans}; {alone}"
    if high < 1 - NEAR_ONE:
        return RESOLUTION, f"{spans}; {alone}"
    return UNDECIDED, f"{spans}, which does not tell 1 from less; {alone}"
