"""FLOPs of a shape by component: a pass over new tokens behind cached ones, and training.

What is not counted, here or by torch's counter: softmax, norms, activations, rotary rotations, the choice of experts
and the optimiser (elementwise work, under 1% of the multiply-adds at any width above 64).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from allometry.costs._checks import check_positive
from allometry.costs.shapes import (
    STREAM_PREFIX,
    Shape,
    attention_parameters,
    feed_forward_parameters,
    injection_matrix,
)

FLOPS_PER_MULTIPLY_ADD = 2
# A backward pass computes two products (by input, by weight) for each forward one: Kaplan et al. 2020, sec. 2.1.
TRAINING_PASSES = 3


@dataclass(frozen=True)
class Flops:
    """FLOPs by component: `attention` are the projections, `scores` the products with keys and with values."""

    attention: float
    scores: float
    feed_forward: float
    router: float
    head: float
    streams: float = 0.0
    injection: float = 0.0

    @property
    def total(self) -> float:
        return float(sum(vars(self).values()))


@lru_cache(maxsize=256)  # a search asks for the same few passes many times
def forward_flops(
    shape: Shape,
    tokens: float,
    cached: float = 0,
    *,
    logits: float | None = None,
    causal: bool = True,
    budget: float | None = None,
) -> Flops:
    """FLOPs of one forward pass over `tokens` new tokens of one sequence that has `cached` tokens in its cache.

    Use it for prefill (`cached=0`), for a step of decoding (`tokens=1`), for a whole generation behind a prompt, and
    times `TRAINING_PASSES` for training. A product with a sparse or structured matrix counts its entries only.

    Arguments: `logits` is the number of positions whose head is computed (by default all `tokens`); with `causal`
    position t attends to the t positions up to itself, without it every new position attends to all, which is what
    back ends that multiply the whole square do; `budget` is the most positions that sparse attention leaves to each.
    Errors: `Refused` for numbers below zero.

    >>> shape = Shape(layers=1, width=32, heads=2, head_size=16, ffn=128, vocab=256)
    >>> forward_flops(shape, 4).total == sum(forward_flops(shape, 1, cached).total for cached in range(4))
    True
    """
    for name, value in (("tokens", tokens), ("cached", cached), ("logits", logits or 0)):
        check_positive(name, value, "the pass", zero=True)
    once = FLOPS_PER_MULTIPLY_ADD * shape.streams * tokens
    dense = shape.layers - shape.expert_layers
    rounds = shape.depth / shape.layers
    expert = (shape.active_experts + shape.shared_experts) * feed_forward_parameters(shape, shape.expert_ffn)
    return Flops(
        attention=once * shape.depth * attention_parameters(shape),
        scores=FLOPS_PER_MULTIPLY_ADD * shape.streams * _score_products(shape, tokens, cached, causal, budget),
        feed_forward=once * rounds * (dense * feed_forward_parameters(shape, shape.ffn) + shape.expert_layers * expert),
        router=once * (rounds * shape.expert_layers * shape.experts + _depth_router(shape)) * shape.width,
        head=FLOPS_PER_MULTIPLY_ADD * (tokens if logits is None else logits) * shape.vocab * shape.width,
        streams=FLOPS_PER_MULTIPLY_ADD * tokens * _mixer(shape),
        injection=once * injection_matrix(shape),
    )


def forward_flops_per_token(shape: Shape, context: float) -> float:
    """Mean forward FLOPs per token of a causal pass over `context` tokens, attention included.

    Weights cost a multiply-add each (the head too, tied or not; the embedding is a look-up).
    """
    return forward_flops(shape, context).total / context


def training_flops(shape: Shape, tokens: float, context: float) -> float:
    """FLOPs to train on `tokens` tokens in windows of `context`, attention included."""
    return TRAINING_PASSES * forward_flops_per_token(shape, context) * tokens


def attended(tokens: float, cached: float = 0, window: float | None = None) -> float:
    """Pairs of a new position and a position it attends to, itself among them; at most `window` for each.

    >>> attended(3), attended(1, cached=9), attended(5, window=2)
    (6.0, 10.0, 9.0)
    """
    if window is None or cached + tokens <= window:
        return tokens * cached + tokens * (tokens + 1) / 2
    growing = max(0.0, window - cached)
    return growing * cached + growing * (growing + 1) / 2 + (tokens - growing) * window


def attended_in(shape: Shape, tokens: float, cached: float = 0, budget: float | None = None) -> float:
    """Pairs of a new position and one that it attends to, the mean over the layers of one stream.

    Windows are those of the shape; `budget` is the most that sparse attention leaves to a position. The learned
    prefixes of streams are attended to by all.
    """
    ends = [end for end in (shape.window, budget) if end is not None]
    share = shape.window_layers / shape.layers
    prefix = tokens * STREAM_PREFIX if shape.streams > 1 else 0
    near = attended(tokens, cached, min(ends)) if shape.window_layers else 0.0
    return (1 - share) * attended(tokens, cached, budget) + share * near + prefix


def attention_rounds(shape: Shape) -> float:
    """Layers in which a pair of tokens meets on average, loops counted.

    A token that has left the loops is neither asked nor attended to, so a round counts by its share squared.
    """
    return shape.layers - shape.loop_layers + shape.loop_layers * sum(part**2 for part in shape.loop_shares)


def decoding_scores(shape: Shape, tokens: float, cached: float = 0, budget: float | None = None) -> float:
    """FLOPs of attention while `tokens` tokens are decoded behind `cached` ones, each in a pass of its own.

    The same as those of one pass over them, but for latent attention, whose keys no step makes again.
    """
    each = shape.query_size + shape.values if shape.latent is None else 2 * shape.latent + shape.rope_size
    pairs = attention_rounds(shape) * attended_in(shape, tokens, cached, budget)
    return FLOPS_PER_MULTIPLY_ADD * shape.streams * shape.heads * each * pairs


def _score_products(shape: Shape, tokens: float, cached: float, causal: bool, budget: float | None) -> float:
    """Multiply-adds of scores and of mixing values, over all layers and loops of one stream."""
    prefix = tokens * STREAM_PREFIX if shape.streams > 1 else 0
    pairs = attended_in(shape, tokens, cached, budget) if causal else tokens * (tokens + cached) + prefix
    return attention_rounds(shape) * shape.heads * _pair_products(shape, pairs, cached)


def _pair_products(shape: Shape, pairs: float, cached: float) -> float:
    """Multiply-adds of one head and layer over pairs of positions.

    Cached latents are either made into keys and values again, or queries are taken to their space and back, which
    costs more for each pair (arXiv 2405.04434, section 2.1.2): whatever is less.
    """
    plain = pairs * (shape.query_size + shape.values)
    if shape.latent is None:
        return plain
    again = cached * shape.latent * (shape.head_size + shape.values)
    return min(plain + again, pairs * (2 * shape.latent + shape.rope_size))


def _depth_router(shape: Shape) -> float:
    return sum(shape.loop_shares) if shape.recursive else 0.0


def _mixer(shape: Shape) -> float:
    return 0.0 if shape.streams == 1 else shape.streams * shape.width * (shape.width + 1)
