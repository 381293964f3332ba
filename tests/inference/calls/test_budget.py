"""Budgets are read as they are meant; a ledger never lets calls exceed one together."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import Allowance, Budget, Clock, Exhausted, Ledger, Meter, Profile, read_budgets
from allometry.notices import Refused


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("256", [{"generated_tokens": 256}]),
        ("calls=8", [{"calls": 8}]),
        ("generated_tokens=64:512:x2", [{"generated_tokens": t} for t in (64, 128, 256, 512)]),
        ("64:100:x2", [{"generated_tokens": 64}]),
        ("calls=1:6:+2", [{"calls": c} for c in (1, 3, 5)]),
        ("money=0.001, seconds=2.5", [{"money": 0.001, "seconds": 2.5}]),
        ("flops=1e12", [{"flops": 1e12}]),
    ],
)
def test_reading(text: str, expected: list[dict[str, float]]) -> None:
    assert [dict(budget) for budget in read_budgets(text)] == expected


@pytest.mark.parametrize(
    "text", ["", "tokens=5", "calls=0", "calls=-1", "calls=x", "1:2", "4:2:x2", "2:8:x1", "2:8:+0", "calls=nan",
             "calls=inf", "1:4:x2,calls=1:4:x2", "calls=1,calls=2", "0:8:x2", "calls="],
)  # fmt: skip
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        read_budgets(text)


def test_the_nearest_unit_is_named() -> None:
    with pytest.raises(Refused, match="generated_tokens"):
        read_budgets("tokens=256")


@given(st.dictionaries(st.sampled_from(["generated_tokens", "calls", "flops", "money", "seconds"]),
                       st.integers(1, 10**9) | st.floats(1e-6, 1e12), min_size=1))  # fmt: skip
def test_text_of_a_budget_reads_back(limits: dict[str, float]) -> None:
    budget = Budget(**limits)
    assert read_budgets(budget.as_text())[0].as_text() == budget.as_text()


def test_units_that_cannot_be_kept_are_refused_before_anything_is_spent() -> None:
    with pytest.raises(Refused, match="needs the model's shape"):
        Budget(flops=1e9).check(Profile("x"))
    with pytest.raises(Refused, match="needs a price of tokens"):
        Budget(money=1).check(Profile("x"))


CALL = st.tuples(st.integers(1, 50), st.floats(0, 1), st.booleans())


@given(st.integers(1, 200), st.lists(CALL, max_size=40), st.randoms())
def test_a_ledger_is_never_exceeded_whatever_runs_at_the_same_time(limit: int, calls: list[Any], random: Any) -> None:
    ledger = Ledger(Budget(generated_tokens=limit, calls=7))
    under_way: list[tuple[int, Meter]] = []
    for most, share, wait in calls:
        worst = Meter(calls=1, generated_tokens=most)
        try:
            under_way.append((ledger.reserve(worst), Meter(calls=1, generated_tokens=math.floor(most * share))))
        except Exhausted:
            assert not ledger.fits(worst)
        while under_way and not wait:
            ledger.settle(*under_way.pop(random.randrange(len(under_way))))
        held = sum(used.generated_tokens for _, used in under_way)
        assert ledger.spent.generated_tokens + held <= limit
        assert ledger.spent.calls + len(under_way) <= 7
    assert Allowance(ledger, Clock()).left() <= limit - ledger.spent.generated_tokens + 1e-9


def test_the_whole_of_a_budget_can_be_spent() -> None:
    ledger = Ledger(Budget(money=0.3))
    for _ in range(3):
        ledger.settle(ledger.reserve(Meter(money=0.1)), Meter(money=0.1))
    with pytest.raises(Exhausted, match="may be needed"):
        ledger.reserve(Meter(money=0.1))
