"""Train bigger or think longer, over volumes of inference."""

from __future__ import annotations

from collections.abc import Callable

from allometry.fits import Fit
from allometry.laws import find_law
from allometry.plans.questions import bigger_or_longer

COVERAGE = find_law("coverage")


def test_bigger_or_longer_over_volumes(known: Callable[..., Fit]) -> None:
    small, large = (known(COVERAGE, {"a": a, "b": 0.5}, spread=1e-3, draws=60, seed=int(a)) for a in (3.0, 1.0))
    found = bigger_or_longer(small, large, larger=8, tokens=1e12, inference_tokens=1e12)
    assert found.sentence.startswith("think longer")
    assert not found.notices
    even = found.figures["break-even, inference tokens"].value
    for row in found.rows:
        assert row["cheaper"] == ("think longer" if row["inference tokens"] <= even else "train bigger")
    vague = bigger_or_longer(small, large, larger=8, tokens=1e12, inference_tokens=even * 1.0001)
    assert "NOT certain" in vague.sentence
    assert [notice.code for notice in vague.notices] == ["saving-uncertain"]
    assert {step.name for step in vague.steps} >= {"smaller model", "larger model", "exchange rate", "break-even"}
