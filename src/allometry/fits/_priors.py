"""Prior knowledge of a parameter, weighed against the data at the residuals' own scale.

A robust sum of residuals has no noise scale of its own, so a Gaussian log-density cannot simply be
added: a prior of .30 +- .05 would pin alpha at .3000060. The objective divided by
c = E[slope**2] / E[curvature] has curvature equal to the inverse sampling covariance of the
estimate (Huber 1981, sec. 6.3), so the penalty is c times the prior's own half square.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allometry.expressions import Compiled, parse_number
from allometry.fits.objectives import MAD_TO_SD, Objective
from allometry.notices import Refused

Array = np.ndarray


@dataclass(frozen=True)
class Prior:
    """Gaussian knowledge of one parameter: mean and sd in natural units, or of its logarithm.

    With `factor` the sd is a factor: `Prior(482, 1.5, factor=True)` says the logarithm is known
    to log(1.5). Write it `mean,sd` or `mean,xFACTOR` on the command line.

    >>> Prior.parse("A", "482,x1.5")
    Prior(mean=482.0, sd=1.5, factor=True)
    """

    mean: float
    sd: float
    factor: bool = False

    def __post_init__(self) -> None:
        floor = 1.0 if self.factor else 0.0
        if not (
            math.isfinite(self.mean)
            and math.isfinite(self.sd)
            and self.sd > floor
            and (self.mean > 0 or not self.factor)
        ):
            raise Refused("bad-prior", f"a prior of mean {self.mean:g} and width {self.sd:g} says nothing", "prior",
                          "give mean,sd with sd above zero, or mean,xFACTOR with a factor above one")  # fmt: skip

    @classmethod
    def parse(cls, name: str, text: str) -> Prior:
        mean, _, width = text.partition(",")
        if not width:
            raise Refused("bad-prior", f"{text!r} is not a prior", f"prior of {name}", "write mean,sd or mean,xFACTOR")
        place = f"prior of {name}"
        return cls(parse_number(mean, place), parse_number(width.removeprefix("x"), place), width.startswith("x"))

    @property
    def location(self) -> float:
        """Mean on the scale the prior is Gaussian on."""
        return math.log(self.mean) if self.factor else self.mean

    @property
    def width(self) -> float:
        return math.log(self.sd) if self.factor else self.sd


class Penalty:
    """The priors' part of the cost: strength x sum of ((value - mean) / sd)**2 / 2."""

    def __init__(self, compiled: Compiled, pivots: Array, priors: Mapping[str, Prior], strength: float = 1.0) -> None:
        self.priors, self.strength = dict(priors), strength
        self._tapes = [
            compiled.log_parameter(name, pivots) if prior.factor else compiled.plain_parameter(name, pivots)
            for name, prior in self.priors.items()
        ]
        self._none = np.empty((2 * len(compiled.axes), 1))
        self.means = np.array([p.location for p in self.priors.values()])
        self.widths = np.array([p.width for p in self.priors.values()])

    def scaled(self, strength: float) -> Penalty:
        other = object.__new__(Penalty)
        other.__dict__.update(self.__dict__, strength=strength)
        return other

    def cost(self, q: Array, means: Array) -> Array:
        """(S,) penalty of coordinates (S, p) for prior means (S or 1, k)."""
        total = np.zeros(len(q))
        for k, tape in enumerate(self._tapes):
            total += 0.5 * self.strength * ((tape.value(q, self._none)[:, 0] - means[:, k]) / self.widths[k]) ** 2
        return total

    def add(self, q: Array, means: Array, slope: Array, curvature: Array) -> None:
        """Add the penalty's gradient and Gauss-Newton curvature in place."""
        for k, tape in enumerate(self._tapes):
            value, gradient = tape.value_and_gradient(q, self._none)
            unit = gradient[:, :, 0] / self.widths[k]
            distance = (value[:, 0] - means[:, k]) / self.widths[k]
            slope += self.strength * distance[:, None] * unit
            curvature += self.strength * unit[:, :, None] * unit[:, None, :]

    def unit_gradients(self, q: Array) -> dict[str, Array]:
        """Gradient (p,) of each prior's standardised value at coordinates (p,)."""
        pairs = zip(self.priors, self._tapes, self.widths, strict=True)
        return {name: tape.value_and_gradient(q[None], self._none)[1][0, :, 0] / width for name, tape, width in pairs}

    def draw_means(self, generator: np.random.Generator, draws: int) -> Array:
        """Prior means redrawn (draws, k): without informative rows the interval is then the prior's own."""
        return self.means + self.widths * generator.standard_normal((draws, len(self.means)))


def noise_strength(objective: Objective, residuals: Array, weights: Array) -> float:
    """c = sum((w slope)**2) / sum(w curvature) of residuals (n,): what turns a log-density into objective units.

    The expected curvature of a kinked loss is taken as a difference of mean slopes over half a
    robust standard deviation, since few rows may lie inside delta itself.
    """
    step = 0.5 * max(MAD_TO_SD * float(np.median(np.abs(residuals))), 1e-12)
    rise = objective.slope(residuals + step) - objective.slope(residuals - step)
    expected = float(np.sum(weights * rise)) / (2 * step)
    return max(float(np.sum((weights * objective.slope(residuals)) ** 2)) / max(expected, 1e-300), 1e-300)
