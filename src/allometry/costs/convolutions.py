"""Counts of a convolutional network of residual bottleneck stages: multiply-adds, parameters and activations.

By the rules of the RegNet code base (Dollar et al. 2021, arXiv 2103.06877): a convolution's activations are its outputs;
normalisation, rectifiers and squeeze-and-excitation add none.
"""

from __future__ import annotations

from dataclasses import dataclass

from allometry.costs._checks import check_count
from allometry.notices import Refused

STEM, CLASSES = 32, 1000


@dataclass(frozen=True)
class Convolutional:
    """Stages of residual blocks: depths, widths and group widths of each, and the side of the input image.

    Each stage halves the resolution; a block is a 1x1, a grouped 3x3 and a 1x1 convolution of one width.

    >>> round(Convolutional((1, 2, 7, 12), (32, 64, 160, 384), (16, 16, 16, 16)).counts().flops / 1e6)
    398
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]
    groups: tuple[int, ...]
    resolution: int = 224

    def __post_init__(self) -> None:
        if not len(self.depths) == len(self.widths) == len(self.groups) > 0:
            raise Refused(
                "bad-shape", "depths, widths and groups must be as many", "the network", "give one of each for a stage"
            )
        for name in ("depths", "widths", "groups"):
            for value in getattr(self, name):
                check_count(name, value, where="the network")
        check_count("resolution", self.resolution, where="the network")
        for width, group in zip(self.widths, self.groups, strict=True):
            if width % group:
                raise Refused("does-not-divide", f"width {width} is no multiple of its group width {group}", "the network",
                              f"give a width of {group * max(1, round(width / group))}")  # fmt: skip

    def counts(self) -> Counts:
        """Everything that one image costs."""
        side = _after(self.resolution, 2)
        total, before = _convolution(3, 3, STEM, side), STEM
        for depth, width, group in zip(self.depths, self.widths, self.groups, strict=True):
            for block in range(depth):
                stride = 2 if block == 0 else 1
                after = _after(side, stride)
                total += _convolution(1, before, width, side)
                total += _convolution(3, width, width, after, width // group)
                total += _convolution(1, width, width, after)
                if before != width or stride != 1:
                    total += _convolution(1, before, width, after)
                side, before = after, width
        head = before * CLASSES + CLASSES
        return total + Counts(head, head, CLASSES)


@dataclass(frozen=True)
class Counts:
    """Multiply-adds, parameters and activations."""

    flops: float
    params: float
    activations: float

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.flops + other.flops, self.params + other.params, self.activations + other.activations)


def _after(side: int, stride: int) -> int:
    return (side - 1) // stride + 1


def _convolution(kernel: int, incoming: int, outgoing: int, side: int, groups: int = 1) -> Counts:
    """A convolution with its normalisation."""
    weights = kernel**2 * incoming * outgoing // groups
    return Counts(weights * side**2, weights + 2 * outgoing, outgoing * side**2)
