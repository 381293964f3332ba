"""Parameters and FLOPs of shapes with mechanisms, against small models of them written here in torch."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402

from allometry.costs import Shape, forward_flops  # noqa: E402
from allometry.costs.flops import TRAINING_PASSES  # noqa: E402
from allometry.costs.shapes import STREAM_PREFIX  # noqa: E402

pytestmark = pytest.mark.lab
PLAIN = {"layers": 4, "width": 32, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn": 96, "vocab": 64}
TOKENS = 24


class LowRank(nn.Module):
    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.v, self.u = nn.Linear(inputs, rank, bias=False), nn.Linear(rank, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.u(self.v(x))


class Blocks(nn.Module):
    """A block-diagonal matrix: each block of the input gives a block of the output."""

    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(blocks, inputs // blocks, outputs // blocks))

    def forward(self, x: Tensor) -> Tensor:
        parts = x.reshape(-1, len(self.weight), self.weight.shape[1]).transpose(0, 1)
        return torch.bmm(parts, self.weight).transpose(0, 1).reshape(*x.shape[:-1], -1)


class BlockShuffle(nn.Module):
    def __init__(self, inputs: int, outputs: int, blocks: int) -> None:
        super().__init__()
        inner, self.blocks = min(inputs, outputs), blocks
        self.v, self.u = Blocks(inputs, inner, blocks), Blocks(inner, outputs, blocks)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.v(x)
        return self.u(mixed.reshape(*x.shape[:-1], self.blocks, -1).transpose(-1, -2).reshape(mixed.shape))


class BlockDense(nn.Module):
    def __init__(self, inputs: int, outputs: int, rank: int, blocks: int) -> None:
        super().__init__()
        self.v, self.u = Blocks(inputs, rank, blocks), nn.Linear(rank, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.u(self.v(x))


def matrix(shape: Shape, inputs: int, outputs: int) -> nn.Module:
    if shape.structure == "low-rank":
        return LowRank(inputs, outputs, shape.rank)
    if shape.structure == "block-shuffle":
        return BlockShuffle(inputs, outputs, shape.blocks)
    if shape.structure == "block-dense":
        return BlockDense(inputs, outputs, shape.rank, shape.blocks)
    return nn.Linear(inputs, outputs, bias=False)


class FeedForward(nn.Module):
    def __init__(self, shape: Shape, inner: int) -> None:
        super().__init__()
        self.gate, self.up = matrix(shape, shape.width, inner), matrix(shape, shape.width, inner)
        self.down = matrix(shape, inner, shape.width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Mixture(nn.Module):
    """Token choice among experts, and experts that all tokens use."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.router, self.active = nn.Linear(shape.width, shape.experts, bias=False), shape.active_experts
        self.experts = nn.ModuleList(FeedForward(shape, shape.expert_ffn) for _ in range(shape.experts))
        self.shared = nn.ModuleList(FeedForward(shape, shape.expert_ffn) for _ in range(shape.shared_experts))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        weights, chosen = self.router(flat).softmax(-1).topk(self.active, dim=-1)
        out = sum((shared(flat) for shared in self.shared), torch.zeros_like(flat))
        for i, expert in enumerate(self.experts):
            token, slot = torch.where(chosen == i)
            out = out.index_add(0, token, expert(flat[token]) * weights[token, slot, None])
        return out.view_as(x)


