"""Times of iterations from a table: straight lines through what was measured, and a word where it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allometry.costs import find_hardware, find_shape
from allometry.costs.serving import (
    Deployment,
    MeasuredSteps,
    Prefill,
    Roofline,
    generate_trace,
    read_step_times,
    simulate,
)
from allometry.notices import Refused

SERVED = Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100"))
Small = Callable[..., Deployment]


def measured(skip: set[int] | None = None) -> MeasuredSteps:
    """A table of what the roofline says, as an engine would be timed; some batch sizes may be left out."""
    times = Roofline(SERVED)
    rows = [
        (n, 0, 0, times.step_seconds(Prefill(n, 1, n * (n + 1) / 2, n), 0, 0)) for n in (1, 64, 256, 1024, 2048, 4096)
    ]
    for batch in {1, 2, 4, 8, 16, 32, 64, 128} - (skip or set()):
        rows += [(0, batch, context, times.pace(batch, batch * context).seconds) for context in (1, 512, 4096)]
    return read_step_times(
        dict(zip(("prefill", "batch", "context", "seconds"), zip(*rows, strict=True), strict=True)), "here"
    )


@pytest.mark.parametrize("batch", [1, 3, 8, 16, 24, 60, 128])
@pytest.mark.parametrize("context", [1, 100, 700, 4096])
def test_held_out_cells_are_met(batch: int, context: int) -> None:
    """Batch sizes 8 and 32 are held out of the table: what lies between its rows is told within three percent."""
    found = measured({8, 32}).pace(batch, batch * context)
    assert found.seconds == pytest.approx(Roofline(SERVED).pace(batch, batch * context).seconds, rel=0.03)


def test_a_pace_holds_until_its_piece_ends() -> None:
    steps = measured()
    pace = steps.pace(16, 16 * 100)
    assert pace.until == 16 * 512
    end = pace.seconds + pace.slope * (pace.until - 16 * 100)
    assert end == pytest.approx(steps.pace(16, pace.until).seconds, rel=1e-12)


def test_a_service_on_its_own_table_is_the_service() -> None:
    trace = generate_trace(rate=5, requests=400, prompt="512", generated="lognormal:256,128")
    ours, table = (simulate(trace, SERVED, times) for times in (Roofline(SERVED), measured()))
    assert np.percentile(table.tpot, 50) == pytest.approx(np.percentile(ours.tpot, 50), rel=0.02)
    assert np.percentile(table.ttft, 50) == pytest.approx(np.percentile(ours.ttft, 50), rel=0.1)
    stepwise = simulate(trace, SERVED, measured(), stepwise=True)
    np.testing.assert_allclose(table.finish, stepwise.finish, rtol=0, atol=1e-9)


def test_what_lies_beyond_the_table_is_told(small: Small) -> None:
    steps = measured()
    assert steps.notices() == ()
    simulate(
        generate_trace(rate=1, requests=1, prompt="5000", generated="10"), replace(SERVED, batch_tokens=8192), steps
    )
    [notice] = steps.notices()
    assert notice.code == "beyond-table"
    assert "prefill up to 5000, measured to 4096" in notice.message
    assert "context up to 5001, measured to 4096" in notice.message


def test_noise_does_not_make_a_longer_context_faster() -> None:
    columns = {"prefill": [1, 9, 0, 0, 0, 0], "batch": [0, 0, 1, 1, 2, 2], "context": [0, 0, 1, 9, 1, 9],
               "seconds": [2.0, 1.0, 1.0, 0.9, 1.1, 1.3]}  # fmt: skip
    steps = read_step_times(columns, "here")
    assert steps.pace(1, 9).seconds == 1.0
    assert steps.pace(8, 8 * 500).slope >= 0
    assert steps.step_seconds(Prefill(9, 1, 45, 9), 0, 0) == 2.0


GOOD = {"prefill": [1, 9, 0, 0, 0, 0], "batch": [0, 0, 1, 1, 2, 2], "context": [0, 0, 1, 9, 1, 9], "seconds": [1.0] * 6}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seconds": None}, "no column seconds"),
        ({"seconds": [1, 1, -1, 1, 1, 1]}, "seconds is -1 in row 2"),
        ({"seconds": [1, 1, 1, 1, 1, 0]}, "row 5 took no time"),
        ({"batch": [0, 3, 1, 1, 2, 2]}, "row 1 is neither"),
        ({"prefill": [9, 9, 0, 0, 0, 0]}, "fewer than two prompt lengths"),
        ({"context": [0, 0, 1, 1, 1, 9]}, "fewer than two contexts of batch 1"),
        ({"batch": [0, 0, 1, 1, 1, 1]}, "1 batch size was measured"),
        ({"context": [0, 0, "a", 1, 1, 9]}, "context is 'a' in row 2"),
    ],
)  # fmt: skip
def test_thin_and_bad_tables_are_refused(change: dict[str, Any], says: str) -> None:
    read_step_times(GOOD, "here")
    columns = {name: values for name, values in {**GOOD, **change}.items() if values is not None}
    with pytest.raises(Refused, match=says):
        read_step_times(columns, "here")
