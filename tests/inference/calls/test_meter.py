"""A call's FLOPs, cache reads and money are sums over its steps."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.costs import Price, Shape
from allometry.costs.cache import cache_entries
from allometry.costs.flops import forward_flops
from allometry.inference.calls import Abilities, Meter, Profile, Usage, meter_call

COUNT = st.integers(0, 40)


def stepwise_flops(shape: Shape, prompt: int, cached: int, generated: int) -> float:
    prefill = forward_flops(shape, prompt - cached, cached, logits=1).total
    return prefill + sum(forward_flops(shape, 1, prompt + i).total for i in range(generated - 1))


@given(st.integers(1, 40), COUNT, st.integers(1, 40))
def test_flops_are_those_of_prefill_and_every_step(prompt: int, cached: int, generated: int) -> None:
    shape = Shape(layers=2, width=16, heads=2, head_size=8, ffn=32, vocab=64)
    cached = min(cached, prompt)
    found = meter_call(Profile("x", shape=shape), [Usage(prompt, cached, generated)]).flops
    assert found == pytest.approx(stepwise_flops(shape, prompt, cached, generated), rel=1e-12)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 30))
def test_cache_reads_are_those_of_every_step_also_behind_a_window(prompt: int, generated: int, window: int) -> None:
    shape = Shape(layers=2, width=16, heads=2, head_size=8, ffn=32, vocab=64, window=window, window_layers=1)
    found = meter_call(Profile("x", shape=shape, cache_bytes=1.0), [Usage(prompt, 0, generated)]).kv_bytes
    assert found == pytest.approx(sum(cache_entries(shape, prompt + 1 + i) for i in range(generated - 1)))


def test_the_prompt_of_many_samples_counts_once_where_the_engine_takes_n(shape: Shape, price: Price) -> None:
    usages = [Usage(100, 40, 10), Usage(100, 40, 30)]
    one = meter_call(Profile("x", Abilities(n=True), shape, price), usages)
    each = meter_call(Profile("x", Abilities(n=False), shape, price), usages)
    assert (one.calls, one.prompt_tokens, one.cached_tokens, one.generated_tokens) == (2, 100, 40, 40)
    assert (each.prompt_tokens, each.cached_tokens) == (200, 80)
    assert one.money == pytest.approx((60 * 1 + 40 * 0.25 + 40 * 4) / 1e6)
    assert each.money == pytest.approx((120 * 1 + 80 * 0.25 + 40 * 4) / 1e6)
    assert one.flops is not None
    assert each.flops is not None
    assert each.flops - one.flops == pytest.approx(forward_flops(shape, 60, 40, logits=1).total)


@pytest.mark.parametrize(("samples", "requests"), [(1, 1), (3, 1), (4, 2), (7, 3)])
def test_the_prompt_counts_with_each_request_of_an_engine_that_takes_few_at_a_time(samples: int, requests: int) -> None:
    found = meter_call(Profile("x", Abilities(n=True), together=3), [Usage(100, 40, 10)] * samples)
    assert (found.calls, found.prompt_tokens, found.cached_tokens) == (samples, 100 * requests, 40 * requests)


def test_what_cannot_be_known_is_empty_and_stays_so_in_sums() -> None:
    found = meter_call(Profile("x"), [Usage(1, 0, 1)])
    assert (found.flops, found.kv_bytes, found.money) == (None, None, None)
    assert (found + Meter()).flops is None


@given(st.lists(st.tuples(COUNT, COUNT, st.sets(st.sampled_from(["prompt", "generated"]))), max_size=6))
def test_meters_add_up_field_by_field(parts: list[tuple[int, int, set[str]]]) -> None:
    total = Meter()
    for calls, tokens, kinds in parts:
        total += Meter(calls=calls, generated_tokens=tokens, flops=float(tokens), estimated=frozenset(kinds))
    assert total.calls == sum(part[0] for part in parts)
    assert total.flops == total.generated_tokens == sum(part[1] for part in parts)
    assert total.estimated == frozenset().union(*(part[2] for part in parts))
    assert total + Meter() == dataclasses.replace(total)