class Layer(nn.Module):
    def __init__(self, shape: Shape, dense: bool) -> None:
        super().__init__()
        self.shape = shape
        inner, cached = shape.heads * shape.head_size, shape.key_value_heads * shape.head_size
        self.q, self.k = nn.Linear(shape.width, inner, bias=False), nn.Linear(shape.width, cached, bias=False)
        self.v, self.o = nn.Linear(shape.width, cached, bias=False), nn.Linear(inner, shape.width, bias=False)
        self.norms = nn.ModuleList(nn.RMSNorm(shape.width) for _ in range(2))
        self.feed_forward = FeedForward(shape, shape.ffn) if dense else Mixture(shape)
        prefix = (shape.streams, shape.key_value_heads, STREAM_PREFIX, shape.head_size)
        self.prefix = nn.ParameterList(torch.randn(prefix) for _ in range(2)) if shape.streams > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        y, size = self.norms[0](x), self.shape.head_size
        q, k, v = (m(y).view(batch, length, -1, size).transpose(1, 2) for m in (self.q, self.k, self.v))
        if self.prefix is not None:
            k, v = (torch.cat((own, part), 2) for own, part in zip(self.prefix, (k, v), strict=True))
        seen = torch.ones(length, k.shape[2], dtype=torch.bool).tril(k.shape[2] - length)
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(batch, length, -1))
        return x + self.feed_forward(self.norms[1](x))


class Model(nn.Module):
    """A decoder whose last layers may be looped and whose copies of the input may run side by side."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding, self.norm = nn.Embedding(shape.vocab, shape.width), nn.RMSNorm(shape.width)
        dense = shape.dense_layers if shape.experts else shape.layers
        self.layers = nn.ModuleList(Layer(shape, i < dense) for i in range(shape.layers))
        if shape.streams > 1:
            self.mixer = nn.Sequential(nn.Linear(shape.streams * shape.width, shape.width), nn.SiLU(),
                                       nn.Linear(shape.width, shape.streams))  # fmt: skip

    def forward(self, tokens: Tensor) -> Tensor:
        shape = self.shape
        x = self.embedding(tokens).repeat(shape.streams, 1, 1)
        first = len(self.layers) - shape.loop_layers
        for layer in [*self.layers[:first], *(list(self.layers[first:]) * shape.loops)]:
            x = layer(x)
        x = self.norm(x)
        if shape.streams > 1:
            weights = self.mixer(torch.cat(tuple(x), dim=-1)).softmax(-1)
            x = (weights.T[:, :, None] * x).sum(0, keepdim=True)
        return functional.linear(x, self.embedding.weight)


MECHANISMS = {
    "plain": {},
    "loops": {"loops": 3},
    "loops of some layers": {"loops": 2, "looped_layers": 2},
    "streams": {"streams": 4},
    "experts": {"experts": 8, "active_experts": 2},
    "fine experts": {"experts": 12, "active_experts": 3, "shared_experts": 1, "granularity": 4, "dense_layers": 1},
    "low-rank": {"structure": "low-rank", "rank": 16},
    "block-shuffle": {"structure": "block-shuffle", "blocks": 4},
    "block-dense": {"structure": "block-dense", "rank": 16, "blocks": 2},
    "experts in loops and streams": {"experts": 4, "active_experts": 2, "loops": 2, "streams": 2},
}  # fmt: skip


@pytest.mark.parametrize("name", MECHANISMS)
def test_counts_equal_torchs(name: str) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    shape = Shape(**{**PLAIN, **MECHANISMS[name]})
    model = Model(shape)
    assert shape.parameters().total == sum(p.numel() for p in model.parameters())
    tokens = torch.randint(0, shape.vocab, (1, TOKENS))
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as forward:
        loss = model(tokens).logsumexp(-1).sum()
    square = forward_flops(shape, TOKENS, causal=False).total
    assert forward.get_total_flops() == pytest.approx(square, rel=1e-3)
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    assert backward.get_total_flops() == pytest.approx((TRAINING_PASSES - 1) * square, rel=1e-3)


@pytest.mark.parametrize("name", MECHANISMS)
def test_each_mechanism_at_one_is_the_plain_model(name: str) -> None:
    at_one = {key: 1 for key in MECHANISMS[name] if key in ("loops", "streams", "blocks", "granularity")}
    shape = Shape(**{**PLAIN, **at_one})
    assert shape.parameters() == Shape(**PLAIN).parameters()
    assert forward_flops(shape, TOKENS) == forward_flops(Shape(**PLAIN), TOKENS)
