"""Kinetics' eFLOPs: what decoding costs in FLOPs when memory traffic is exchanged for them.

A convention of its own, apart from the exact counts: every parameter counts (the embedding too), sums over steps are
taken as integrals, the prompt's pass and the reading of weights are left out, the last because a batch shares it.
"""

from __future__ import annotations

from dataclasses import dataclass

from allometry.costs._checks import check_positive
from allometry.costs.attention import Attention
from allometry.costs.flops import FLOPS_PER_MULTIPLY_ADD
from allometry.costs.formats import FULL, Format
from allometry.costs.shapes import Shape

DENSE = Attention()


@dataclass(frozen=True)
class Eflops:
    """FLOPs and bytes of cache traffic of one request, and `intensity`, the FLOPs that a byte is exchanged for."""

    compute_flops: float
    memory_bytes: float
    intensity: float

    @property
    def memory_eflops(self) -> float:
        return self.intensity * self.memory_bytes

    @property
    def total(self) -> float:
        return self.compute_flops + self.memory_eflops


def eflops(
    shape: Shape, *, prompt: float, generated: float, samples: float = 1, intensity: float,
    attention: Attention = DENSE, cache: Format = FULL,
) -> Eflops:  # fmt: skip
    """eFLOPs of `samples` generations of `generated` tokens each behind one prompt.

    Use it to compare models and sparse attention as the Kinetics paper does; for times and money use `request_cost`.
    Arguments: `intensity` is FLOP per byte, 562.5 in the paper's code, `hardware.intensity()` for a device of yours;
    `cache` is the format of keys and values. Mixtures count the parameters that a token uses. Samples share the
    prompt's keys and values under dense attention, and not under sparse attention.
    Errors: `Refused` for negative numbers.
    Source: Sadhukhan et al. 2025, arXiv 2506.05333, eqs. 1 to 4. The released code adds (b - p)^2/2 for top-k where the
    sum over steps needs it subtracted; here it is subtracted.

    >>> from allometry.costs.finding import find_shape
    >>> found = eflops(find_shape("qwen3-8b"), prompt=128, generated=10_000, intensity=562.5)
    >>> round(found.memory_eflops / 1e12, 2)
    4253.37
    """
    for name, value in (("prompt", prompt), ("generated", generated), ("samples", samples)):
        check_positive(name, value, "the request", zero=True)
    check_positive("intensity", intensity, "the exchange")
    heads, kept = shape.heads * shape.head_size * shape.depth, shape.cache_width * shape.depth
    parameters = FLOPS_PER_MULTIPLY_ADD * shape.parameters().active * generated
    # a pair of tokens costs a product of queries and keys and one of scores and values
    per_pair = 2 * FLOPS_PER_MULTIPLY_ADD * heads
    if attention.kind == "dense":
        pairs = (2 * prompt + generated) * generated / 2
        read = (2 * prompt + samples * generated) * generated / 2
        compute = samples * (parameters + per_pair * pairs)
        return Eflops(compute, cache.bytes_each * kept * read, intensity)
    pairs = _sparse_pairs(prompt, generated, attention.budget or 0)
    compute, entries = samples * (parameters + per_pair * pairs), samples * kept * pairs
    if attention.block:
        # block means are keys alone, so half the work and half the bytes of a pair; whole blocks only, as in the code
        compute += samples * ((2 * prompt + generated) // attention.block) * generated * heads
        entries += ((2 * prompt + samples * generated) // attention.block) * generated * kept / 4
    return Eflops(compute, cache.bytes_each * entries, intensity)


def _sparse_pairs(prompt: float, generated: float, budget: float) -> float:
    """Tokens attended to over all steps: prompt + t of them until the budget is reached, then the budget.

    b g - (b - p)^2/2 where the generation passes the budget.
    """
    growing = min(generated, max(0.0, budget - prompt))
    full = generated - growing
    return growing * min(prompt, budget) + growing**2 / 2 + full * budget
