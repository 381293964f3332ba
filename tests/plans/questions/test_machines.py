"""Two systems on several machines: planted crossings and published throughputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from allometry.fits import Fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans.questions import Machine, machines

HOURS = find_law("accelerator_hours")


def test_systems_cross_where_planted_and_cost_by_machine(known: Callable[..., Fit]) -> None:
    """Two trends over hours that meet at 5000; tokens a second of the Languini study for GPT and qLSTM small."""
    first = known(HOURS, {"E": 2.0, "A": 1.0, "alpha": 0.1}, spread=1e-4, draws=30)
    second = known(HOURS, {"E": 2.0, "A": 5000**0.1, "alpha": 0.2}, spread=1e-4, draws=30, seed=1)
    reference, other = Machine("rtx3090", 55_416, 11_143, 0.2), Machine("a100", 135_107, 20_000, 1.5)
    found = machines(first, second, reference, [other])
    at = found.figures["crossing 1, hours"]
    assert at.value == pytest.approx(5000, rel=1e-6)
    assert at.low < 5000 < at.high
    assert found.figures["crossing 1, money on rtx3090, first"] == pytest.approx(1000)
    assert found.figures["crossing 1, money on a100, second"] == pytest.approx(5000 * 11_143 / 20_000 * 1.5)
    row = next(
        row for row in found.rows if row["class"] == 6 and row["machine"] == "rtx3090" and row["system"] == "first"
    )
    assert round(row["tokens"] / (128 * 512)) == 18_265  # the published steps of GPT small in 6 hours
    with pytest.raises(Refused):
        Machine("none", 0.0, 1.0)
    with pytest.raises(Refused, match="two machines are called rtx3090"):
        machines(first, second, reference, [reference])
