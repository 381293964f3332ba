"""eFLOPs against the figures of the Kinetics paper and against sums over single steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.costs import Attention, Format, attended, eflops, find_shape
from allometry.notices import Refused

QWEN = find_shape("qwen3-8b")
INTENSITY = 562.5  # of the paper's code, FLOP per byte
PAPER_PARAMETERS = 8.19e9  # the paper rounds; the weights hold 8,190,735,360


@pytest.mark.parametrize(("samples", "compute", "memory"), [(1, 194.05, 4253.37), (32, 6209.48, 132816.57)])
def test_the_papers_figures(samples: int, compute: float, memory: float) -> None:
    found = eflops(QWEN, prompt=128, generated=10_000, samples=samples, intensity=INTENSITY)
    rounded = 2 * (QWEN.parameters().total - PAPER_PARAMETERS) * 10_000 * samples
    assert (found.compute_flops - rounded) / 1e12 == pytest.approx(compute, abs=0.005)
    assert found.compute_flops / 1e12 == pytest.approx(compute, rel=1e-4)
    assert found.memory_eflops / 1e12 == pytest.approx(memory, abs=0.005)
    assert found.total == found.compute_flops + INTENSITY * found.memory_bytes


def pairs(prompt: int, generated: int, budget: int) -> float:
    """Pairs of the sparse sums, from the bytes: 2 bytes of a key and a value of every layer and head."""
    found = eflops(QWEN, prompt=prompt, generated=generated, intensity=1, attention=Attention("topk", budget))
    return found.memory_bytes / (2 * 2 * 8 * 128 * 36)


def test_sparse_sums_subtract_where_the_released_code_adds() -> None:
    brute = sum(min(1024, 128 + step) for step in range(4096))
    assert brute == 3_792_448
    assert pairs(128, 4096, 1024) == 3_792_896  # the minus form; the code's plus form gives 4,595,712
    assert attended(4096, 127, window=1024) == brute  # the exact counts: a token is attended to once it is there


@given(prompt=st.integers(0, 3000), generated=st.integers(1, 3000), budget=st.integers(1, 3000))
def test_sparse_sums_are_brute_force_up_to_the_ends_of_steps(prompt: int, generated: int, budget: int) -> None:
    lower = sum(min(budget, prompt + step) for step in range(generated))
    upper = sum(min(budget, prompt + step + 1) for step in range(generated))
    assert lower <= pairs(prompt, generated, budget) <= upper
    assert attended(generated, prompt, window=budget) == upper


def test_a_budget_that_is_never_reached_is_dense_attention() -> None:
    dense = eflops(QWEN, prompt=100, generated=200, intensity=1)
    sparse = eflops(QWEN, prompt=100, generated=200, intensity=1, attention=Attention("topk", 300))
    assert (sparse.compute_flops, sparse.memory_bytes) == (dense.compute_flops, dense.memory_bytes)


def test_block_search_reads_a_key_a_block() -> None:
    ask = {"prompt": 512, "generated": 2048, "samples": 4, "intensity": 1.0}
    blocks = eflops(QWEN, **ask, attention=Attention("blocktopk", 1024, 16))
    plain = eflops(QWEN, **ask, attention=Attention("topk", 1024))
    heads, kv = 32 * 128 * 36, 8 * 128 * 36
    assert blocks.compute_flops - plain.compute_flops == 4 * ((1024 + 2048) // 16) * 2048 * heads
    assert blocks.memory_bytes - plain.memory_bytes == pytest.approx(((1024 + 4 * 2048) // 16) * 2048 * kv)


def test_a_mixture_counts_what_a_token_uses_and_a_cache_its_bits() -> None:
    mixture = find_shape("qwen3-30b-a3b")
    found = eflops(mixture, prompt=1, generated=1, intensity=1)
    assert found.compute_flops == pytest.approx(2 * mixture.parameters().active, rel=1e-3)
    halved = eflops(mixture, prompt=1, generated=1, intensity=1, cache=Format(8))
    assert halved.memory_bytes == found.memory_bytes / 2


@pytest.mark.parametrize("wrong", [{"prompt": -1}, {"generated": -1}, {"samples": -1}, {"intensity": 0.0}])
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(Refused, match="must be"):
        eflops(QWEN, **{"prompt": 1, "generated": 1, "intensity": 1.0, **wrong})
