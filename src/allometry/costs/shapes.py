"""Model shapes, and the one counter of parameters and FLOPs of the whole project.

A shape is a flat value object; everything here is a pure function from a shape to numbers.
Counts are exact integers by component, so that every counting convention (with or without
embeddings and head) is a sum over named parts and never a rule of thumb.

What is not counted: softmax, norms, activations, rotary rotations and the optimiser
(elementwise work, under 1% of the multiply-adds at any width above 64).
"""

from __future__ import annotations

from dataclasses import dataclass

FLOPS_PER_MULTIPLY_ADD = 2
# A backward pass computes two products (by input, by weight) for each forward one: Kaplan et al. 2020, sec. 2.1.
TRAINING_PASSES = 3


@dataclass(frozen=True)
class Shape:
    """A dense decoder-only transformer without biases, with RMS norms and rotary positions.

    Arguments are counts: `layers`, `width` (model width), `heads`, `head_size`, `ffn`
    (feed-forward width), `vocab`; `kv_heads` defaults to `heads`; `gated` says whether the
    feed-forward has a gate (three matrices, not two); `tied` whether the head is the embedding.

    >>> Shape(layers=1, width=32, heads=2, head_size=16, ffn=128, vocab=256).parameters().total
    24672
    """

    layers: int
    width: int
    heads: int
    head_size: int
    ffn: int
    vocab: int
    kv_heads: int | None = None
    gated: bool = True
    tied: bool = True

    def __post_init__(self) -> None:
        for name in ("layers", "width", "heads", "head_size", "ffn", "vocab"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
        if self.heads % self.key_value_heads:
            raise ValueError(f"heads ({self.heads}) must be a multiple of kv_heads ({self.kv_heads})")

    @property
    def key_value_heads(self) -> int:
        return self.heads if self.kv_heads is None else self.kv_heads

    def parameters(self) -> Parameters:
        """Exact parameter count by component."""
        query = self.width * self.heads * self.head_size
        key_value = self.width * self.key_value_heads * self.head_size
        matrices = 3 if self.gated else 2
        return Parameters(
            embedding=self.vocab * self.width,
            head=0 if self.tied else self.vocab * self.width,
            attention=self.layers * 2 * (query + key_value),
            feed_forward=self.layers * matrices * self.width * self.ffn,
            norms=(2 * self.layers + 1) * self.width,
        )


@dataclass(frozen=True)
class Parameters:
    """Parameters of a shape by component; the counting conventions are sums of these."""

    embedding: int
    head: int
    attention: int
    feed_forward: int
    norms: int

    @property
    def total(self) -> int:
        return self.embedding + self.head + self.attention + self.feed_forward + self.norms

    @property
    def non_embedding(self) -> int:
        """Without the embedding and without the head (Kaplan et al. 2020)."""
        return self.attention + self.feed_forward + self.norms


def forward_flops_per_token(shape: Shape, context: int) -> float:
    """Mean forward FLOPs per token of a causal pass over `context` tokens, attention included.

    Weights cost a multiply-add each (the head too, tied or not; the embedding is a look-up).
    Attention: position t attends to t positions, so scores and mixing cost
    2 x heads x head_size x (context + 1) / 2 multiply-adds per layer and token on average.
    """
    parts = shape.parameters()
    matrices = parts.attention + parts.feed_forward + shape.vocab * shape.width
    attended = shape.layers * 2 * shape.heads * shape.head_size * (context + 1) / 2
    return FLOPS_PER_MULTIPLY_ADD * (matrices + attended)


def training_flops(shape: Shape, tokens: float, context: int) -> float:
    """FLOPs to train on `tokens` tokens in windows of `context`, attention included."""
    return TRAINING_PASSES * forward_flops_per_token(shape, context) * tokens
