"""Time of a step: bubble, communication and topology by the sources' formulas, and published runs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from allometry.costs import Shape, find_hardware, find_shape
from allometry.costs.training import FACTORS, Job, Parallelism, pass_flops, step_seconds, training_cost, volumes, wires
from allometry.costs.training.cost import factor_values
from allometry.notices import Refused

PERFECT = dict.fromkeys(FACTORS, 1.0)
GPT = Shape(layers=48, width=6144, heads=48, head_size=128, ffn=4 * 6144, vocab=51200, gated=False)
FRONTIER = find_hardware("mi250x")


def job(batch: int = 64, **changes: object) -> Job:
    return Job(**{"shape": GPT, "batch": batch, "context": 2048, **changes})  # type: ignore[arg-type]


def test_volumes_are_the_published_ones() -> None:
    """In elements: data-parallel 2 P below stage 3 and 3 P with it; tensor-parallel 8 b s h (t - 1) / t a layer."""
    count = GPT.parameters().total
    for stage, times in ((0, 2), (1, 2), (2, 2), (3, 3)):
        sent = volumes(job(batch=8), Parallelism(data=8, zero=stage)).data / 2
        assert sent == pytest.approx(times * count * 7 / 8, rel=1e-3)
    tensor = volumes(job(), Parallelism(tensor=8)).tensor / 2
    assert tensor == pytest.approx(48 * 8 * 2048 * 6144 * 7 / 8)


def test_the_bubble_is_stages_less_one_over_micro_batches() -> None:
    free = replace(FRONTIER, link_bandwidth=1e30, network_bandwidth=1e30)
    for stages, micro, pieces in ((4, 16, 1), (8, 16, 1), (8, 16, 3), (8, 64, 1)):
        step = step_seconds(job(batch=micro), Parallelism(pipeline=stages, interleave=pieces), free, PERFECT)
        busy = step.products + step.attention + step.elementwise
        assert step.bubble / busy == pytest.approx((stages - 1) / (pieces * micro))


def test_the_topology_is_ordered_as_measured_on_frontier() -> None:
    """Dash et al. 2023: tensor groups within a node beat those across nodes; more micro-batches shrink the bubble."""
    factors = factor_values(FRONTIER)
    within = step_seconds(job(), Parallelism(tensor=8, pipeline=2), FRONTIER, factors)
    across = step_seconds(job(), Parallelism(tensor=16, pipeline=1), FRONTIER, factors)
    assert (wires(Parallelism(tensor=8), FRONTIER).tensor.tier, wires(Parallelism(tensor=16), FRONTIER).tensor.tier) == (
        "link", "network")  # fmt: skip
    assert within.total < across.total
    shares = [
        step.bubble / step.total
        for batch in (8, 32, 128)
        for step in [step_seconds(job(batch=batch), Parallelism(tensor=8, pipeline=8), FRONTIER, factors)]
    ]
    assert shares == sorted(shares, reverse=True)


def test_recomputing_costs_one_more_forward_pass() -> None:
    passes, again = pass_flops(job(), Parallelism(recompute="full"))
    head = 2 * 2048 * 51200 * 6144
    assert again == pytest.approx(passes / 3 - head)
    assert pass_flops(job(), Parallelism())[1] == 0
    selective = pass_flops(job(flash=False), Parallelism(recompute="selective"))[1]
    assert selective == 48 * 4 * 2048**2 * 6144  # the two products of scores, whole square


def test_ends_of_the_factors_are_ends_of_the_time() -> None:
    found = training_cost(job(), 1e12, FRONTIER, Parallelism(data=8, tensor=8, zero=1))
    assert found.seconds_per_step.low < found.step.total < found.seconds_per_step.high
    assert found.peak_share.low < found.peak_share.value < found.peak_share.high
    measured = replace(FRONTIER, factors={name: replace(FRONTIER.factor(name), low=FRONTIER.factor(name).value, high=FRONTIER.factor(name).value) for name in FACTORS})  # fmt: skip
    point = training_cost(job(), 1e12, measured, Parallelism(data=8, tensor=8, zero=1)).seconds_per_step
    assert point.low == point.value == point.high == found.step.total


def test_factors_are_taken_to_their_ends_alone_and_added_as_squares() -> None:
    """As for requests; all at their worst together would be wider. A share whose low end is none of it has an end too."""
    spread = Parallelism(data=8, tensor=8, zero=1)
    found, values = training_cost(job(), 1e12, FRONTIER, spread).seconds_per_step, factor_values(FRONTIER)
    alone = [math.log(step_seconds(job(), spread, FRONTIER, {**values, name: FRONTIER.factor(name).ends[0]}).total / found.value)
             for name in FACTORS]  # fmt: skip
    layer = math.log(
        step_seconds(job(), spread, FRONTIER, {**values, "layer": FRONTIER.factor("layer").high}).total / found.value
    )
    slow = [max(0.0, each) for each in alone] + [layer]
    assert math.log(found.high / found.value) == pytest.approx(math.sqrt(sum(each**2 for each in slow)))
    worst = {name: FRONTIER.factor(name).ends[name == "layer"] for name in FACTORS}
    assert found.high < step_seconds(job(), spread, FRONTIER, worst).total
    none = replace(FRONTIER, factors={"compute": replace(FRONTIER.factor("compute"), low=0.0)})
    assert math.isfinite(training_cost(job(), 1e12, none, spread).seconds_per_step.high)


def test_money_and_energy_follow_the_time_or_are_empty() -> None:
    machine = find_hardware("h100")
    found = training_cost(job(), 1e10, machine, Parallelism(data=8, zero=1))
    hours = found.device_hours
    assert found.money.value == pytest.approx(hours.value * 2.95)
    assert found.energy.high == pytest.approx(hours.high * 0.7)
    bare = training_cost(job(), 1e10, replace(machine, price=None, power=None), Parallelism(data=8, zero=1))
    assert (bare.money.value, bare.energy.value) == (None, None)
    assert "price" in bare.money.why
    assert "power" in bare.energy.why


# NVIDIA dgxc-benchmarking, llama3.1/README.md at 741c886: H100, bf16, sequences of 8192; seconds a step.
NEMO = (
    ("llama-3-8b", 128, {"data": 4, "context": 2}, 12.27),
    ("llama-3-8b", 2048, {"data": 64, "context": 2}, 12.33),
    ("llama-3-70b", 128, {"data": 2, "tensor": 4, "pipeline": 4, "context": 2, "interleave": 5}, 14.66),
    ("llama-3-70b", 4096, {"data": 64, "tensor": 4, "pipeline": 4, "context": 2, "interleave": 5}, 14.66),
    ("llama-3.1-405b", 256, {"data": 4, "tensor": 8, "pipeline": 8, "context": 2, "interleave": 8}, 19.78),
    ("llama-3.1-405b", 1024, {"data": 16, "tensor": 8, "pipeline": 8, "context": 2, "interleave": 8}, 19.87),
)


@pytest.mark.parametrize(("name", "batch", "degrees", "seconds"), NEMO)
def test_published_times_lie_in_the_spread(name: str, batch: int, degrees: dict[str, int], seconds: float) -> None:
    spread = Parallelism(**degrees, zero=1, sequence="tensor" in degrees)  # type: ignore[arg-type]
    asked = Job(shape=find_shape(name), batch=batch, context=8192)
    found = training_cost(asked, 1e12, find_hardware("h100"), spread).seconds_per_step
    assert found.low < seconds < found.high
    assert found.high / found.low < 2.5


@pytest.mark.parametrize(("spread", "says"), [
    ({"tensor": 5}, "tensor=4"),
    ({"data": 3}, "data x micro_batch"),
    ({"pipeline": 64}, "pipeline=48"),
    ({"expert": 2, "data": 2}, "no experts"),
    ({"interleave": 2}, "interleave=1"),
    ({"context": 3}, "context"),
    ({"zero": 4}, "from 0 to 3"),
    ({"data": 0}, "at least 1"),
    ({"weights_on": "host"}, "optimizer_on=host"),
    ({"weights_on": "host", "optimizer_on": "host", "data": 2}, "zero=3"),
    ({"activations_on": "host"}, "recompute=full"),
    ({"recompute": "some"}, "none, selective, full"),
])  # fmt: skip
def test_spreads_that_cannot_be_are_refused(spread: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        training_cost(job(), 1e9, find_hardware("h100"), Parallelism(**spread))  # type: ignore[arg-type]


@pytest.mark.parametrize(("changes", "says"), [
    ({"batch": 0}, "at least 1"), ({"precision": "fp3"}, "bf16"), ({"states": "lion"}, "adam"),
    ({"shape": find_shape("gpt2"), "context": 4096}, "context=1024"),
])  # fmt: skip
def test_jobs_that_cannot_be_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        job(**changes)  # type: ignore[arg-type]
