"""Rows that decide the answer further than chance allows, and which of them do not lie on the curve of the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allometry.expressions import target_transform
from allometry.fits import Diagnosis, Fit, Influence, refit
from allometry.fits.objectives import robust_scale
from allometry.notices import Refused

Array = np.ndarray

# Assumed, and the same as the fit's own guard: six robust standard deviations, which no table of normal errors reaches.
FAR_SCALES = 6.0


@dataclass(frozen=True)
class Suspects:
    """What the search for influential rows found, the largest effect first, each beyond its null.

    `members` (n,) are the rows of any of these sets, `far` (n,) those of them off the curve that was fitted without all
    members, `distances` (n,) how far each row is from that curve in robust standard deviations.
    """

    found: tuple[Influence, ...]
    members: Array
    far: Array
    distances: Array


def find_suspects(fitted: Fit | None, diagnosis: Diagnosis | None) -> Suspects:
    """Distances are from the fit without the members: a bad row pulls the curve to itself and hides others."""
    found = tuple(item for item in diagnosis.influence if item.finding) if diagnosis else ()
    size = 0 if fitted is None else len(fitted.rows)
    none = np.zeros(size, dtype=bool)
    if fitted is None or not found:
        return Suspects((), none, none, np.zeros(size))
    members = np.isin(fitted.rows.numbers, [row for item in found for row in item.rows])
    try:
        distances = off_the_curve(fitted, refit(fitted, ~members, bootstrap=0))
    except Refused:
        distances = np.zeros(size)
    return Suspects(found, members, members & (np.abs(distances) > FAR_SCALES), distances)


def off_the_curve(fitted: Fit, other: Fit) -> Array:
    """Distance (n,) of each row of `fitted` from the curve of `other`, above it positive; zeros where it has no scale."""
    scale = residual_scale(other)
    with np.errstate(all="ignore"):
        curve = target_transform(fitted.space, np.asarray(other.predict(fitted.rows.axes), float))
        measured = target_transform(fitted.space, fitted.rows.target)
    own = np.asarray(measured, float) - np.asarray(curve, float)
    return own / scale if scale > 0 else np.zeros(len(own))


def residual_scale(fitted: Fit) -> float:
    """The larger of two scales of the residuals: the median one, and the standard deviation of the rows that it calls near.

    With few rows a robust curve runs through many of them, and the median of the residuals is then far too small.
    """
    robust = robust_scale(fitted.residuals)
    near = fitted.residuals[np.abs(fitted.residuals) <= FAR_SCALES * robust]
    left = max(len(near) - len(fitted.law.parameter_names), 1)
    return max(robust, float(np.sqrt(np.sum(near**2) / left)))
