"""A conformal test: how a score ranks among scores of its kind, whatever they are distributed like."""

from __future__ import annotations

from collections.abc import Sequence

# For comparisons of fractions that are meant to be equal.
ROUNDING = 1e-12


def p_value(score: float, calibration: Sequence[float]) -> float:
    """The share of scores, its own among them, that are at least as high: large for what is less reliable than others.

    Of scores that are exchangeable and all differ it is each of 1/(n+1), ..., 1 with the same chance.

    >>> p_value(0.1, [0.2, 0.3, 0.4]), p_value(0.9, [0.2, 0.3, 0.4])
    (1.0, 0.25)
    """
    return (1 + sum(score <= one for one in calibration)) / (len(calibration) + 1)


def rejects(score: float, calibration: Sequence[float], rate: float) -> bool:
    """Whether a score is among the lowest share of its kind: of exchangeable ones ceil(rate * (n+1)) of n+1 are.

    >>> [rejects(s, [1, 2, 4, 5], 0.4) for s in (0.5, 1.5, 3, 6)]
    [True, True, False, False]
    """
    return p_value(score, calibration) > 1 - rate + ROUNDING
