"""A decoder-only transformer of parts: RMS norms, rotary positions, gated feed-forward, tied head.

With its own parts it is the plain one. It knows nothing of bytes, budgets or schedules; `costs.shapes` counts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from allometry.costs import Shape
from allometry.notices import Refused

Rotation: TypeAlias = tuple[Tensor, Tensor]
# The fields that the plain transformer reads, or is checked to be; how long a context may be the caller says.
PLAIN_FIELDS = frozenset({"layers", "width", "heads", "head_size", "ffn", "vocab", "kv_heads", "gated", "tied", "context", "name"})  # fmt: skip
INIT_STD = 0.02  # assumed: the common choice since GPT-2; output projections shrink with depth


class Attention(nn.Module):
    """Causal multi-head self-attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads, self.size = shape.heads, shape.head_size
        inner = shape.heads * shape.head_size
        self.qkv = nn.Linear(shape.width, 3 * inner, bias=False)
        self.out = nn.Linear(inner, shape.width, bias=False)

    def forward(self, x: Tensor, rotation: Rotation) -> Tensor:
        batch, length, _ = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        # Rotation is in 32 bits; autocast lowers it again only where models are not stacked.
        query, key = rotate(qkv[:2], rotation).to(qkv.dtype)
        mixed = self.mix(query, key, qkv[2])
        return self.out(mixed.transpose(1, 2).reshape(batch, length, -1))

    def mix(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Values (batch, heads, length, size) as the queries weigh them."""
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)


class FeedForward(nn.Module):
    """SwiGLU (Shazeer 2020): silu(x W) * (x V), projected back."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 2 * inner, bias=False)
        self.out = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.out(functional.silu(gate) * value)


class Block(nn.Module):
    """Attention, then a feed-forward or a mixture of them, each on a norm of the residual stream."""

    def __init__(self, parts: Parts, layer: int) -> None:
        super().__init__()
        self.norm_attention = parts.norm(layer)
        self.attention = parts.attention(layer)
        self.norm_feed_forward = parts.norm(layer)
        self.feed_forward = parts.mixture(layer)

    def forward(self, x: Tensor, rotation: Rotation) -> Tensor:
        x = x + self.attention(self.norm_attention(x), rotation)
        return x + self.feed_forward(self.norm_feed_forward(x))


class Body(nn.Module):
    """The blocks one after the other. It is given them and owns none, so that weights have one name each."""

    def forward(self, x: Tensor, rotation: Rotation, blocks: nn.ModuleList) -> Tensor:
        return through(blocks, x, rotation)


class Ends(nn.Module):
    """What is done to the residual stream before the body and behind the last norm: nothing."""

    def split(self, x: Tensor) -> Tensor:
        return x

    def join(self, x: Tensor) -> Tensor:
        return x


class Parts:
    """What a model is made of. A mechanism is a subclass that makes some part otherwise (see `mechanisms`).

    One object makes the parts of one model; what the parts share lives on it. `auxiliary` is where they put terms of
    the loss, one a call.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.auxiliary = Auxiliary()

    def attention(self, layer: int) -> nn.Module:
        """(batch, length, width) and a rotation in, the same out; no position may see a later one."""
        return Attention(self.shape)

    def feed_forward(self, inner: int) -> nn.Module:
        """(..., width) in and out, `inner` wide; also what experts are made of."""
        return FeedForward(self.shape.width, inner)

    def mixture(self, layer: int) -> nn.Module:
        """What stands for the feed-forward in a layer."""
        return self.feed_forward(self.shape.ffn)

    def norm(self, layer: int) -> nn.Module:
        """One of the norms of a layer, counted from 0; the last norm of the model is none of them."""
        return nn.RMSNorm(self.shape.width)

    def body(self) -> nn.Module:
        """The order in which the blocks are gone through."""
        return Body()

    def ends(self) -> Ends:
        return Ends()


class Auxiliary(list[Tensor]):
    """Terms of the loss of the last pass; a copy of a model starts without any."""

    def __reduce__(self) -> tuple[type[Auxiliary], tuple[()]]:
        return Auxiliary, ()


class Transformer(nn.Module):
    """Token ids (batch, length) in, logits (batch, length, vocab) out.

    By default the plain one; `lab.models.build` gives it the parts of the mechanisms that a shape names. Its passes
    have no control flow that depends on data where its parts have none, so that `torch.func` may stack many models; on a
    CPU do so under `sdpa_kernel(SDPBackend.MATH)`, for its fused attention has no batched form and is run in a loop.

    Errors: `Refused` for a shape that is not gated, tied and multi-head, and for one that asks for more when no parts
    are given.
    """

    def __init__(self, shape: Shape, context: int, parts: Parts | None = None) -> None:
        super().__init__()
        if not (shape.gated and shape.tied and shape.key_value_heads == shape.heads):
            raise Refused("not-built", "the lab's models are gated, tied and multi-head; this shape is not", "the shape",
                          f"give gated=true tied=true kv_heads={shape.heads}")  # fmt: skip
        if parts is None and (asked := asked_beyond(shape, PLAIN_FIELDS)):
            raise Refused("not-built", f"the plain transformer has no {', '.join(asked)}", "the shape",
                          "build it with lab.models.build")  # fmt: skip
        parts = Parts(shape) if parts is None else parts
        self.embedding = nn.Embedding(shape.vocab, shape.width)
        self.blocks = nn.ModuleList(Block(parts, layer) for layer in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width)
        self.body, self.ends = parts.body(), parts.ends()
        self._auxiliary = parts.auxiliary
        cosine, sine = rotations(context, shape.head_size)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        self._initialise(shape.depth)

    def _initialise(self, depth: float) -> None:
        """Draw all matrices; `depth` counts loops, for each adds to the residual stream again."""
        for name, module in self.named_modules():
            std = INIT_STD / (2 * depth) ** 0.5 if name.endswith("out") else INIT_STD
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=std)
            elif isinstance(module, Drawn):
                module.draw(std)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        rotation = (self.get_buffer("cosine")[:length], self.get_buffer("sine")[:length])
        self._auxiliary.clear()
        x = self.body(self.ends.split(self.embedding(tokens)), rotation, self.blocks)
        return functional.linear(self.ends.join(self.norm(x)), self.embedding.weight)

    def auxiliary_loss(self) -> Tensor | None:
        """What the last pass adds to the loss in training, weighted; `None` where there is nothing to add."""
        return torch.stack(list(self._auxiliary)).sum() if self._auxiliary else None


class Drawn(nn.Module):
    """A part that draws its own weights, as one matrix of entries with this deviation would be."""

    def draw(self, std: float) -> None:
        raise NotImplementedError


def asked_beyond(shape: Shape, known: frozenset[str]) -> list[str]:
    """The fields that a shape sets and that are not among the known ones."""
    return [name for name in shape.as_json() if name not in known]


def through(blocks: Iterable[nn.Module], x: Tensor, rotation: Rotation) -> Tensor:
    for block in blocks:
        x = block(x, rotation)
    return x


def rotations(context: int, head_size: int) -> Rotation:
    """Cosines and sines (context, head_size / 2) of rotary positions (Su et al. 2021, base 10000)."""
    frequency = 10000.0 ** (-torch.arange(0, head_size, 2) / head_size)
    angle = torch.outer(torch.arange(context), frequency)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Rotate the two halves of the last axis of `x` (..., length, head_size) by position."""
    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)
