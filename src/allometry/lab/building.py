"""The model of a shape: the one place where training asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allometry.costs import Shape
from allometry.notices import Refused

if TYPE_CHECKING:
    from torch import nn

# Fields of a shape that the plain transformer realises; every other one must be as it is by default.
_PLAIN = {"layers", "width", "heads", "head_size", "ffn", "vocab", "name", "context"}


def check_buildable(shape: Shape) -> None:
    """Refuse a shape that `build_model` would make something else of. Loads no torch."""
    given = {name: value for name, value in shape.as_json().items() if name not in _PLAIN}
    if shape.kv_heads == shape.heads:
        given.pop("kv_heads", None)
    if given:
        name, value = next(iter(given.items()))
        raise Refused("not-buildable", f"the lab builds no model with {name}={value}", "the shape", f"leave {name} out")


def build_model(shape: Shape, context: int) -> nn.Module:
    """A new model: token ids (batch, length) in, logits (batch, length, vocab) out, by torch's random numbers.

    A model may have `auxiliary_loss()`, a number that training adds to the loss and evaluation does not, or None.
    """
    from allometry.lab.transformer import Transformer

    check_buildable(shape)
    return Transformer(shape, context)
