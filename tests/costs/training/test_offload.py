"""ZeRO-Infinity's memory classes, intensities and bandwidths; Horizon-LM's memory and pipeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allometry.costs import Shape, find_hardware, find_shape, forward_flops
from allometry.costs.training import (
    STATES,
    Job,
    Parallelism,
    bandwidth_needed,
    efficiency,
    host_bytes,
    hosted_training,
    largest_hosted,
    operator_bytes,
    step_seconds,
    traffic,
    training_memory,
)
from allometry.costs.training.cost import factor_values
from allometry.costs.training.memory import working_bytes
from allometry.notices import Refused

V100 = 70e12  # FLOP/s that a V100 attains (arXiv 2104.07857, sec. 4)
# Layers, width, heads, and by arXiv 2104.07857, figure 2a: states and checkpoints (batch 32) in TiB, and the working
# memory of activations of one of 16 devices (batch 2) in GiB. Recalled: the formulas were checked, the printed table was not.
TABLE = (
    (80, 10240, 128, 1.83, 0.05, 1.63),
    (100, 20480, 160, 9.16, 0.12, 2.50),
    (128, 25600, 256, 18.31, 0.20, 3.56),
    (195, 65536, 512, 182.81, 0.76, 8.00),
    (315, 163840, 1024, 1845.70, 3.08, 18.00),
)


def infinity(layers: int, width: int, heads: int, batch: int = 1, context: int = 1024) -> Job:
    """A job of their model: 12 x layers x width**2 parameters, nothing else worth counting."""
    shape = Shape(layers=layers, width=width, heads=heads, head_size=width // heads, ffn=4 * width, vocab=1, gated=False,
                  norms_per_layer=0)  # fmt: skip
    return Job(shape=shape, batch=batch, context=context, states="zero-infinity", flash=False)


@pytest.mark.parametrize(("layers", "width", "heads", "states", "checkpoints", "working"), TABLE)
def test_memory_classes(layers: int, width: int, heads: int, states: float, checkpoints: float, working: float) -> None:
    job = infinity(layers, width, heads, batch=32)
    memory = training_memory(job, Parallelism(micro_batch=32, recompute="full"))
    kept = memory.weights + memory.gradients + memory.optimizer
    assert kept == pytest.approx(240 * layers * width**2, rel=1e-4)
    assert kept / 2**40 == pytest.approx(states, abs=0.006)
    spread = Parallelism(micro_batch=32, recompute="full", activations_on="host", checkpoint_every=1)
    assert training_memory(job, spread).host / 2**40 == pytest.approx(checkpoints, abs=0.006)
    assert operator_bytes(job) == 16 * width**2
    # They count 16 widths and 2 squares of scores, in 2 bytes, for each token that runs; by what each operation keeps
    # that lies between the sums without and with dropout.
    theirs = 2 * (16 * width + 2 * heads * 1024) * 2 * 1024
    assert theirs / 2**30 == pytest.approx(working, abs=0.006)
    plain, masked = (
        working_bytes(
            replace(job, batch=2, dropout=dropout, shape=replace(job.shape, norms_per_layer=2)),
            Parallelism(micro_batch=2),
        )
        for dropout in (False, True)
    )
    assert plain < theirs < masked < 1.25 * theirs


def intensities(job: Job, every: int = 1) -> dict[str, float]:
    """FLOPs, attention over the context apart as in the source, for each byte that a class moves in a step."""
    spread = Parallelism(micro_batch=job.batch, recompute="full", checkpoint_every=every)
    one = forward_flops(job.shape, job.context)
    flops = 4 * job.batch * (one.total - one.scores - one.head)
    return {name: flops / size for name, size in vars(traffic(job, spread)).items()}


@pytest.mark.parametrize(("batch", "every"), [(1, 1), (2, 1), (4, 2)])
def test_intensities(batch: int, every: int) -> None:
    """seq x bsz for weights and gradients, seq x bsz / 4 for the optimiser, 24 x hd x ci for checkpoints."""
    found = intensities(infinity(10, 2048, 16, batch=batch), every)
    assert found["weights"] == pytest.approx(1024 * batch, rel=1e-4)
    assert found["optimizer"] == pytest.approx(1024 * batch / 4, rel=1e-4)
    assert found["activations"] == pytest.approx(24 * 2048 * every, rel=1e-4)


def test_bandwidths_give_the_published_efficiencies() -> None:
    found = intensities(infinity(10, 2048, 16))
    assert efficiency(found["weights"], 1, 70e9, V100) == pytest.approx(0.506, abs=5e-4)  # over 50% at 70 GB/s
    assert efficiency(found["optimizer"], 1, 280e9, V100) == pytest.approx(0.506, abs=5e-4)  # 4 times that
    assert efficiency(found["activations"], 1, 2e9, V100) == pytest.approx(0.584, abs=5e-4)  # 2 GB/s at 2K
    wide = intensities(infinity(10, 8192, 64))
    assert efficiency(wide["activations"], 1, 3e9, V100) == pytest.approx(0.894, abs=5e-4)  # 3 GB/s at 8K
    two = intensities(infinity(10, 2048, 16, batch=2))["optimizer"]
    assert bandwidth_needed(two, 1, V100, 0.9) == pytest.approx(1.23e12, rel=0.01)
    assert efficiency(two, 1, 1.5e12, V100) == pytest.approx(0.916, abs=1e-3)
    assert efficiency(two, 1, bandwidth_needed(two, 1, V100, 0.9), V100) == pytest.approx(0.9)


def test_every_device_moves_its_own_part_only() -> None:
    job = Job(shape=find_shape("llama-3-8b"), batch=64, context=1024)
    alone, many = (traffic(job, Parallelism(data=n, zero=3, recompute="full")) for n in (1, 64))
    assert many.optimizer == pytest.approx(alone.optimizer / 64)
    assert many.weights == pytest.approx(alone.weights / 64 / 64)  # and runs one micro-batch, not 64


def test_optimiser_traffic_is_not_hidden_and_the_rest_may_be() -> None:
    job = Job(shape=find_shape("llama-3-8b"), batch=64, context=8192)
    machine = find_hardware("h100 host_memory=1e12 host_memory_bandwidth=3e11")
    spread = Parallelism(data=8, zero=3, recompute="full")
    hidden = {**factor_values(machine), "overlap": 1.0}
    weights = step_seconds(job, replace(spread, weights_on="host", optimizer_on="host"), machine, hidden)
    update = step_seconds(job, replace(spread, optimizer_on="host"), machine, hidden)
    assert weights.offload == update.offload == pytest.approx(24 * job.shape.parameters().total / 8 / (3e11 * 0.8))
    assert step_seconds(job, spread, machine, hidden).offload == 0
    shown = step_seconds(job, replace(spread, optimizer_on="host"), machine, {**hidden, "overlap": 0.0})
    assert shown.offload > update.offload


def test_horizon_memory() -> None:
    """327 GB for 32 B parameters by the paper, about 415 GB by the released code's README; 120 B in 1.5 TB."""
    job = Job(shape=find_shape("qwen2.5-32b"), batch=96, context=1024)
    assert 10 * job.shape.parameters().total == pytest.approx(327e9, rel=0.005)
    assert host_bytes(job) == pytest.approx(327e9, rel=0.06)
    assert host_bytes(job, keep_gradients=True) == pytest.approx(415e9, rel=0.02)
    assert hosted_training(job, find_hardware("h100 host_memory_bandwidth=3e11")).device < 80e9
    assert largest_hosted(find_hardware("h200 host_memory=1.5e12"), 151936, keep_gradients=True).counts.total > 120e9


