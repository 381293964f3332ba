"""Stacking growth: train a shallow model, repeat its blocks, and go on with the deep one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from allometry.costs import Shape, training_flops
from allometry.notices import Notice, Refused
from allometry.plans.questions import grow
from allometry.plans.questions.growth import FACTOR

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Two phases of one budget: `base` on `base_tokens`, then `grown`, which begins with its weights, on `tokens` more.

    `base_flops` and `flops` are those of the phases, attention included; a comparison with a run from scratch is at
    their sum.
    """

    base: Shape
    grown: Shape
    base_tokens: float
    tokens: float
    base_flops: float
    flops: float
    notices: tuple[Notice, ...] = ()


def plan_growth(
    shape: Shape, flops: float, context: int, *, factor: int = FACTOR, base_tokens: float | None = None
) -> Growth:
    """How one budget is spent on growing to a shape by stacking.

    Use it for decoders grown two to four times in depth. Whether growing pays is a question to two fits, of runs from
    scratch and of grown ones at equal FLOPs: `allometry decide grow`.

    Arguments: `flops` of both phases, attention included; `context` in tokens; `base_tokens` of the first phase, by
    default those of the published timing, which was measured from 410M parameters up: at a lab's sizes it asks for
    more tokens than any such budget has, and is then refused.
    Errors: `Refused` for layers that do not divide, for a shape whose layers are not alike, and for a first phase that
    takes the whole budget.
    Source: Du et al. 2024, arXiv 2405.15319; timing: eq. 2, as in `plans.questions.grow`.

    >>> shape = Shape(layers=8, width=32, heads=2, head_size=16, ffn=128, vocab=256)
    >>> found = plan_growth(shape, 1e12, context=64, base_tokens=2e5)
    >>> found.base.layers, found.base_flops + found.flops
    (2, 1000000000000.0)
    """
    base = base_shape(shape, factor)
    notices: tuple[Notice, ...] = ()
    if base_tokens is None:
        base_tokens, notices = _published_timing(shape, flops, factor)
    if not base_tokens > 0:
        raise Refused("bad-value", f"{base_tokens:g} is no number of tokens", "base_tokens", "give a positive number")
    first = training_flops(base, base_tokens, context)
    if first >= flops:
        raise Refused("budget-too-small", f"{base_tokens:.3g} tokens of the small model take {first:.3g} FLOPs, the budget is "
                      f"{flops:.3g}", "base_tokens", "give fewer, or train from scratch")  # fmt: skip
    if base.layers == 1:
        notices += (Notice("one-layer-base", "a base of one layer did not pay where it was tried (arXiv 2405.15319)"),)
    left = flops - first
    return Growth(base=base, grown=shape, base_tokens=base_tokens, tokens=left / training_flops(shape, 1.0, context),
                  base_flops=first, flops=left, notices=notices)  # fmt: skip


def _published_timing(shape: Shape, flops: float, factor: int) -> tuple[float, tuple[Notice, ...]]:
    """Tokens before stacking, and what is to be said of them, as `allometry decide grow` has them."""
    found = grow(float(shape.parameters().non_embedding), flops, factor=factor)
    return float(cast(float, found.figures["tokens before stacking"])), found.notices


def base_shape(shape: Shape, factor: int = FACTOR) -> Shape:
    """The shape whose layers, stacked `factor` times, are those of this one.

    Errors: `Refused` for layers that do not divide and for a shape whose layers are not alike.
    """
    if shape.dense_layers or shape.looped_layers or shape.window_layers:
        raise Refused("not-alike", "stacking repeats all layers, and those of this shape are not alike", "the shape",
                      "leave out dense_layers, looped_layers and window_layers")  # fmt: skip
    if factor < 1 or shape.layers % factor:
        raise Refused("does-not-divide", f"{shape.layers} layers are no {factor} times a number of layers", "the factor",
                      f"give layers={max(1, factor) * max(1, shape.layers // max(1, factor))} or another factor")  # fmt: skip
    return replace(shape, layers=shape.layers // factor)


def stack(weights: Mapping[str, Tensor], factor: int = FACTOR) -> dict[str, Tensor]:
    """The weights of a model `factor` times as deep: block i is a copy of block i mod layers, all else of itself.

    Use it on a trained model's `state_dict()` between two phases, with a new optimiser for the second. Not for models
    whose layers differ in kind (see `base_shape`).
    Errors: `Refused` where there are no blocks to stack, or the factor is none.
    Source: G_stack of Du et al. 2024, arXiv 2405.15319.
    """
    found = [match for name in weights if (match := _BLOCK.fullmatch(name))]
    if not found or factor < 1:
        raise Refused("nothing-to-stack", f"{len(found)} weights of blocks cannot be stacked {factor} times", "the weights",
                      "give the state_dict of one of the lab's models, and a factor from 2 to 4")  # fmt: skip
    layers = 1 + max(int(match[1]) for match in found)
    grown: dict[str, Tensor] = {}
    for name, weight in weights.items():
        match = _BLOCK.fullmatch(name)
        copies = [f"blocks.{int(match[1]) + layers * copy}.{match[2]}" for copy in range(factor)] if match else [name]
        grown |= {copy: weight.clone() for copy in copies}
    return grown
