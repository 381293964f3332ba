"""A model for a shape: the transformer with the parts of the mechanisms that the shape asks for."""

from __future__ import annotations

from typing import cast

from allometry.costs import Shape
from allometry.lab.mechanisms import Mechanism, mechanisms_of
from allometry.lab.transformer import Parts, Transformer


def build(shape: Shape, context: int) -> Transformer:
    """The model of a shape, with fresh weights of torch's own generator.

    Use it for everything that the lab trains; call `torch.manual_seed` before it. Counts of parameters and FLOPs are
    those of `costs` and equal torch's. In training add `auxiliary_loss()` to the loss, after each pass.

    Arguments: `context` is the longest sequence in tokens.
    Errors: `Refused` for shapes that the lab does not build, with the fields that are why.

    >>> shape = Shape(layers=2, width=16, heads=2, head_size=8, ffn=32, vocab=64, loops=3)
    >>> model = build(shape, context=8)
    >>> sum(p.numel() for p in model.parameters()) == shape.parameters().total
    True
    """
    return Transformer(shape, context, compose(shape, mechanisms_of(shape)))


def compose(shape: Shape, mechanisms: dict[str, Mechanism]) -> Parts:
    """The parts of several mechanisms as one object, each slot made by the mechanism that overrides it."""
    kind = type("Parts", (*(m.parts for m in mechanisms.values()), Parts), {})
    return cast(Parts, kind(shape))
