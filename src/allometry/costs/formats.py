"""How numbers are stored: bits of each, and what every group of them keeps besides."""

from __future__ import annotations

from dataclasses import dataclass

from allometry.costs._checks import check_count
from allometry.costs.shapes import Shape
from allometry.notices import Refused

BITS_PER_BYTE = 8
FULL_BITS = 16  # bf16 and fp16
MOST_BITS = 64


@dataclass(frozen=True)
class Format:
    """Numbers of `bits` bits, and for every `group` of them a scale of 16 bits and a zero point of `bits` bits.

    Use it for quantised weights and caches. Without a group there is one scale a channel, which is not counted.
    Errors: `Refused` for bits outside 1 to 64 and groups below one.
    Source: Lin et al. 2023, arXiv 2306.00978 (AWQ): bytes = N b/8 + N/g (2 + b/8).

    >>> Format(4, 128).bytes_each
    0.51953125
    """

    bits: float = FULL_BITS
    group: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MOST_BITS:
            raise Refused("bad-format", f"a number cannot have {self.bits:g} bits", "the format",
                          f"give from 1 to {MOST_BITS} bits, such as 4, 8 or 16")  # fmt: skip
        if self.group is not None:
            check_count("group", self.group, where="the format")

    @property
    def bytes_each(self) -> float:
        """Bytes of one number, its share of the group's scale and zero point included."""
        beside = 0.0 if self.group is None else (FULL_BITS + self.bits) / self.group
        return (self.bits + beside) / BITS_PER_BYTE

    def as_text(self) -> str:
        return f"{self.bits:g} bits" + ("" if self.group is None else f" in groups of {self.group}")


FULL = Format()
"""Sixteen bits: what is not quantised."""


def weight_bytes(shape: Shape, weights: Format = FULL) -> float:
    """Bytes of all weights: the matrices of the layers in the given format, the rest in 16 bits.

    Embedding, head, norms and routers stay in 16 bits, as the usual tools leave them.

    >>> from allometry.costs.finding import find_shape
    >>> round(weight_bytes(find_shape("qwen2.5-7b"), Format(4, 128)) / 1e9, 2)
    5.57
    """
    counted = shape.parameters()
    matrices = counted.attention + counted.feed_forward + counted.experts
    return matrices * weights.bytes_each + (counted.total - matrices) * FULL.bytes_each
