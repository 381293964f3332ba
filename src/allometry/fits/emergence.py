"""Whether a pass rate grows as its law says, slower or faster: the curvature of ln(-ln rate) in the log of size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from allometry.notices import Interval, Refused

Array: TypeAlias = NDArray[np.float64]
Label: TypeAlias = Literal["linear", "convex", "concave", "undecided"]

LEAST_SIZES = 4
STRAIGHT = 0.5
"""How far the slope may change over the range, as a share of its mean, for a curve that counts as straight (assumed)."""


@dataclass(frozen=True)
class Emergence:
    """`label`, and `bend` with its interval: the change of slope over the range as a share of the mean slope.

    Below zero the fall of ln(-ln rate) accelerates ("concave"), above zero it tires ("convex").
    """

    label: Label
    bend: Interval


def emergence(
    params: ArrayLike, pass_rate: ArrayLike, *, error: ArrayLike | None = None, level: float = 0.9
) -> Emergence:
    """How a pass rate grows with size, by the shape of F = ln(-ln rate) against ln N.

    Use it before `task_scaling` is extrapolated: "linear" is that law, "convex" falls short of it, as a task of many
    steps does whatever the steps; "concave" outruns it, as one of several ways to an answer taking over does. A
    curve counts as linear only where the whole interval of its bend is small (`STRAIGHT`), else it is undecided. Not
    for rates of 0 or 1, nor for one steep rise in the middle of a range, which a parabola cannot follow.

    Arguments: `params` (n,) sizes, n at least 4, all different; `pass_rate` (n,) strictly between 0 and 1; `error` (n,)
    their standard errors, such as `pass_until` gives, by default unknown and equal in F; `level` of the interval.
    Errors: `Refused` for fewer sizes and unusable rates.
    Source: Hu et al. 2023, arXiv 2310.03262: the classes of F; the names of the classes are recalled, the test is ours.

    >>> sizes = np.geomspace(1e7, 1e9, 8)
    >>> line = np.exp(-3000 * sizes**-0.35)
    >>> emergence(sizes, line, error=0.05 * line).label
    'linear'
    >>> steps = np.exp(-400 * sizes**-0.3) * np.exp(-1e9 * sizes**-1.2)
    >>> emergence(sizes, steps, error=0.05 * steps).label
    'convex'
    """
    size, rate, errors = _checked(params, pass_rate, error)
    log = np.log(size)
    # Legendre's polynomials over the range: the slope changes by 6 times the last coefficient about the middle one
    place = 2 * (log - log.min()) / np.ptp(log) - 1
    design = np.stack([np.ones_like(place), place, (3 * place**2 - 1) / 2], axis=1)
    curve = np.log(-np.log(rate))
    scale = np.ones_like(curve) if errors is None else errors / np.abs(rate * np.log(rate))
    coefficients, covariance = _least_squares(design / scale[:, None], curve / scale, known=errors is not None)
    wide = 0.5 + level / 2
    reach = float(ndtri(wide) if errors is not None else stdtrit(len(curve) - 3, wide))
    bend, half = (
        6 * coefficients[2] / abs(coefficients[1]),
        6 * reach * np.sqrt(covariance[2, 2]) / abs(coefficients[1]),
    )
    found = Interval(float(bend), float(bend - half), float(bend + half))
    if abs(coefficients[1]) <= reach * np.sqrt(covariance[1, 1]):
        return Emergence("undecided", Interval(float(bend), None, None, "the rate does not change with size"))
    return Emergence(_label(found.low or 0.0, found.high or 0.0), found)


def _label(low: float, high: float) -> Label:
    if max(-low, high) <= STRAIGHT:
        return "linear"
    return "convex" if low > 0 else "concave" if high < 0 else "undecided"


def _least_squares(design: Array, target: Array, *, known: bool) -> tuple[Array, Array]:
    """Coefficients (p,) and their covariance; the noise is 1 where it is known and the residuals' own where not."""
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ target
    rest = target - design @ coefficients
    noise = 1.0 if known else float(rest @ rest) / (len(target) - design.shape[1])
    return coefficients, inverse * noise


def _checked(params: ArrayLike, pass_rate: ArrayLike, error: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    size, rate = np.asarray(params, float), np.asarray(pass_rate, float)
    errors = None if error is None else np.asarray(error, float)
    if size.ndim != 1 or size.shape != rate.shape or (errors is not None and errors.shape != size.shape):
        raise Refused(
            "bad-rates", "sizes, rates and errors are not columns of one length", "emergence", "give one a size"
        )
    if len(np.unique(size)) < LEAST_SIZES:
        raise Refused(
            "few-sizes", f"{len(np.unique(size))} sizes show no curvature", "emergence", f"give {LEAST_SIZES}"
        )
    usable = np.isfinite(size) & (size > 0) & (rate > 0) & (rate < 1)
    if errors is not None:
        usable &= np.isfinite(errors) & (errors > 0)
    if not usable.all():
        raise Refused("bad-rates", "a rate is not between 0 and 1, or a size or error not positive", f"size {int(np.argmin(usable))}",
                      "sample until some answers pass, or leave the size out")  # fmt: skip
    return size, rate, errors
