"""The simulator keeps every token, gives the same times however it advances, and shares, waits and preempts as it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import find_hardware, find_shape
from allometry.costs.serving import Deployment, Roofline, Served, Trace, generate_trace, simulate, trace_of
from allometry.costs.serving.step_times import Prefill
from allometry.notices import Refused

Small = Callable[..., Deployment]
SMALL = "layers=4 width=64 heads=4 ffn=128 vocab=256"
WINDOWED = f"{SMALL} window=32 window_layers=3"
LENGTHS = {"prompt": "lognormal:60,60", "generated": "lognormal:40,40"}


def agree(served: Served, other: Served) -> None:
    for name in ("ready", "first", "finish"):
        np.testing.assert_allclose(getattr(served, name), getattr(other, name), rtol=0, atol=1e-9)
    assert served.iterations == other.iterations
    assert served.preemptions == other.preemptions
    assert [told.peak for told in served.replicas] == [told.peak for told in other.replicas]


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("shape", [SMALL, WINDOWED])
@pytest.mark.parametrize("options", [{}, {"pipeline": 2}, {"replicas": 3}, {"max_batch": 4}, {"batch_tokens": 128}])
@pytest.mark.parametrize("room", [10_000, 700])
def test_one_step_between_events_is_many_iterations(
    chunked: bool, shape: str, options: dict[str, int], room: int, small: Small
) -> None:
    trace = generate_trace(rate=800, requests=150, seed=3, **LENGTHS)
    served = small(room, shape, **{"max_batch": 64, "chunked": chunked, **options})
    fast, slow = simulate(trace, served), simulate(trace, served, stepwise=True)
    agree(fast, slow)
    assert fast.generated == trace.generated.sum()
    assert np.all(fast.first <= fast.finish)
    assert np.all(fast.ready < fast.first)
    assert fast.peak_cache <= 1
    if room == 10_000 and "max_batch" not in options:
        assert fast.prefilled == trace.prompt.sum()


def test_a_real_model_on_1000_requests_steps_to_the_same_times() -> None:
    trace = generate_trace(rate=40, requests=1000, prompt="lognormal:512,512", generated="lognormal:512,512")
    served = Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100"), replicas=8)
    fast = simulate(trace, served)
    agree(fast, simulate(trace, served, stepwise=True))
    assert fast.generated == trace.generated.sum()
    assert fast.prefilled == trace.prompt.sum()


def test_a_full_cache_preempts_and_loses_nothing(small: Small) -> None:
    trace = generate_trace(rate=5000, requests=200, prompt="30", generated="uniform:100,300")
    served = simulate(trace, small(1500, max_batch=64))
    assert served.preemptions > 10
    assert served.generated == trace.generated.sum()
    assert served.prefilled > trace.prompt.sum()
    assert np.isfinite(served.finish).all()
    roomy = simulate(trace, small(100_000, max_batch=64))
    assert roomy.preemptions == 0
    assert roomy.seconds < served.seconds


requests = st.lists(
    st.tuples(st.floats(0, 0.05), st.integers(1, 90), st.integers(1, 60), st.integers(0, 3), st.integers(0, 2), st.floats(0, 1)),
    min_size=1, max_size=25,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    rows=requests,
    room=st.sampled_from([150, 300, 5000]),
    chunked=st.booleans(),
    batch=st.sampled_from([1, 3, 16]),
    shape=st.sampled_from([SMALL, WINDOWED]),
)
def test_any_trace_is_served_whole_and_alike(
    small: Small, rows: list[tuple[float, int, int, int, int, float]], room: int, chunked: bool, batch: int, shape: str
) -> None:
    """Jobs of rounds that wait for each other and share a part of their prompts, in caches that are nearly too small."""
    rows.sort()
    trace = trace_of(
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows],
        job=[row[3] for row in rows], step=[row[4] for row in rows],
        after=_rounds([row[3:5] for row in rows]), shared=[round(row[1] * row[5]) for row in rows],
    )  # fmt: skip
    served = small(room, shape, max_batch=batch, batch_tokens=32, chunked=chunked, replicas=2)
    fast = simulate(trace, served)
    agree(fast, simulate(trace, served, stepwise=True))
    assert fast.generated == trace.generated.sum()
    assert fast.prefilled + fast.reused >= trace.prompt.sum()
    assert np.isfinite(fast.finish).all()
    for row, after in enumerate(trace.after[:, 0]):
        if after >= 0:
            assert fast.ready[row] >= fast.finish[trace.step == after].max()


def _rounds(jobs: list[tuple[int, int]]) -> list[int | None]:
    """The round before, where the job has one."""
    known = set(jobs)
    return [round - 1 if (job, round - 1) in known else None for job, round in jobs]


def test_samples_share_the_prompt_that_the_first_has_computed(small: Small) -> None:
    together = {"job": ["a"] * 8, "shared": [1000] * 8}
    columns = ([0.0] * 8, [1000] * 8, [50] * 8)
    apart, sharing = (simulate(trace_of(*columns, **kw), small(20_000)) for kw in ({}, together))
    assert apart.prefilled == 8000
    assert (sharing.prefilled, sharing.reused) == (1000 + 7, 7 * 999)
    assert sharing.seconds < apart.seconds
    assert sharing.peak_cache == pytest.approx((1000 + 8 * 50) / 20_000, rel=0.01)
    assert apart.peak_cache == pytest.approx(8 * 1050 / 20_000, rel=0.01)


def test_a_prefix_outlives_its_users_until_its_room_is_needed(small: Small) -> None:
    rounds = {"job": ["a", "b", "a"], "shared": [500, 0, 500]}
    idle = simulate(trace_of([0, 1, 2], [500, 10, 500], [10, 10, 10], **rounds), small(1200))
    assert idle.reused == 499
    pressed = simulate(trace_of([0, 1, 2], [500, 900, 500], [10, 10, 10], **rounds), small(1200))
    assert pressed.reused == 0


def test_rounds_wait_for_all_of_the_round_before(small: Small) -> None:
    trace = trace_of(
        [0.0, 0.0, 0.0], [10, 10, 10], [5, 50, 5], job=["a"] * 3, step=["one", "one", "two"], after=[None, None, "one"]
    )
    served = simulate(trace, small())
    assert served.ready[2] == served.finish[:2].max()
    assert served.ttft[2] == served.first[2] - served.finish[1]
    assert served.job_latency.tolist() == [served.finish[2]]


def test_jobs_stay_on_one_replica_and_go_to_them_in_turn(small: Small) -> None:
    trace = trace_of([0.0] * 6, [10] * 6, [10] * 6, job=["a", "b", "a", "c", "b", "d"])
    served = simulate(trace, small(replicas=2))
    assert [len(told.ready) for told in served.replicas] == [3, 3]


def test_chunks_keep_answers_flowing_while_a_long_prompt_is_computed(small: Small) -> None:
    trace = trace_of([0.0, 0.001], [10, 4000], [300, 10])
    whole, chunked = (simulate(trace, small(20_000, chunked=c, batch_tokens=64, max_batch=8)) for c in (False, True))
    alone = simulate(trace.first(1), small(20_000))
    assert alone.finish[0] < chunked.finish[0]
    assert whole.first[1] < chunked.first[1]
    longest_gap = Roofline(whole.deployment).step_seconds(Prefill(4000, 1, 4000 * 4001 / 2, 4000), 0, 0)
    assert whole.finish[0] >= alone.finish[0] + longest_gap


def test_only_the_first_token_of_an_answer_of_one_is_timed(small: Small) -> None:
    served = simulate(trace_of([0.0], [10], [1]), small())
    assert served.first == served.finish
    assert np.isnan(served.tpot).all()


def test_what_no_replica_can_keep_is_refused_with_what_would(small: Small) -> None:
    trace = trace_of([0.0], [2000], [10])
    with pytest.raises(Refused, match=r"2010 tokens does not fit.*nearest that fit: tensor=2"):
        simulate(trace, small(1100))
    large = Deployment(shape=find_shape("llama-3-70b"), hardware=find_hardware("h100"))
    with pytest.raises(Refused, match=r"weights take 141.1 GB.*tensor=2 pipeline=1"):
        simulate(trace, large)
    alone = replace(large, hardware=replace(large.hardware, devices_per_node=1))
    with pytest.raises(Refused, match="tensor=1 pipeline=2"):
        simulate(trace, alone)


def test_dates_as_seconds_lose_no_digits() -> None:
    trace = trace_of([1.7e9, 1.7e9 + 0.5], [10, 10], [5, 5])
    assert trace.arrival.tolist() == [0.0, 0.5]


def test_a_trace_is_cut_between_jobs() -> None:
    trace = trace_of([0.0] * 5, [1] * 5, [1] * 5, job=["a", "b", "a", "c", "b"])
    assert trace.first(2).job.tolist() == [0, 1, 0, 1]
    assert isinstance(trace.first(2), Trace)
