"""When to stack a model, and whether it pays: published times and planted speed-ups."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from allometry.fits import Fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans.questions import grow, speedup

POWER = find_law("power")


@pytest.mark.parametrize(
    ("params", "flops", "tokens"), [(4.1e8, 1e20, 1.0e10), (1.1e9, 8e20, 1.06e10), (7e9, 1e22, 2.2e10)]
)
def test_stacking_time_as_published(params: float, flops: float, tokens: float) -> None:
    """Du et al. 2024, arXiv 2405.15319, eq. 2 with its constants."""
    found = grow(params, flops)
    assert found.figures["tokens before stacking"] == pytest.approx(tokens, rel=0.02)
    assert sum(row["flops"] for row in found.rows if row["way"] == "stack") == pytest.approx(flops)
    assert {notice.code for notice in found.notices} == {"no-verdict"}


@pytest.mark.parametrize(("scratch", "grown", "share"), [(300e9, 194e9, 0.546)])
def test_speed_up_as_published(scratch: float, grown: float, share: float) -> None:
    """194 B tokens of a grown 7B reach the loss of 300 B from scratch: 54.6%."""
    assert speedup(scratch, grown) == pytest.approx(share, abs=0.0005)


def test_two_fits_say_whether_stacking_pays(known: Callable[..., Fit]) -> None:
    at = {"E": 0.0, "A": 30.0, "alpha": 0.06}
    scratch = known(POWER, {**at, "E": 1e-12}, spread=1e-4, draws=40)
    grown = known(POWER, {**at, "E": 1e-12, "A": 30.0 * 1.5**-0.06}, spread=1e-4, draws=40, seed=1)
    found = grow(1e9, 1e21, scratch=scratch, grown=grown)
    up = found.figures["speed-up"]
    assert up.value == pytest.approx(0.5, rel=1e-6)
    assert up.low < 0.5 < up.high
    noisy = known(POWER, {**at, "E": 1e-12, "A": 30.0 * 1.02**-0.06}, spread=0.02, draws=40, seed=2)
    found = grow(1e9, 1e21, scratch=scratch, grown=noisy)
    assert "NOT certain" in found.sentence
    assert "saving-uncertain" in {notice.code for notice in found.notices}
    for wrong in (
        {"params": -1.0, "flops": 1e21},
        {"params": 1e9, "flops": 1e21, "factor": 1},
        {"params": 1e9, "flops": 1e21, "scratch": scratch},
    ):
        with pytest.raises(Refused):
            grow(**wrong)
