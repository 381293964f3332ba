"""Traces as they are read and made, and what is refused of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allometry.costs.serving import generate_trace, read_trace, trace_of
from allometry.costs.serving.lengths import read_lengths
from allometry.notices import Refused

THREE = {"arrival": [0.0, 1.0, 2.0], "prompt": [5, 6, 7], "generated": [1, 2, 3]}


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (THREE, None),
        ({"TIMESTAMP": ["2023-11-16 18:15:46.6805900", "2023-11-16 18:15:47.6805900", "2023-11-16 18:15:48.6805900"],
          "ContextTokens": [5, 6, 7], "GeneratedTokens": [1, 2, 3]}, None),
        ({"Timestamp": [0, 1, 2], "Request tokens": [5, 6, 7], "Response tokens": [1, 2, 3]}, None),
        ({"arrived_at": [0, 1, 2], "num_prefill_tokens": [5, 6, 7], "num_decode_tokens": [1, 2, 3]}, None),
        ({"timestamp": [0, 1000, 2000], "input_length": [5, 6, 7], "output_length": [1, 2, 3]}, {"arrival": "timestamp"}),
    ],
)  # fmt: skip
def test_public_traces_are_read_by_their_own_names(columns: dict[str, Any], names: dict[str, str] | None) -> None:
    trace = read_trace({name: np.array(values) for name, values in columns.items()}, "a file", names)
    trace = trace.faster(1000) if names else trace
    np.testing.assert_allclose(trace.arrival, THREE["arrival"])
    assert trace.prompt.tolist() == THREE["prompt"]
    assert trace.generated.tolist() == THREE["generated"]
    assert trace.rate == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arrival": [], "prompt": [], "generated": []}, "no requests"),
        ({"arrival": [0, 2, 1]}, r"row 2 arrives at 1 s.*sort the rows by arrival"),
        ({"arrival": [0, float("nan"), 1]}, "row 1 has no time"),
        ({"prompt": [5, 0, 7]}, r"prompt must be a whole number of tokens from 1, not 0, in row 1"),
        ({"generated": [1, 2.5, 3]}, "generated must be a whole number"),
        ({"generated": [1, 2]}, "has 2 rows and arrival has 3"),
        ({"shared": [0, 7, 0]}, "row 1 shares 7 tokens of a prompt of 6"),
        ({"after": ["x", None, None]}, "waits for 'x'"),
        ({"job": ["a"] * 3, "step": ["one", "two", "three"], "after": [None, "oen", None]}, "nearest are one"),
        ({"job": ["a"] * 3, "step": ["one", "two", "three"], "after": ["two", "one", None]}, "row 0 waits for a step that waits for it"),
        ({"job": ["a", "b", "b"], "step": ["one", "two", "three"], "after": [None, "one", None]}, "no step of its job"),
    ],
)  # fmt: skip
def test_a_trace_that_cannot_be_is_refused(change: dict[str, Any], says: str) -> None:
    columns = {**THREE, **change}
    with pytest.raises(Refused, match=says):
        trace_of(columns.pop("arrival"), columns.pop("prompt"), columns.pop("generated"), **columns)


@pytest.mark.parametrize(
    ("columns", "names", "says"),
    [
        ({"time": [0], "prompt": [1], "generated": [1]}, None, "no column for arrival.*one of time"),
        (THREE, {"arrivals": "time"}, "a trace has no 'arrivals'.*arrival"),
        (THREE, {"arrival": "Time"}, "no column 'Time'"),
        ({**THREE, "prompt": ["a", "b", "c"]}, None, "prompt is 'a' in row 0"),
        ({**THREE, "arrival": ["2024-01-01 00:00:00", "2024-01-01T00:00:01+00:00", "x"]}, None, "time zone or none"),
    ],
)
def test_a_table_that_holds_no_trace_is_refused(columns: Any, names: Any, says: str) -> None:
    with pytest.raises(Refused, match=says):
        read_trace(columns, "a file", names)


@pytest.mark.parametrize(
    ("arrivals", "variation"), [("poisson", 1.0), ("bursty:3", 3.0), ("bursty", 2.0), ("regular", 0.0)]
)
def test_gaps_have_the_rate_and_the_variation_that_were_asked_for(arrivals: str, variation: float) -> None:
    trace = generate_trace(rate=5, requests=40_000, prompt="1", generated="1", arrivals=arrivals)
    gaps = np.diff(trace.arrival)
    assert gaps.mean() == pytest.approx(0.2, rel=0.05)
    assert gaps.std() / gaps.mean() == pytest.approx(variation, rel=0.05, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "mean", "deviation"),
    [("512", 512, 0), ("uniform:100,900", 500, 800 / np.sqrt(12)), ("normal:512,50", 512, 50),
     ("lognormal:512,256", 512, 256), ("geometric:512", 512, 511.5)],
)  # fmt: skip
def test_lengths_have_the_mean_and_deviation_that_were_asked_for(text: str, mean: float, deviation: float) -> None:
    drawn = read_lengths(text).draw(50_000, np.random.default_rng(0))
    assert drawn.min() >= 1
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(deviation, rel=0.04, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "says"),
    [("logn:5,5", "lognormal"), ("lognormal:5", "takes 2 numbers, not 1"), ("0.5", "at least 1 token"),
     ("uniform:9,5", "uniform:5,9"), ("normal:5,-1", "at least 1"), ("x", "not a number|number")],
)  # fmt: skip
def test_lengths_that_cannot_be_are_refused(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        read_lengths(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"rate": -1}, "rate must be a positive"), ({"requests": 0}, "requests must be a whole number"),
     ({"arrivals": "posson"}, "poisson"), ({"arrivals": "bursty:0"}, "coefficient"), ({"arrivals": "regular:2"}, "regular")],
)  # fmt: skip
def test_loads_that_cannot_be_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        generate_trace(**{"rate": 1, "requests": 5, "prompt": "5", "generated": "5", **change})


def test_a_trace_cannot_be_slower_than_time() -> None:
    trace = trace_of(*THREE.values())
    assert trace.faster(2).rate == 2 * trace.rate
    with pytest.raises(Refused, match="speed above 0"):
        trace.faster(0)
