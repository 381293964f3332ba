"""Keys and values that a shape keeps while it generates, and how often it reads them."""

from __future__ import annotations

from allometry.costs._checks import check_positive
from allometry.costs.flops import attended_in, attention_rounds
from allometry.costs.shapes import Shape


def cache_entries(shape: Shape, tokens: float) -> float:
    """Numbers kept for one sequence of `tokens` tokens: keys and values, or latents, of every layer, loop and stream.

    Use it times the bytes of an entry for memory, and for what one decoding step reads. Layers with a window keep at
    most a window; in a recursive shape only the tokens that take part in a loop leave entries there.

    >>> from allometry.costs.finding import find_shape
    >>> cache_entries(find_shape("qwen3-8b"), 1) == 36 * 2 * 8 * 128
    True
    """
    check_positive("tokens", tokens, "the cache", zero=True)
    near = tokens if shape.window is None else min(tokens, shape.window)
    share = shape.window_layers / shape.layers
    per_layer = shape.cache_width * ((1 - share) * tokens + share * near)
    return shape.streams * shape.depth * per_layer


def cache_reads(shape: Shape, tokens: float, cached: float = 0, budget: float | None = None) -> float:
    """Numbers read from the cache of one sequence while `tokens` tokens are decoded behind `cached` ones.

    Each token reads the keys and values of all that it attends to, its own among them; `budget` is the most that
    sparse attention leaves to it. A sum over single tokens gives the same.

    >>> from allometry.costs.finding import find_shape
    >>> shape = find_shape("qwen3-8b")
    >>> cache_reads(shape, 3, 5) == cache_entries(shape, 6) + cache_entries(shape, 7) + cache_entries(shape, 8)
    True
    """
    check_positive("tokens", tokens, "the cache", zero=True)
    check_positive("cached", cached, "the cache", zero=True)
    return shape.streams * attention_rounds(shape) * shape.cache_width * attended_in(shape, tokens, cached, budget)