def test_horizon_time_is_the_slowest_of_three_then_the_update() -> None:
    machine = find_hardware("h100 host_memory_bandwidth=3e11")
    for batch in (1, 96):
        found = hosted_training(Job(shape=find_shape("qwen2.5-32b"), batch=batch, context=1024), machine)
        assert found.seconds.value == max(found.compute, found.weights_in, found.gradients_out) + found.update
        assert found.seconds.low < found.seconds.value < found.seconds.high
        assert (found.compute > found.weights_in) == (batch == 96)
    # 259 TFLOP/s of 6 x params x tokens on one H100: the factor is taken from it, so it must come out again
    rate = 6 * 32.76e9 * 96 * 1024 / found.seconds.value
    assert rate == pytest.approx(259e12, rel=0.05)


def test_horizon_batches_hide_the_way_in_from_half_the_peak_over_the_bandwidth() -> None:
    """8 FLOPs a parameter and token against 4 bytes a parameter: peak / (2 x bandwidth) tokens, attention apart."""
    machine = find_hardware("h100 host_memory_bandwidth=3e11")
    peak = machine.peak_flops("bf16") * machine.factor("hosted").value
    tokens = peak / (2 * machine.tier_bandwidth("host") * machine.factor("host").value)
    found = hosted_training(Job(shape=find_shape("qwen2.5-32b"), batch=round(tokens), context=1), machine)
    assert found.compute == pytest.approx(found.weights_in, rel=0.03)  # the embedding is moved and not multiplied
    assert found.gradients_out == found.weights_in / 2


def test_a_trillion_parameters_take_800_v100() -> None:
    """The abstract's count for states alone: 20 bytes a parameter over 32 GB, with what is left for the rest."""
    states = STATES["zero-infinity"].total
    assert 0.75 < states * 1e12 / (800 * 32e9) < 1


@pytest.mark.parametrize(("call", "says"), [
    (lambda: hosted_training(infinity(2, 64, 2), find_hardware("h100")), "host_memory_bandwidth="),
    (lambda: largest_hosted(find_hardware("h100"), 100), "host_memory="),
    (lambda: efficiency(1, 0, 1, 1), "moved"),
    (lambda: bandwidth_needed(1, 1, 1, 1.5), "0.9"),
])  # fmt: skip
def test_refusals(call, says: str) -> None:
    with pytest.raises(Refused, match=says):
        call()
