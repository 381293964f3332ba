"""The buildable decoder nearest to a parameter count."""

from __future__ import annotations

import math
from dataclasses import dataclass

from allometry.costs.shapes import Parameters, Shape
from allometry.notices import Refused

CONVENTIONS = ("total", "non-embedding")

# Assumed. GPT-3 175B (Brown et al. 2020, table 2.1: 96 layers of width 12288) and LLaMA 7B (Touvron et al. 2023,
# table 2: 32 of 4096) are 128 wide for each layer; loss is flat around it (Kaplan et al. 2020, figure 5).
ASPECT = 128.0
# Assumed: a gated feed-forward of 8/3 the width has as many parameters as a plain one of 4 (Shazeer 2020, 2002.05202).
FFN_RATIO = 8 / 3
# Assumed: heads of 128 in large models and 64 in small ones, as in the two sources above; 16 below laptop scale.
HEAD_SIZES = ((1e9, 128), (1e7, 64), (0.0, 16))
# A count off by 2% costs as much as an aspect ratio off by a factor e: plans are far less certain than 2%.
COUNT_TOLERANCE = 0.02
DEEPEST = 400


@dataclass(frozen=True)
class Buildable:
    """A shape for a wanted parameter count, with its exact counts in both conventions.

    `wanted` is the count asked for in `convention`; `assumed` says what the search took for granted.
    """

    shape: Shape
    wanted: float
    convention: str
    assumed: tuple[str, ...]

    @property
    def counts(self) -> Parameters:
        return self.shape.parameters()

    @property
    def counted(self) -> int:
        """The exact count in the convention that was asked for."""
        return _count(self.counts, self.convention)

    def as_json(self) -> dict[str, object]:
        """Depth, width, heads and both exact counts, named."""
        shape = self.shape
        return {
            "layers": shape.layers,
            "width": shape.width,
            "heads": shape.heads,
            "head_size": shape.head_size,
            "ffn": shape.ffn,
            "vocab": shape.vocab,
            "tied": shape.tied,
            "params": {"total": self.counts.total, "non-embedding": self.counts.non_embedding},
            "convention": self.convention,
            "wanted": self.wanted,
            "assumed": list(self.assumed),
        }


def nearest_shape(
    params: float,
    vocab: int,
    convention: str = "total",
    *,
    head_size: int | None = None,
    aspect: float = ASPECT,
    multiple: int | None = None,
    tied: bool = True,
) -> Buildable:
    """The dense gated decoder whose count is nearest to `params`, at an aspect ratio near `aspect`.

    Use it to turn a planned size into something to train. Not for mixtures of experts, nor for a
    size that an existing family must meet exactly.

    Arguments: `params` counted by `convention` ("total" or "non-embedding"); `vocab` entries of the
    embedding; `head_size` of each head (by default 128 from 1e9 params, 64 from 1e7, else 16);
    `aspect` width over layers; `multiple` that the feed-forward width is rounded to (by default 64,
    or a smaller head size); `tied` whether the head is the embedding.
    Errors: `Refused` for a count that is not positive or an unknown convention, and for a count that
    the embedding alone exceeds.

    >>> found = nearest_shape(6.74e9, 32000, tied=False)
    >>> found.shape.layers, found.shape.width, round(found.counted / 6.74e9, 2)
    (32, 4096, 1.0)
    """
    _check(params, vocab, convention)
    head = head_size or next(size for least, size in HEAD_SIZES if params >= least)
    multiple = multiple or min(64, head)
    shapes = [
        shape
        for layers in range(1, DEEPEST + 1)
        for shape in _two_widths(layers, params, vocab, convention, head, multiple, tied)
    ]
    best = min(shapes, key=lambda shape: _penalty(shape, params, convention, aspect))
    if not 0.5 < _count(best.parameters(), convention) / params < 2:
        least = f"{_count(best.parameters(), convention):,}"
        raise Refused("no-shape", f"no decoder with {vocab} tokens and heads of {head} is near {params:.3g} parameters",
                      "the shape", f"the nearest has {least}; give a smaller vocabulary or head size")  # fmt: skip
    return Buildable(best, params, convention, _assumptions(head, head_size, aspect, multiple, tied))


def _check(params: float, vocab: int, convention: str) -> None:
    if not (math.isfinite(params) and params > 0):
        raise Refused("bad-params", f"a model of {params:g} parameters does not exist", mend="give a positive count")
    if vocab < 1:
        raise Refused("bad-vocab", f"a vocabulary of {vocab} does not exist", mend="give its number of tokens")
    if convention not in CONVENTIONS:
        raise Refused("unknown-convention", f"parameters are not counted as {convention!r}",
                      mend=f"use one of {', '.join(CONVENTIONS)}")  # fmt: skip


def _two_widths(
    layers: int, params: float, vocab: int, convention: str, head: int, multiple: int, tied: bool
) -> list[Shape]:
    """The widths, multiples of the head size, just below and above the wanted count at this depth."""
    quadratic = layers * (4 + 3 * FFN_RATIO)
    linear = vocab * (1 if tied else 2) if convention == "total" else 0
    width = (math.sqrt(linear**2 + 4 * quadratic * params) - linear) / (2 * quadratic)
    below = max(1, int(width / head))
    return [_shape(layers, heads, head, vocab, multiple, tied) for heads in (below, below + 1)]


def _shape(layers: int, heads: int, head: int, vocab: int, multiple: int, tied: bool) -> Shape:
    width = heads * head
    ffn = max(1, round(FFN_RATIO * width / multiple)) * multiple
    return Shape(layers=layers, width=width, heads=heads, head_size=head, ffn=ffn, vocab=vocab, tied=tied)


def _penalty(shape: Shape, params: float, convention: str, aspect: float) -> float:
    off_count = abs(math.log(_count(shape.parameters(), convention) / params))
    off_aspect = abs(math.log(shape.width / shape.layers / aspect))
    return off_count / COUNT_TOLERANCE + off_aspect


def _count(parts: Parameters, convention: str) -> int:
    return parts.total if convention == "total" else parts.non_embedding


def _assumptions(head: int, given: int | None, aspect: float, multiple: int, tied: bool) -> tuple[str, ...]:
    return (
        f"width near {aspect:g} times the layers (as GPT-3 175B and LLaMA 7B; loss is flat around it)",
        f"heads of {head}" + ("" if given is None else ", as asked"),
        f"gated feed-forward of 8/3 the width, to a multiple of {multiple}",
        "the head is the embedding" if tied else "the head has its own matrix",
    )
