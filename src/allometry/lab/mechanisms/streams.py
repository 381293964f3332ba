"""Parallel streams: the same weights run over several copies of the input, told apart by learned keys and values."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from allometry.costs import Shape
from allometry.costs.shapes import STREAM_PREFIX
from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import INIT_STD, Attention, Ends, Parts

# Published: `parscale_attn_smooth` of the authors' configuration; no stream's weight falls below a hundredth of its share.
SMOOTHING = 0.01


class PrefixedAttention(Attention):
    """Attention whose positions all see the learned keys and values of their stream, which have no position."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        size = (shape.streams, shape.heads, STREAM_PREFIX, shape.head_size)
        self.prefix_key = nn.Parameter(INIT_STD * torch.randn(size))
        self.prefix_value = nn.Parameter(INIT_STD * torch.randn(size))

    def mix(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        streams, length = len(self.prefix_key), query.shape[2]
        key, value = (
            torch.cat((prefix.repeat_interleave(len(query) // streams, dim=0), part), dim=2)
            for prefix, part in ((self.prefix_key, key), (self.prefix_value, value))
        )
        seen = query.new_ones((length, STREAM_PREFIX + length)).tril(STREAM_PREFIX).bool()
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)


class Aggregation(Ends):
    """Copies of the input, stream by stream, and their sum by weights that a small network gives each position."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.streams = shape.streams
        self.hidden = nn.Linear(shape.streams * shape.width, shape.width)
        self.weigh = nn.Linear(shape.width, shape.streams)
        for layer in (self.hidden, self.weigh):
            nn.init.zeros_(layer.bias)

    def split(self, x: Tensor) -> Tensor:
        return x.repeat(self.streams, 1, 1)

    def join(self, x: Tensor) -> Tensor:
        parts = x.unflatten(0, (self.streams, -1)).movedim(0, -2)  # (batch, length, streams, width)
        share = self.weigh(functional.silu(self.hidden(parts.flatten(-2)))).softmax(-1)
        share = share * (1 - SMOOTHING) + SMOOTHING / self.streams
        return (share.unsqueeze(-1) * parts).sum(-2)


class Streams(Parts):
    def attention(self, layer: int) -> PrefixedAttention:
        return PrefixedAttention(self.shape)

    def ends(self) -> Aggregation:
        return Aggregation(self.shape)


streams = Mechanism(
    title="parallel streams",
    source="ParScale, Chen et al. 2025, arXiv 2505.10475: 48 learned keys and values a layer, softmax-weighted sum",
    parts=Streams,
    uses=lambda shape: shape.streams > 1,
    fields=("streams",),
    example={"streams": 2},
)
