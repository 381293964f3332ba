"""Ways to train beside the plain one: stacking growth and the loop regulariser, as a run has them."""

from __future__ import annotations

from dataclasses import dataclass, field

from allometry.costs import Shape
from allometry.notices import Refused


@dataclass(frozen=True)
class Stacking:
    """A run that begins with `layers / factor` layers for `base_tokens` tokens, whole steps, and is then stacked.

    `when` is how that time was said, which is no part of what is trained.
    """

    factor: int
    base_tokens: int
    when: str = field(default="", compare=False)

    def base(self, shape: Shape) -> Shape:
        """The shape that a run to this one begins with."""
        from allometry.lab.growth import base_shape

        return base_shape(shape, self.factor)


@dataclass(frozen=True)
class LoopRegulariser:
    """The loop regulariser (`lab.regularisers.loop_dissimilarity`) with its period in layers, times a weight."""

    period: int
    weight: float


def check_period(layers: int, period: int, where: str = "period") -> None:
    """Refuse a period that is not a part of the layers, with those that are.

    >>> check_period(6, 3)
    """
    if not 1 <= period < layers or layers % period:
        fit = [str(k) for k in range(1, layers) if layers % k == 0]
        raise Refused("bad-period", f"{layers} layers do not loop with a period of {period}", where,
                      f"give one of {', '.join(fit)}" if fit else "give a model of two layers or more")  # fmt: skip
