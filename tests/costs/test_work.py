"""Work of prompts and decoding against sums over single steps, closed forms and other counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import (
    Attention,
    Draft,
    Execution,
    Format,
    Request,
    Shape,
    Work,
    cache_entries,
    decode_work,
    find_hardware,
    find_shape,
    forward_flops,
    prefill_work,
    request_works,
    weight_bytes,
)
from allometry.costs.work import read_weight_bytes
from allometry.notices import Refused

DEVICE = find_hardware("h200")
SHAPES = {
    "grouped": find_shape("qwen3-0.6b"),
    "windows": find_shape("gemma-2-9b window=50"),
    "mixture": find_shape("olmoe-1b-7b"),
    "loops": find_shape("qwen3-0.6b loops=3 looped_layers=14"),
    "streams": find_shape("qwen3-0.6b streams=4"),
}
SMALL = Shape(layers=2, width=32, heads=4, kv_heads=2, head_size=8, ffn=64, vocab=128)
ATTENTIONS = [Attention(), Attention("topk", 40), Attention("blocktopk", 40, 8)]


def total(works: list[Work]) -> Work:
    return sum(works, Work())


@pytest.mark.parametrize("attention", ATTENTIONS, ids=Attention.as_text)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_decoding_is_the_sum_of_its_steps(shape: Shape, attention: Attention) -> None:
    how = Execution(attention=attention, cache=Format(8, 32))
    whole = decode_work(shape, how, DEVICE, 60, 20, requests=3, samples=1)
    steps = total([decode_work(shape, how, DEVICE, 1, 20 + i, requests=3, samples=1) for i in range(60)])
    for name in ("decode_flops", "decode_bytes", "cache_flops", "cache_bytes", "cache_keys", "layer_passes"):
        assert getattr(whole, name) == pytest.approx(getattr(steps, name), rel=1e-12), name


def test_decoding_and_prompts_cost_the_flops_of_one_pass() -> None:
    request = Request(prompt=30, generated=11)
    works = request_works(SMALL, request, DEVICE, Execution(all_logits=True))
    assert total(works).flops == pytest.approx(forward_flops(SMALL, 40).total)


def test_other_peoples_formulas() -> None:
    """2MN and 2LD N(N+1) of test-time graphs (arXiv 2511.00086, authors' code), without the head, for plain heads."""
    shape = Shape(layers=3, width=64, heads=4, head_size=16, ffn=256, vocab=10)
    matrices, prompt, made = shape.parameters().attention + shape.parameters().feed_forward, 70, 25
    prefill = 2 * matrices * prompt + 2 * 3 * 64 * prompt * (prompt + 1)
    decode = 2 * matrices * made + 2 * 3 * 64 * made * (2 * prompt + made + 1)
    assert forward_flops(shape, prompt, logits=0).total == prefill
    assert forward_flops(shape, made, prompt, logits=0).total == decode


def test_samples_read_their_prompt_once_unless_they_must_not() -> None:
    shared, alone = (
        decode_work(SMALL, how, DEVICE, 10, 100, requests=1, samples=8).cache_bytes
        for how in (Execution(), Execution(reread=True))
    )
    each = 2 * cache_entries(SMALL, 1)
    assert alone - shared == pytest.approx(7 * 10 * 100 * each)
    sparse = Execution(attention=Attention("topk", 16))
    assert decode_work(SMALL, sparse, DEVICE, 10, 100, samples=8).cache_bytes == 8 * 10 * 16 * each


def test_a_prefix_is_not_computed_again() -> None:
    whole, rest = (prefill_work(SMALL, Execution(), new, cached, 4) for new, cached in ((100, 0), (40, 60)))
    first = prefill_work(SMALL, Execution(), 60, 0, 4)
    head = 2 * 4 * SMALL.vocab * SMALL.width
    assert first.flops + rest.flops - head == pytest.approx(whole.flops)


def test_weights_match_the_closed_form_of_awq() -> None:
    """bytes = N b/8 + N/g (2 + b/8), arXiv 2306.00978; Qwen2.5-7B-Instruct-AWQ's files hold 5.57 GB."""
    shape = find_shape("qwen2.5-7b")
    parts = shape.parameters()
    linear = parts.attention + parts.feed_forward
    assert weight_bytes(shape, Format(4, 128)) - 2 * (parts.total - linear) == pytest.approx(
        linear * 4 / 8 + linear / 128 * (2 + 4 / 8)
    )
    assert weight_bytes(shape) == 2 * parts.total
    assert weight_bytes(shape, Format(4, 128)) == pytest.approx(5.57e9, rel=2e-3)


@given(tokens=st.integers(1, 4096))
@settings(max_examples=30)
def test_experts_read_lie_between_those_of_a_token_and_all(tokens: int) -> None:
    shape = SHAPES["mixture"]
    one, found, every = (read_weight_bytes(shape, count) for count in (1, tokens, 1e9))
    assert one <= found <= every
    parts = shape.parameters()
    read = parts.attention + parts.experts + parts.head
    assert every == pytest.approx(2 * read)
    assert one == pytest.approx(2 * (read - parts.idle_experts))


def test_devices_share_the_work_and_exchange_what_they_sum() -> None:
    one, four = (decode_work(find_shape("llama-7b"), Execution(devices=n), DEVICE, 1, 1000) for n in (1, 4))
    for name in ("decode_flops", "decode_bytes", "cache_flops", "cache_bytes"):
        assert getattr(four, name) == pytest.approx(getattr(one, name) / 4)
    assert (one.link_bytes, one.collectives) == (0, 0)
    assert four.link_bytes == pytest.approx(2 * 3 / 4 * 2 * 32 * 4096 * 2)
    assert four.collectives == 64


def test_copies_of_heads_keep_the_cache_from_shrinking() -> None:
    shape = find_shape("qwen2.5-7b")  # 4 key and value heads
    two, four = (decode_work(shape, Execution(devices=n), DEVICE, 1, 1000).cache_bytes for n in (2, 4))
    assert two == 2 * four
    latent = find_shape("deepseek-v3")
    assert Execution(devices=8).cache_devices(latent) == 1


def test_latents_are_read_once_and_never_made_into_keys_again_by_a_step() -> None:
    shape = find_shape("deepseek-v3")
    work = decode_work(shape, Execution(), DEVICE, 1, 4095)
    assert work.cache_bytes == pytest.approx(2 * 61 * 576 * 4096)
    assert work.cache_flops == pytest.approx(2 * 61 * 128 * (2 * 512 + 64) * 4096)


@pytest.mark.parametrize("acceptance", [0.0, 0.5, 0.8, 0.99])
def test_drafts_yield_and_cost_what_they_should(acceptance: float) -> None:
    draft = Draft(find_shape("qwen3-0.6b"), 4, acceptance)
    brute = 1 + sum(acceptance**ahead for ahead in range(1, 5))
    assert draft.tokens_per_pass == pytest.approx(brute)
    shape = find_shape("qwen3-8b")
    request = Request(prompt=100, generated=41)
    prompts, _, steps, ahead = request_works(shape, request, DEVICE, Execution(draft=draft))
    plain = request_works(shape, request, DEVICE, Execution())[1]
    assert prompts.flops > 0
    assert steps.layer_passes == pytest.approx(plain.layer_passes / brute)
    assert steps.decode_flops == pytest.approx(plain.decode_flops * 5 / brute)
    assert steps.cache_bytes == pytest.approx(plain.cache_bytes / brute)
    assert ahead.layer_passes == pytest.approx(28 * 40 * 4 / brute)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("topk:0", "at least 1"),
        ("topk", "no budget"),
        ("dense:5", "a budget"),
        ("topk:5:5", "topk:B"),
        ("blocktopk:8:16", "blocktopk:8:8"),
        ("blocktopk:8", "no block"),
        ("best:8", "dense, topk, blocktopk"),
        ("topk:8:1:1", "topk:B"),
        ("topk:1.5", "budget=2"),
    ],
)
def test_attention_that_cannot_be_is_refused(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        Attention.parse(text)
    assert Attention.parse("blocktopk:1k:16").as_text() == "blocktopk:1000:16"


def test_formats_and_drafts_that_cannot_be_are_refused() -> None:
    for bits in (0, -4, 65, float("nan")):
        with pytest.raises(Refused, match="from 1 to 64 bits"):
            Format(bits)
    with pytest.raises(Refused, match="group=1"):
        Format(4, 0)
    with pytest.raises(Refused, match="chance below 1"):
        Draft(SMALL, 4, 1.0)
    with pytest.raises(Refused, match="at least 1"):
        Draft(SMALL, 0, 0.5)
