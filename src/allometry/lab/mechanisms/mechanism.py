"""What a mechanism says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from allometry.costs import Shape
from allometry.lab.transformer import Parts

SLOTS = tuple(name for name in vars(Parts) if not name.startswith("_"))
"""The parts that a mechanism may make otherwise."""


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One way to build a model otherwise: a file of this folder holds it under the file's name.

    Use it to add a mechanism to the lab's models: write the parts it changes, say when a shape asks for it, and the
    contract test takes it up by itself. It counts nothing: parameters and FLOPs are those of `costs`.

    - `parts` overrides methods of `Parts`; two mechanisms of one shape must not override the same one.
    - `uses` says whether a shape asks for it; `fields` are the shape's fields that it reads.
    - `example` are fields of a small shape that asks for it; `parent` is the mechanism that it is without its own part.
    - `dense` ones have no control flow that depends on data and can be stacked by `torch.func.vmap`.
    """

    title: str
    source: str
    parts: type[Parts]
    uses: Callable[[Shape], bool]
    fields: tuple[str, ...] = ()
    example: Mapping[str, object] = field(default_factory=dict)
    parent: str = "plain"
    dense: bool = True

    @property
    def slots(self) -> tuple[str, ...]:
        """The parts that it makes."""
        return tuple(slot for slot in SLOTS if slot in vars(self.parts))
