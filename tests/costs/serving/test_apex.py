"""Figures of APEX (Lin et al. 2024, arXiv 2411.17651; its README, llama3-70b on two H100) that can be computed."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.costs import find_hardware, find_shape, weight_bytes
from allometry.costs.serving import Deployment, generate_trace, simulate

SHAPE, H100 = find_shape("llama-3-70b"), find_hardware("h100")
# Plan: generated tokens a second, milliseconds per token, MFU and MBU in percent.
PRINTED = {"TP2": (336.752, 44.064, 6.591, 43.646), "PP2": (163.343, 62.767, 3.193, 30.640)}
REQUESTS, SECONDS = 100, {"TP2": 62.06, "PP2": 127.95}


def test_parameters_of_a_device_are_the_blocks_in_gibibytes() -> None:
    for plan in ({"tensor": 2}, {"pipeline": 2}):
        deployment = Deployment(shape=SHAPE, hardware=H100, **plan)
        counts = SHAPE.parameters()
        ends = (counts.embedding + counts.head) * 2
        assert (weight_bytes(SHAPE) - ends) / deployment.devices / 2**30 == pytest.approx(63.8, abs=0.06)
        assert deployment.weight_bytes > 63.8 * 2**30  # ours keeps the embedding and the head as well


@pytest.mark.parametrize("plan", PRINTED)
def test_their_shares_of_the_peaks_follow_from_their_rates(plan: str) -> None:
    """Theirs count 12 layers x width^2 parameters, six FLOPs each, the peak with sparsity, and weights of one byte."""
    rate, milliseconds, flops_share, bandwidth_share = PRINTED[plan]
    params = 12 * SHAPE.layers * SHAPE.width**2
    assert 100 * rate * 6 * params / (2 * H100.peak_flops()) == pytest.approx(flops_share, rel=2e-3)
    cache = 2 * SHAPE.layers * SHAPE.width * 2
    assert 100 * (params + cache) / (milliseconds * 1e-3) / H100.bandwidth == pytest.approx(bandwidth_share, rel=1e-3)


def test_tensor_parallelism_is_the_faster_plan_of_their_example() -> None:
    """Mean lengths are those of the example: tokens and requests a second give 1198 of prompt, 209 generated."""
    trace = generate_trace(
        rate=3, requests=REQUESTS, prompt="lognormal:1198,800", generated="lognormal:209,200", seed=1
    )
    tensor, pipeline = (
        simulate(trace, Deployment(shape=SHAPE, hardware=H100, memory_share=1.0, **plan))
        for plan in ({"tensor": 2}, {"pipeline": 2})
    )
    assert tensor.seconds < pipeline.seconds
    assert np.nanmean(tensor.tpot) < np.nanmean(pipeline.tpot)
    assert tensor.generated == pipeline.generated == trace.generated.sum()
    for plan, (rate, *_) in PRINTED.items():
        assert rate * SECONDS[plan] / REQUESTS == pytest.approx(209, rel=0.01)
