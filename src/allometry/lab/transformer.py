"""A plain decoder-only transformer: RMS norms, rotary positions, gated feed-forward, tied head.

It knows nothing of bytes, budgets or schedules; `costs.shapes` counts it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from allometry.costs import Shape

INIT_STD = 0.02  # assumed: the common choice since GPT-2; output projections shrink with depth


class Attention(nn.Module):
    """Causal multi-head self-attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.size = shape.heads, shape.head_size
        inner = shape.heads * shape.head_size
        self.qkv = nn.Linear(shape.width, 3 * inner, bias=False)
        self.out = nn.Linear(inner, shape.width, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        batch, length, _ = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        query, key = rotate(qkv[:2], rotation)
        mixed = functional.scaled_dot_product_attention(query, key, qkv[2], is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020): silu(x W) * (x V), projected back."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.up = nn.Linear(shape.width, 2 * shape.ffn, bias=False)
        self.out = nn.Linear(shape.ffn, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.out(functional.silu(gate) * value)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm_attention = nn.RMSNorm(shape.width)
        self.attention = Attention(shape)
        self.norm_feed_forward = nn.RMSNorm(shape.width)
        self.feed_forward = FeedForward(shape)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.attention(self.norm_attention(x), rotation)
        return x + self.feed_forward(self.norm_feed_forward(x))


class Transformer(nn.Module):
    """Token ids (batch, length) in, logits (batch, length, vocab) out."""

    def __init__(self, shape: Shape, context: int) -> None:
        super().__init__()
        if not (shape.gated and shape.tied and shape.key_value_heads == shape.heads):
            raise ValueError("the plain transformer is gated, tied and multi-head; this shape is not")
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        cosine, sine = rotations(context, shape.head_size)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self._initialise(shape.layers)

    def _initialise(self, layers: int) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith("out.weight")
                nn.init.normal_(weight, std=INIT_STD / (2 * layers) ** 0.5 if residual else INIT_STD)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        rotation = (self.get_buffer("cosine")[:length], self.get_buffer("sine")[:length])
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, rotation)
        return functional.linear(self.norm(x), self.embedding.weight)


def rotations(context: int, head_size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (context, head_size / 2) of rotary positions (Su et al. 2021, base 10000)."""
    frequency = 10000.0 ** (-torch.arange(0, head_size, 2) / head_size)
    angle = torch.outer(torch.arange(context), frequency)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate the two halves of the last axis of `x` (..., length, head_size) by position."""
    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)
