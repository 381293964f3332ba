"""FLOPs and caches: sums over steps equal one pass, and each mechanism changes what it should."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import Shape, attended, cache_entries, find_shape, forward_flops, training_flops
from allometry.notices import Refused

PLAIN = {"layers": 6, "width": 64, "heads": 4, "head_size": 16, "ffn": 160, "vocab": 96}


@given(st.integers(1, 40), st.integers(0, 40), st.one_of(st.none(), st.integers(1, 50)))
def test_attended_pairs_equal_counting_them(tokens: int, cached: int, window: int | None) -> None:
    counted = sum(min(cached + t, window or cached + t) for t in range(1, tokens + 1))
    assert attended(tokens, cached, window) == counted


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 24), st.integers(0, 24), st.sampled_from([1, 2, 3]), st.sampled_from([1, 4]), st.sampled_from([0, 8]),
    st.booleans(), st.one_of(st.none(), st.integers(1, 12)),
)  # fmt: skip
def test_steps_of_decoding_sum_to_one_pass(
    tokens: int, cached: int, loops: int, streams: int, experts: int, recursive: bool, window: int | None
) -> None:
    mechanisms = {"loops": loops, "streams": streams, "experts": experts, "active_experts": min(experts, 2),
                  "recursive": recursive, "window": window, "window_layers": 3 if window else 0}  # fmt: skip
    shape = Shape(**{**PLAIN, **mechanisms})  # type: ignore[arg-type]
    whole = forward_flops(shape, tokens, cached)
    steps = [forward_flops(shape, 1, cached + i) for i in range(tokens)]
    for part in vars(whole):
        assert getattr(whole, part) == pytest.approx(sum(getattr(step, part) for step in steps))


def test_training_is_three_passes_and_the_rule_is_near() -> None:
    shape = find_shape("llama-3-8b")
    exact = training_flops(shape, 1e12, 8192)
    assert exact == pytest.approx(3 * 1e12 / 8192 * forward_flops(shape, 8192).total)
    assert 0.95 < exact / (6 * shape.parameters().total * 1e12) < 1.1


def test_a_trillion_parameters_on_twenty_trillion_tokens() -> None:
    # 120 million exaFLOPs: Dash et al. 2023, arXiv 2312.12705, abstract; their rule leaves out attention
    shape = Shape(layers=128, width=25600, heads=160, head_size=160, ffn=4 * 25600, vocab=51200, gated=False)
    assert training_flops(shape, 20e12, 2048) == pytest.approx(120e6 * 1e18, rel=0.03)


def test_loops_cost_compute_and_cache_but_no_parameters() -> None:
    plain, looped = Shape(**PLAIN), Shape(**{**PLAIN, "loops": 3, "looped_layers": 4})
    assert looped.parameters() == plain.parameters()
    assert looped.depth == 2 + 4 * 3
    assert cache_entries(looped, 10) / cache_entries(plain, 10) == pytest.approx(looped.depth / 6)
    assert forward_flops(looped, 10).head == forward_flops(plain, 10).head


@pytest.mark.parametrize("rounds", [2, 3, 4])
def test_recursion_costs_what_the_source_says(rounds: int) -> None:
    """Bae et al. 2025, arXiv 2507.10524, table of memory, traffic and attention FLOPs for recursion-wise caching."""
    looped = Shape(**{**PLAIN, "loops": rounds})
    routed = Shape(**{**PLAIN, "loops": rounds, "recursive": True})
    assert cache_entries(routed, 9) / cache_entries(looped, 9) == pytest.approx((rounds + 1) / (2 * rounds))
    squares = sum((k / rounds) ** 2 for k in range(1, rounds + 1))
    assert forward_flops(routed, 9).scores / forward_flops(looped, 9).scores == pytest.approx(squares / rounds)
    assert routed.parameters().total - looped.parameters().total == rounds * 64


def test_windows_bound_the_cache() -> None:
    shape = find_shape("mistral-7b")
    assert cache_entries(shape, 4096) == cache_entries(shape, 100_000)
    assert cache_entries(find_shape("gemma-2-9b"), 100_000) < 0.6 * cache_entries(
        find_shape("gemma-2-9b window_layers=0"), 1e5
    )


def test_latents_are_what_is_cached() -> None:
    """DeepSeek-V3: 512 + 64 numbers a token and layer; 37 B of 671 B parameters active (arXiv 2412.19437, abstract)."""
    shape = find_shape("deepseek-v3")
    assert cache_entries(shape, 1) == 61 * (512 + 64)
    assert (round(shape.parameters().total / 1e9), int(shape.parameters().active / 1e9)) == (671, 37)
    prefill, step = forward_flops(shape, 1000), forward_flops(shape, 1, 10_000)
    assert prefill.scores == 2 * 61 * 128 * (192 + 128) * attended(1000)
    assert step.scores == 2 * 61 * 128 * (2 * 512 + 64) * attended(1, 10_000)  # nothing is made again for one token


def test_structure_cuts_the_feed_forward_alone() -> None:
    plain, cut = Shape(**PLAIN), Shape(**{**PLAIN, "structure": "low-rank", "rank": 16})
    share = 16 * (64 + 160) / (64 * 160)
    assert cut.parameters().feed_forward == pytest.approx(share * plain.parameters().feed_forward)
    assert forward_flops(cut, 7).feed_forward == pytest.approx(share * forward_flops(plain, 7).feed_forward)
    assert forward_flops(cut, 7).attention == forward_flops(plain, 7).attention


@pytest.mark.published
def test_streams_add_the_published_parameters(published: Callable[[str], Path]) -> None:
    """All 24 counts of the ParScale ladder; its shapes are Qwen2.5-3B's with other widths."""
    ffn = {896: 4864, 1024: 5504, 1280: 6912, 1536: 8320, 2048: 11008, 2560: 13824}
    counted = {
        (shape.parameters().non_embedding, streams)
        for width, inner in ffn.items()
        for streams in (1, 2, 4, 8)
        for shape in [
            find_shape(f"layers=36 width={width} heads=16 kv_heads=2 ffn={inner} vocab=1 biases=qkv streams={streams}")
        ]
    }
    with published("parscale.csv").open() as file:
        table = {(int(row["params_non_embedding"]), int(row["streams"])) for row in csv.DictReader(file)}
    assert counted == table


def test_numbers_below_zero_are_refused() -> None:
    with pytest.raises(Refused, match="tokens"):
        forward_flops(Shape(**PLAIN), -1)
    with pytest.raises(Refused, match="cache"):
        cache_entries(Shape(**PLAIN), -1)


@pytest.mark.parametrize(("injection", "matrix"), [("diagonal", 0), ("dense", 1)])
def test_an_injection_is_made_once_for_all_loops(injection: str, matrix: int) -> None:
    looped = Shape(**{**PLAIN, "loops": 3, "looped_layers": 4, "streams": 2})
    stable = replace(looped, injection=injection)
    width = stable.width
    # norm, decay and step; then the matrix, or its diagonal
    assert stable.parameters().injection == 3 * width + (width**2 if matrix else width)
    assert stable.parameters().non_embedding - looped.parameters().non_embedding == stable.parameters().injection
    assert forward_flops(stable, 10).total - forward_flops(looped, 10).total == 2 * 10 * 2 * width**2 * matrix
    once = replace(stable, loops=1)
    assert (once.parameters().injection, forward_flops(once, 10).injection) == (0, 0)
