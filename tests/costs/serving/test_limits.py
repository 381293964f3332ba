"""Where queues have a closed form, the simulator agrees with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from allometry.costs import find_hardware, find_shape
from allometry.costs.serving import Deployment, Roofline, generate_trace, simulate, trace_of
from allometry.costs.serving.screening import Demand, screen
from allometry.costs.serving.step_times import Pace, Prefill

Small = Callable[..., Deployment]


def batch_means(values: np.ndarray, batches: int = 20) -> tuple[float, float]:
    """The mean of a series whose neighbours are alike, and its standard error from the means of its parts."""
    means = values[: len(values) // batches * batches].reshape(batches, -1).mean(axis=1)
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(batches))


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_prompt_at_a_time_waits_as_in_an_m_d_1_queue(load: float, small: Small, constant: Any) -> None:
    """Mean wait of Poisson arrivals at one server of a fixed time D: load D / (2 (1 - load)), Pollaczek-Khinchine."""
    trace = generate_trace(rate=load / 0.1, requests=60_000, prompt="100", generated="1", seed=1)
    served = simulate(trace, small(chunked=False, max_batch=1), constant(0.1, 0.01))
    wait, error = batch_means(served.ttft - 0.1)
    assert error < 0.15 * wait
    assert wait == pytest.approx(load * 0.1 / (2 * (1 - load)), abs=4 * error)
    assert served.busy == pytest.approx(load, rel=0.03)


class PerToken:
    """A prompt pass takes a millisecond a token; decoding takes none to speak of."""

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        return 1e-3 * prefill.tokens

    def pace(self, batch: float, attended: float) -> Pace:
        return Pace(1e-9, 0.0)


def test_prompts_of_many_lengths_wait_as_in_an_m_g_1_queue(small: Small) -> None:
    trace = generate_trace(rate=5, requests=60_000, prompt="geometric:100", generated="1", seed=2)
    served = simulate(trace, small(chunked=False, max_batch=1), PerToken())
    service = trace.prompt * 1e-3
    wait, error = batch_means(served.ttft - service)
    expected = 5 * np.mean(service**2) / (2 * (1 - 5 * np.mean(service)))
    assert error < 0.1 * wait
    assert wait == pytest.approx(expected, abs=4 * error)


def test_a_batch_without_limit_holds_as_many_as_an_m_g_inf_queue(small: Small, constant: Any) -> None:
    """Where an iteration takes the same time whatever is in it, sequences do not notice each other: Little's law."""
    trace = generate_trace(rate=20, requests=20_000, prompt="1", generated="geometric:100", seed=3)
    served = simulate(trace, small(10**7, max_batch=5000, batch_tokens=20_000), constant(0.01, 0.01))
    np.testing.assert_allclose(served.finish - served.first, 0.01 * (trace.generated - 1), atol=1e-6)
    in_system = served.latency.sum() / served.seconds
    assert in_system == pytest.approx(20 * np.mean(0.01 * trace.generated + 0.005), rel=0.02)


def test_requests_that_come_together_take_what_can_be_written_down() -> None:
    """Sixteen equal requests: one pass over their prompts, then steps whose times are a straight line."""
    served = Deployment(
        shape=find_shape("qwen3-8b"), hardware=find_hardware("h100"), chunked=False, batch_tokens=10_000
    )
    times, n, prompt, generated = Roofline(served), 16, 512, 200
    done = simulate(trace_of([0.0] * n, [prompt] * n, [generated] * n), served, times)
    first = times.step_seconds(Prefill(n * prompt, n, n * prompt * (prompt + 1) / 2, n * prompt), 0, 0)
    steps = [times.step_seconds(Prefill(), n, n * (prompt + i)) for i in range(1, generated)]
    np.testing.assert_allclose(done.first, first, rtol=1e-12)
    np.testing.assert_allclose(done.finish, first + sum(steps), rtol=1e-12)


def test_twice_the_replicas_serve_twice_what_comes_together(small: Small) -> None:
    columns = ([0.0] * 400, [50] * 400, [20] * 400)
    one, two = (simulate(trace_of(*columns), small(max_batch=8, replicas=r)) for r in (1, 2))
    assert one.seconds / two.seconds == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize(("rate", "options"), [
    (1, {}), (5, {}), (5, {"chunked": False, "batch_tokens": 8192}), (5, {"tensor": 2}), (5, {"pipeline": 2}),
    (30, {"replicas": 4}), (30, {"max_batch": 16}), (60, {}),
])  # fmt: skip
def test_the_steady_state_is_what_a_long_trace_comes_to(rate: float, options: dict[str, Any]) -> None:
    served = Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100"), **options)
    trace = generate_trace(rate=rate, requests=8000, prompt="lognormal:512,300", generated="lognormal:512,300", seed=4)
    found, done = screen(Demand.of(trace), served, Roofline(served)), simulate(trace, served)
    assert found.tpot == pytest.approx(np.nanmean(done.tpot), rel=0.05)
    assert found.batch == pytest.approx(done.batch, rel=0.15)
    assert found.throughput == pytest.approx(done.throughput, rel=0.15)
    if found.keeps_up:
        assert found.ttft == pytest.approx(done.ttft.mean(), rel=0.4)
    else:
        assert found.ttft == pytest.approx(done.ttft.mean(), rel=0.15)


def test_offline_the_steady_state_is_the_largest_rate() -> None:
    served = Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100"))
    trace = generate_trace(rate=1, requests=3000, prompt="512", generated="512", arrivals="together")
    found = screen(Demand.of(trace), served, Roofline(served))
    assert found.keeps_up
    assert found.throughput == pytest.approx(simulate(trace, served).throughput, rel=0.1)
