"""Loops: k of the blocks run L times with the same weights, between blocks that run once."""

from __future__ import annotations

from torch import Tensor, nn

from allometry.costs import Shape
from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import Body, Parts, Rotation, through


class Loop(Body):
    """The blocks before the loop, those of the loop `loops` times, and those behind it.

    `loops` may be set to another number on a trained model, to measure loss against loops at test time.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.first, self.last = looped_blocks(shape)
        self.loops = shape.loops

    def forward(self, x: Tensor, rotation: Rotation, blocks: nn.ModuleList) -> Tensor:
        x = through(blocks[: self.first], x, rotation)
        x = self.loop(x, rotation, blocks[self.first : self.last])
        return through(blocks[self.last :], x, rotation)

    def loop(self, x: Tensor, rotation: Rotation, core: nn.ModuleList) -> Tensor:
        for _ in range(self.loops):
            x = through(core, x, rotation)
        return x


class Looped(Parts):
    def body(self) -> Loop:
        return Loop(self.shape)


def looped_blocks(shape: Shape) -> tuple[int, int]:
    """First block of the loop and first one behind it: the middle, with the odd one in front (as in 2604.12946)."""
    first = (shape.layers - shape.loop_layers + 1) // 2
    return first, first + shape.loop_layers


looped = Mechanism(
    title="looped blocks",
    source="Saunshi et al. 2025, arXiv 2502.17416: k blocks, L times",
    parts=Looped,
    uses=lambda shape: shape.loops > 1 and shape.injection == "none" and not shape.recursive,
    fields=("loops", "looped_layers"),
    example={"loops": 3, "looped_layers": 2},
)
