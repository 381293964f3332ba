"""The price of being wrong and the recommended point, against valleys whose answers are known by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allometry.fits import Fit, published_fit
from allometry.laws import find_law
from allometry.plans import SETTLED, Plan, plan

BUDGET = 6e22
EPOCH = {"E": 1.81722, "A": 477.83, "alpha": 0.34731, "B": 2143.4, "beta": 0.36717}
# the least loss of a budget is E + A (C/6)**-g, at log params = m, and rises by k (log params - m)**2 beside it
VALLEY = find_law("E + A / (params * tokens)**g + k * (log(params) - m)**2")
SAME = {"E": 1.5, "A": 50.0, "g": 0.1}
FALLING = 50.0 * (BUDGET / 6) ** -0.1
BEST = 1.5 + FALLING
Known = Callable[..., Fit]


def valleys(known: Known, plain: float, *draws: tuple[float, float]) -> Fit:
    """A fit whose estimate has its valley at log size `plain`, and one draw for each (k, m)."""
    fit = known(VALLEY, {**SAME, "k": 0.02, "m": plain}, draws=1)
    each = [{**SAME, "k": k, "m": m} for k, m in draws]
    return replace(fit, draws=np.array([[one[name] for name in VALLEY.parameter_names] for one in each]))


def wasted(excess: float) -> float:
    """The share of compute wasted by a loss so much above the best."""
    return 1 - (1 + excess / FALLING) ** -10.0


def test_two_valleys_are_priced_and_weighed_by_hand(known: Known) -> None:
    found = plan(valleys(known, 24.0, (0.02, 24.0), (0.06, 25.0)), flops=BUDGET)
    assert found.at["params"].value == pytest.approx(np.exp(24.0), rel=1e-6)
    assert found.wrong is not None
    assert found.recommended is not None
    # the plain plan is right for the first draw and off by one for the second
    assert found.wrong.expected == pytest.approx(0.06 / BEST / 2, rel=1e-6)
    assert found.wrong.p95 == pytest.approx(0.95 * 0.06 / BEST, rel=1e-6)
    assert found.wrong.plain.compute.expected == pytest.approx(wasted(0.06) / 2, rel=5e-3)
    # the mean of two parabolas turns at the mean of their middles, weighed by how steep they are
    best = found.recommended.priced
    assert best.at["params"] == pytest.approx(np.exp((24.0 * 0.02 + 25.0 * 0.06) / 0.08), rel=1e-5)
    assert best.at["params"] * best.at["tokens"] * 6 == pytest.approx(BUDGET)
    assert best.loss.expected == pytest.approx((0.02 * 0.75**2 + 0.06 * 0.25**2) / BEST / 2, rel=1e-6)
    assert best.compute.expected == pytest.approx((wasted(0.02 * 0.75**2) + wasted(0.06 * 0.25**2)) / 2, rel=5e-3)
    assert found.recommended.differs


def test_draws_alike_on_both_sides_recommend_the_plain_plan(known: Known) -> None:
    found = plan(valleys(known, 24.0, (0.02, 23.0), (0.02, 25.0)), flops=BUDGET)
    assert found.recommended is not None
    assert not found.recommended.differs
    assert found.recommended.priced.at["params"] == pytest.approx(found.at["params"].value, rel=1e-4)
    assert found.wrong is not None
    assert found.wrong.expected == pytest.approx(0.02 / BEST, rel=1e-6)


def test_draws_that_all_agree_cost_nothing(known: Known) -> None:
    found = plan(valleys(known, 24.0, (0.02, 24.0), (0.05, 24.0)), flops=BUDGET)
    assert found.wrong is not None
    assert found.recommended is not None
    assert (found.wrong.expected, found.wrong.plain.compute.p95) == (0.0, 0.0)
    assert found.recommended.priced.at == found.wrong.plain.at
    assert not found.recommended.differs


def test_prices_go_across_the_interval(known: Known) -> None:
    found = plan(valleys(known, 24.0, (0.02, 24.0), (0.06, 25.0)), flops=BUDGET)
    assert found.wrong is not None
    sizes = np.array([priced.at["params"] for priced in found.wrong.across])
    assert (sizes[0], sizes[-1]) == (pytest.approx(found.at["params"].value), pytest.approx(found.at["params"].high))
    np.testing.assert_allclose(np.diff(np.log(sizes)), np.log(sizes[-1] / sizes[0]) / 8, rtol=1e-6)
    x = np.log(sizes)
    expected = [priced.loss.expected for priced in found.wrong.across]
    np.testing.assert_allclose(expected, (0.02 * (x - 24) ** 2 + 0.06 * (x - 25) ** 2) / BEST / 2, rtol=1e-5, atol=1e-9)
    assert [name for name, _ in found.prices if name] == ["the plan", "recommended"]
    assert [priced.at["params"] for _, priced in found.prices] == sorted(p.at["params"] for _, p in found.prices)


def test_limits_hold_for_the_recommended_point_too(known: Known) -> None:
    fit = valleys(known, 24.0, (0.02, 24.0), (0.06, 25.0))
    found = plan(fit, flops=BUDGET, at_most={"params": np.exp(24.5)})
    assert found.recommended is not None
    # the second draw's own best is the limit as well, so the best mean is between 24 and 24.5, by the same weights
    best = found.recommended.priced
    assert best.at["params"] == pytest.approx(np.exp(24.5), rel=1e-6)
    assert max(priced.at["params"] for priced in found.wrong.across) <= np.exp(24.5) * (1 + 1e-9)


def test_of_listed_sizes_the_one_of_least_expected_excess(known: Known) -> None:
    fit = valleys(known, 24.0, (0.02, 24.0), (0.02, 24.9))
    sizes = [float(np.exp(x)) for x in (23.9, 24.5, 25.5)]
    found = plan(fit, flops=BUDGET, among={"params": sizes})
    assert found.at["params"].value == pytest.approx(sizes[0])
    assert found.recommended is not None
    assert found.wrong is not None
    # at 23.9 the draws lose nothing and 0.02 (1.0**2 - 0.4**2) against their own best of the list, at 24.5 the first alone
    assert found.recommended.priced.at["params"] == pytest.approx(sizes[1])
    second = BEST + 0.02 * 0.4**2
    assert found.wrong.expected == pytest.approx(0.02 * (1.0 - 0.16) / second / 2, rel=1e-6)
    first = BEST + 0.02 * 0.1**2
    assert found.recommended.priced.loss.expected == pytest.approx(0.02 * (0.25 - 0.01) / first / 2, rel=1e-6)
    assert [priced.at["params"] for priced in found.wrong.across] == pytest.approx(sizes)


def test_a_setting_of_a_further_axis_may_be_recommended(known: Known) -> None:
    law = find_law("E + A / (params * tokens)**g + k * (log(params) - m)**2 + s * log(depth)")
    fit = known(law, {**SAME, "k": 0.02, "m": 24.0, "s": 0.01}, draws=1)
    each = [{**SAME, "k": 0.02, "m": 24.0, "s": s} for s in (0.01, -0.5)]
    fit = replace(fit, draws=np.array([[one[name] for name in law.parameter_names] for one in each]))
    found = plan(fit, flops=BUDGET, among={"depth": [1.0, 2.0]})
    assert found.at["depth"].value == 1.0
    assert found.recommended is not None
    assert found.recommended.priced.at["depth"] == 2.0
    assert found.recommended.differs


def test_a_plan_of_a_loss_is_priced_at_its_flops(known: Known) -> None:
    # a valley in tokens per parameter, so that it is there at every budget: 0.02 (log(params / tokens) - m)**2
    law = find_law("E + A / (params * tokens)**g + k * (log(params / tokens) - m)**2")
    fit = known(law, {**SAME, "k": 0.02, "m": -3.0}, draws=1)
    each = [{**SAME, "k": k, "m": m} for k, m in ((0.02, -3.0), (0.06, -2.0))]
    found = plan(replace(fit, draws=np.array([[one[name] for name in law.parameter_names] for one in each])), loss=BEST)
    assert found.at["flops"].value == pytest.approx(BUDGET, rel=1e-6)
    assert found.wrong is not None
    assert found.recommended is not None
    assert found.wrong.expected == pytest.approx(0.03 / BEST, rel=1e-5)
    best = found.recommended.priced.at
    assert np.log(best["params"] / best["tokens"]) == pytest.approx(-2.25, abs=1e-4)
    # of a loss the interval of size holds other budgets too: prices go across the near-optimal region instead
    sizes = [priced.at["params"] for priced in found.wrong.across]
    assert (sizes[0], sizes[-1]) == pytest.approx(
        (found.near_optimal[-1].axes["params"].low, found.near_optimal[-1].axes["params"].high)
    )


def test_without_draws_there_is_no_price_and_why(known: Known) -> None:
    told = plan(published_fit("chinchilla@hoffmann"), flops=BUDGET).as_json()
    assert told["recommended"] == {
        **dict.fromkeys(("params", "tokens", "expected", "p95", "differs")),
        "compute": {"expected": None, "p95": None},
        "why": "no draws",
    }
    assert told["wrong"]["across"] == []  # type: ignore[index]
    assert told["wrong"]["why"] == "no draws"  # type: ignore[index]
    law = find_law("E + A / (params * tokens)**a + B / params**b")
    endless = plan(known(law, {"E": 1.8, "A": 1e4, "a": 0.3, "B": 400.0, "b": 0.3}), flops=BUDGET)
    assert endless.recommended is None
    assert endless.as_json()["recommended"]["why"] == "no point plan"  # type: ignore[index]


def test_a_size_that_some_draw_has_no_loss_at_has_no_price(known: Known) -> None:
    law = find_law("E + A / params**alpha + B / tokens**beta + 0 * log(G - params)")
    fit = known(law, {**EPOCH, "G": 1e30}, draws=50)
    draws = fit.draws.copy()
    draws[0, law.parameter_names.index("G")] = 1.001 * plan(fit, flops=BUDGET).at["params"].value
    found = plan(replace(fit, draws=draws), flops=BUDGET)
    assert found.wrong is not None
    assert found.recommended is not None
    assert np.isfinite(found.wrong.expected)
    assert np.isfinite(found.recommended.priced.loss.expected)
    assert np.isinf(found.wrong.across[-1].loss.expected)
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["wrong"]["across"][-1]["expected"] is None
    assert told["wrong"]["across"][-1]["compute"]["p95"] <= 1


def test_the_chain_names_the_recommended_point(known: Known) -> None:
    def step(found: Plan) -> str:
        return next(step.says for step in found.steps if step.name == "recommended")

    apart = step(plan(valleys(known, 24.0, (0.02, 24.0), (0.06, 25.0)), flops=BUDGET))
    assert "the plain optimum has" in apart
    assert apart.startswith("params 5.6")
    same = step(plan(valleys(known, 24.0, (0.02, 23.0), (0.02, 25.0)), flops=BUDGET))
    assert same.startswith("the plain optimum: it has the least expected excess")


def test_where_nothing_is_left_to_choose_that_is_said(known: Known) -> None:
    fit = valleys(known, 24.0, (0.02, 24.0), (0.06, 25.0))
    given = plan(fit, flops=BUDGET, fixed={"params": 1e10})
    assert given.wrong.settled
    assert not plan(fit, flops=BUDGET).wrong.settled
    assert next(step.says for step in given.steps if step.name == "recommended") == SETTLED


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spread=st.floats(0.001, 0.1), seed=st.integers(0, 99), log_flops=st.floats(19, 26))
def test_the_recommended_point_is_never_dearer(known: Known, spread: float, seed: int, log_flops: float) -> None:
    fit = known(find_law("chinchilla"), EPOCH, spread=spread, draws=60, seed=seed)
    found = plan(fit, flops=10**log_flops)
    assert found.wrong is not None
    assert found.recommended is not None
    least = found.recommended.priced.loss.expected
    assert least <= found.wrong.expected
    assert all(least <= priced.loss.expected + 1e-12 for priced in found.wrong.across)
    assert all(0 <= priced.compute.expected <= 1 for priced in found.wrong.across)
