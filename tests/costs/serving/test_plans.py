"""Plans: what fits is listed whole, ranked by what was asked, and the best is the best."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allometry.costs import Format, Price, find_hardware, find_shape
from allometry.costs.serving import (
    Demand,
    Deployment,
    Goals,
    cautious_plan,
    deployments_of,
    factor_spread,
    generate_trace,
    load_spread,
    rank_plans,
    simulate,
)
from allometry.costs.serving.spread import combined
from allometry.notices import Refused

H100, H200 = find_hardware("h100"), find_hardware("h200")
BASE = Deployment(shape=find_shape("qwen3-8b"), hardware=H100)
LARGE = Deployment(shape=find_shape("llama-3-70b"), hardware=H100)
TRACE = generate_trace(rate=6, requests=200, prompt="lognormal:300,200", generated="lognormal:100,80")


def test_every_split_that_memory_allows_is_listed_once() -> None:
    space = deployments_of(LARGE, [H100], 8, 1000, batches=(64,), budgets=((2048, True),))
    layouts = [(d.replicas, d.tensor, d.pipeline) for d in space.deployments]
    brute = [
        (r, t, p)
        for r, t, p in itertools.product(range(1, 9), (1, 2, 4, 8), range(1, 9))
        if r * t * p <= 8 and t * p >= 2
    ]
    assert sorted(layouts) == sorted(brute)
    assert space.unfit == 1  # one device alone
    for d in space.deployments:
        assert d.weight_bytes + d.token_cache_bytes * 1000 / d.pipeline < H100.memory


def test_what_is_fixed_is_kept() -> None:
    found = deployments_of(BASE, [H100, H200], 16, 1000, replicas=3, tensor=2, pipeline=2).deployments
    assert {(d.replicas, d.tensor, d.pipeline) for d in found} == {(3, 2, 2)}
    assert {d.hardware.name for d in found} == {"h100", "h200"}
    assert all(d.batch_tokens >= d.max_batch or not d.chunked for d in found)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"devices": 1},
            r"no split of 1 device keeps.*tensor=2 pipeline=1 on 2 devices, or weights of 4 bits in groups of 128",
        ),
        ({"devices": 8, "tensor": 1, "pipeline": 1}, "weights take 141.1 GB of each device"),
        ({"devices": 2, "tensor": 2, "pipeline": 2}, "take 4 devices.*give devices=4"),
    ],
)
def test_what_fits_nowhere_is_refused_with_the_nearest(options: dict[str, int], says: str) -> None:
    devices = options.pop("devices")
    with pytest.raises(Refused, match=says):
        deployments_of(LARGE, [H100], devices, 1000, **options)


def test_splits_over_wires_that_nobody_knows_are_left_out_and_named() -> None:
    alone = find_hardware("rtx-4090")
    space = deployments_of(BASE, [alone], 4, 1000, batches=(64,), budgets=((2048, True),))
    assert {(d.tensor, d.pipeline) for d in space.deployments} == {(1, 1)}
    [notice] = space.notices()
    assert "the network_bandwidth of rtx-4090" in notice.message
    with pytest.raises(Refused, match="give network_bandwidth="):
        rank_plans(TRACE, deployments_of(BASE, [alone], 4, 1000, tensor=1, pipeline=2).deployments)
    with pytest.raises(Refused, match="what fits needs the network_bandwidth of rtx-4090"):
        deployments_of(LARGE, [alone], 8, 1000)
    known = find_hardware("rtx-4090 network_bandwidth=1e10")
    assert deployments_of(BASE, [known], 4, 1000).notices() == ()


def test_a_single_layer_too_large_for_any_device_says_how_large_one_would_do() -> None:
    tiny = find_hardware("bf16=1e12 memory=4e9 bandwidth=1e11")
    shape = find_shape("layers=1 width=32768 heads=32 ffn=131072 vocab=1000")
    with pytest.raises(Refused, match=r"devices of \d+ GB would do"):
        deployments_of(Deployment(shape=shape, hardware=tiny), [tiny], 4, 10)


@pytest.mark.parametrize("rank", ["cost", "throughput", "ttft", "tpot", "latency", "attainment"])
def test_the_best_is_no_worse_than_any_that_was_simulated(rank: str) -> None:
    found = deployments_of(BASE, [H100], 2, 2000, batches=(8, 128), budgets=((512, True), (8192, False))).deployments
    ranking = rank_plans(TRACE, found, Goals(ttft=0.05, tpot=0.02, rank=rank), simulated=len(found))
    simulated = [plan for plan in ranking.plans if plan.served is not None]
    assert ranking.simulated == len(simulated) > 5
    value = {
        "cost": lambda plan: plan.device_seconds_per_token,
        "throughput": lambda plan: -plan.token_rate,
        "attainment": lambda plan: -plan.attainment,
    }.get(rank, lambda plan: np.percentile(getattr(plan.served, rank), 95))
    among = [plan for plan in simulated if plan.meets] or simulated
    assert ranking.best.meets == any(plan.meets for plan in simulated)
    assert value(ranking.best) == pytest.approx(min(value(plan) for plan in among), rel=6e-3)
    assert len(ranking.plans) == len(found)


def test_screening_finds_what_simulating_everything_finds() -> None:
    found = deployments_of(
        BASE, [H100], 4, 2000, batches=(8, 32, 128), budgets=((512, True), (8192, False))
    ).deployments
    goals = Goals(ttft=0.1, tpot=0.02)
    few, every = (rank_plans(TRACE, found, goals, simulated=n) for n in (4, len(found)))
    assert few.simulated < every.simulated
    assert few.best.device_seconds_per_token == every.best.device_seconds_per_token
    assert few.best.deployment.devices == every.best.deployment.devices


def test_bursts_that_screening_cannot_see_are_met_by_less_loaded_plans() -> None:
    trace = generate_trace(rate=6, requests=400, prompt="512", generated="128", arrivals="bursty:8", seed=2)
    found = deployments_of(
        BASE, [H100], 16, 2000, tensor=1, pipeline=1, batches=(64,), budgets=((2048, True),)
    ).deployments
    goals = Goals(ttft=0.2)
    few, every = (rank_plans(trace, found, goals, simulated=n) for n in (2, len(found)))
    assert not rank_plans(trace, found[:2], goals).best.meets
    assert few.best.meets
    assert few.simulated < every.simulated
    assert few.best.deployment.replicas <= every.best.deployment.replicas + 2


def test_answers_of_one_token_have_no_time_per_token_to_rank_by() -> None:
    trace = generate_trace(rate=6, requests=50, prompt="300", generated="1")
    found = deployments_of(BASE, [H100], 2, 2000, batches=(64,), budgets=((2048, True),)).deployments
    assert rank_plans(trace, found, Goals(rank="tpot", tpot=0.01)).best.attainment == 1.0


def test_deployments_of_several_formats_have_times_of_their_own() -> None:
    eight = Format(8)
    both = [replace(BASE, weights=weights, cache=weights) for weights in (Format(), eight)]
    ranking = rank_plans(TRACE, both, Goals(rank="tpot"))
    assert ranking.best.deployment.weights == eight
    assert ranking.plans[0].screened.tpot < 0.8 * ranking.plans[1].screened.tpot


def test_money_ranks_only_where_all_devices_have_a_price() -> None:
    found = deployments_of(BASE, [H100, H200], 1, 2000, batches=(64,), budgets=((2048, True),)).deployments

    def price(hour: float) -> Price:
        return Price(date=H100.price.date, source="here", device_hour=hour, utilisation=1.0)  # type: ignore[union-attr]

    dear = rank_plans(TRACE, found, prices=lambda kind: price(9.0 if kind is H100 else 2.0))
    assert (dear.best.deployment.hardware.name, dear.notices) == ("h200", ())
    hours = 1e6 / dear.best.token_rate / 3600
    assert dear.best.money_per_million == pytest.approx(2.0 * hours)
    unknown = rank_plans(TRACE, found, prices=lambda kind: None)
    assert [notice.code for notice in unknown.notices] == ["no-price"]
    assert unknown.best.money_per_million is None


def test_a_load_beyond_all_plans_says_about_how_many_devices_would_serve_it() -> None:
    heavy = generate_trace(rate=60, requests=1500, prompt="512", generated="512")
    found = deployments_of(BASE, [H100], 1, 2000, batches=(128,), budgets=((2048, True),)).deployments
    ranking = rank_plans(heavy, found)
    assert [notice.code for notice in ranking.notices] == ["no-price", "overload"] or ranking.notices[
        -1
    ].code == "overload"
    load = ranking.best.screened.load
    assert f"about {math.ceil(load)} devices" in ranking.notices[-1].message
    enough = deployments_of(BASE, [H100], math.ceil(load), 2000, batches=(128,), budgets=((2048, True),)).deployments
    assert rank_plans(heavy, enough).best.screened.keeps_up


def test_intervals_hold_the_middle_and_widen_with_each_factor() -> None:
    assert combined(2.0, {"a": [1.0, 4.0], "b": [2.0, 2.0]}).high == pytest.approx(4.0)
    both = combined(2.0, {"a": [1.0, 4.0], "b": [1.0, 4.0]})
    assert both.high == pytest.approx(2 * 2 ** math.sqrt(2))
    assert both.low == pytest.approx(2 / 2 ** math.sqrt(2))
    share = combined(0.9, {"a": [0.5, 1.0]}, share=True)
    assert (share.low, share.high) == (pytest.approx(0.5), 1.0)
    spread = factor_spread(TRACE, BASE, Goals(ttft=0.05))
    assert spread["tpot.p50"].low < spread["tpot.p50"].value < spread["tpot.p50"].high
    served = simulate(TRACE, BASE)
    assert spread["ttft.p95"].value == pytest.approx(np.percentile(served.ttft, 95))


def test_the_cautious_plan_keeps_up_to_the_end_of_its_load() -> None:
    found = deployments_of(BASE, [H100], 8, 2000, batches=(128,), budgets=((2048, True),)).deployments
    heavy = generate_trace(rate=30, requests=300, prompt="512", generated="200")
    demand = Demand.of(heavy)
    ranking = rank_plans(heavy, found)
    cautious = cautious_plan(demand, ranking.plans)
    assert cautious is not None
    plan, load = cautious
    assert load.high is not None
    assert load.high < 1
    assert plan.deployment.devices > ranking.best.deployment.devices
    assert load_spread(demand, ranking.best.deployment).high > 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rank": "speed"}, "cost, throughput"),
        ({"attain": 95}, "give 0.95"),
        ({"ttft": 0}, "positive"),
        ({"rank": "attainment"}, "no goal to attain"),
    ],
)
def test_goals_that_cannot_be_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        Goals(**options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tensor": 3}, "use one of 1, 2, 4, 8"),
        ({"pipeline": 40}, "at most pipeline=36"),
        ({"replicas": 0}, "at least 1"),
        ({"max_batch": 4096}, "batch_tokens of at least 4096"),
        ({"memory_share": 1.5}, "give 0.9"),
        ({"tensor": 16}, "use one of|use up to 8"),
    ],
)
def test_deployments_that_cannot_be_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        Deployment(shape=BASE.shape, hardware=H100, **options)
