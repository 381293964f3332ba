"""The simulator's roofline is that of requests: one work, one formula, whatever the shape."""

from __future__ import annotations

import pytest

from allometry.costs import find_hardware, find_shape, preset_names
from allometry.costs.flops import attended_in
from allometry.costs.formats import Format
from allometry.costs.roofline import time_of
from allometry.costs.serving import Deployment, Roofline
from allometry.costs.serving.step_times import Prefill
from allometry.costs.work import decode_work, prefill_work

OTHERS = (
    "layers=4 width=256 heads=4 ffn=1024 vocab=1000 streams=4",
    "layers=4 width=256 heads=4 ffn=1024 vocab=1000 loops=3 looped_layers=2",
    "layers=4 width=256 heads=4 ffn=1024 vocab=1000 experts=8 active_experts=2 shared_experts=1 dense_layers=1",
)


def deployment(shape: str, hardware: str = "h100", **options: object) -> Deployment:
    return Deployment(shape=find_shape(shape), hardware=find_hardware(hardware), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [*preset_names(), *OTHERS])
@pytest.mark.parametrize("batch", [1, 8, 200])
def test_a_step_of_decoding_takes_what_the_roofline_of_requests_says(shape: str, batch: int) -> None:
    served = deployment(shape, weights=Format(8), cache=Format(8))
    for cached in (0, 700):
        work = decode_work(served.shape, served.how, served.hardware, 1, cached, requests=batch)
        wanted = time_of([work], served.hardware).seconds.value
        attended = batch * served.layer_tokens(cached + 1) / served.shape.layers
        times = Roofline(served)
        assert times.step_seconds(Prefill(), batch, attended) == pytest.approx(wanted, rel=1e-12)
        assert times.pace(batch, attended).seconds == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("shape", [*preset_names(), *OTHERS])
@pytest.mark.parametrize(("tokens", "cached"), [(1, 0), (300, 0), (128, 256)])
def test_a_pass_over_prompts_takes_what_the_roofline_of_requests_says(shape: str, tokens: int, cached: int) -> None:
    served = deployment(shape)
    wanted = time_of([prefill_work(served.shape, served.how, tokens, cached, 3)], served.hardware).seconds.value
    plain = attended_in(served.shape, tokens, cached) - Roofline(served).beside * tokens
    pairs, read = 3 * plain, 3 * served.layer_tokens(tokens + cached) / served.shape.layers
    assert Roofline(served).step_seconds(Prefill(3 * tokens, 3, pairs, read), 0, 0) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("tensor", [2, 8])
def test_devices_of_a_node_share_a_layer_as_they_do_for_requests(tensor: int) -> None:
    served = deployment("llama-3-70b", tensor=tensor)
    work = decode_work(served.shape, served.how, served.hardware, 1, 100, requests=16)
    wanted = time_of([work], served.hardware).seconds.value
    assert Roofline(served).pace(16, 16 * 101).seconds == pytest.approx(wanted, rel=1e-12)


def test_a_full_pipeline_passes_as_many_micro_batches_as_it_has_stages() -> None:
    alone, staged = deployment("qwen3-8b"), deployment("qwen3-8b", pipeline=2)
    one, two = Roofline(alone), Roofline(staged)
    hop = two.step_seconds(Prefill(), 1, 500) - one.step_seconds(Prefill(), 1, 500)
    assert 0 < hop < 1e-3  # a single sequence gains nothing from stages
    whole = two.step_seconds(Prefill(), 64, 64 * 500)
    assert whole - hop == pytest.approx(one.step_seconds(Prefill(), 32, 32 * 500), rel=0.01)


def test_stages_of_unlike_length_wait_for_the_longest() -> None:
    even, uneven = (Roofline(deployment("qwen3-8b", pipeline=stages)) for stages in (4, 5))
    assert even.uneven == 1
    assert uneven.uneven == pytest.approx(8 * 5 / 36)


def test_prompts_beside_sequences_read_the_weights_once() -> None:
    times = Roofline(deployment("qwen3-8b"))
    prompt = Prefill(64, 1, 64 * 65 / 2, 64)
    together = times.step_seconds(prompt, 8, 8 * 500)
    apart = times.step_seconds(prompt, 0, 0) + times.step_seconds(Prefill(), 8, 8 * 500)
    assert times.step_seconds(Prefill(), 8, 8 * 500) < together < apart - times.weights / 2
