"""Structured feed-forwards: products of smaller matrices in place of each of the three."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from allometry.costs import Shape
from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import Drawn, Parts


class Blocks(nn.Module):
    """A block-diagonal matrix: each block of the input gives a block of the output."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(blocks, inputs // blocks, outputs // blocks))

    def forward(self, x: Tensor) -> Tensor:
        blocks, size, _ = self.weight.shape  # sizes are spelt out, for an expert may be sent no token at all
        return torch.einsum("...bi,bio->...bo", x.unflatten(-1, (blocks, size)), self.weight).flatten(-2)


class Product(Drawn):
    """Two factors one after the other; between those of "block-shuffle" the blocks are dealt out to each other."""

    def __init__(self, shape: Shape, inputs: int, outputs: int) -> None:
        super().__init__()
        rank = min(inputs, outputs) if shape.structure == "block-shuffle" else shape.rank or 0
        # A factor with one block is a dense matrix.
        inner = 1 if shape.structure == "low-rank" else shape.blocks
        outer = shape.blocks if shape.structure == "block-shuffle" else 1
        self.shuffled = outer
        self.down, self.up = Blocks(inputs, rank, inner), Blocks(rank, outputs, outer)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.down(x)
        dealt = inner.unflatten(-1, (self.shuffled, inner.shape[-1] // self.shuffled)).transpose(-1, -2)
        return self.up(dealt.reshape(inner.shape))

    def draw(self, std: float) -> None:
        """So that a sum over the inputs varies as it does behind a dense matrix of that deviation."""
        inputs = self.down.weight.shape[0] * self.down.weight.shape[1]
        first = self.down.weight.shape[1] ** -0.5
        nn.init.normal_(self.down.weight, std=first)
        nn.init.normal_(self.up.weight, std=std * (inputs / self.up.weight.shape[1]) ** 0.5)


class StructuredFeedForward(nn.Module):
    """SwiGLU of three products."""

    def __init__(self, shape: Shape, inner: int) -> None:
        super().__init__()
        self.gate, self.up = Product(shape, shape.width, inner), Product(shape, shape.width, inner)
        self.out = Product(shape, inner, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(functional.silu(self.gate(x)) * self.up(x))


class Structured(Parts):
    def feed_forward(self, inner: int) -> StructuredFeedForward:
        return StructuredFeedForward(self.shape, inner)


structured = Mechanism(
    title="structured feed-forward",
    source="Wei et al. 2024, arXiv 2406.16450, section 2: low-rank, block-shuffle, block-dense",
    parts=Structured,
    uses=lambda shape: shape.structure != "dense",
    fields=("structure", "rank", "blocks"),
    example={"structure": "block-shuffle", "blocks": 4},
)
