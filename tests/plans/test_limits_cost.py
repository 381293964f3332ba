"""What limits cost: against valleys known by hand, and against Chinchilla's closed form."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from allometry.fits import Fit, published_fit
from allometry.laws import find_law
from allometry.plans import plan

BUDGET = 5.76e23
EPOCH = {"E": 1.81722, "A": 477.83, "alpha": 0.34731, "B": 2143.4, "beta": 0.36717}
# a valley in tokens per parameter: E + A (C/6)**-g at its bottom, k (log(params / tokens) - m)**2 above that beside it
VALLEY = find_law("E + A / (params * tokens)**g + k * (log(params / tokens) - m)**2")
BOTTOM = {"E": 1.5, "A": 50.0, "g": 0.1, "k": 0.02, "m": -3.0}
FALLING = 50.0 * (BUDGET / 6) ** -0.1
Known = Callable[..., Fit]


def chinchilla(known: Known, **options: float) -> Fit:
    return known(find_law("chinchilla"), EPOCH, **options)


def valleys(known: Known, *draws: dict[str, float]) -> Fit:
    fit = known(VALLEY, BOTTOM, draws=1)
    return replace(fit, draws=np.array([[{**BOTTOM, **one}[name] for name in VALLEY.parameter_names] for one in draws]))


def size_at(ratio: float, flops: float = BUDGET) -> float:
    """The size of log(params / tokens) = ratio."""
    return float(np.sqrt(flops / 6 * np.exp(ratio)))


def best_loss(values: dict[str, float], flops: float) -> float:
    """The least loss of a budget by eq. 4 of Hoffmann et al. 2022."""
    e, a, alpha, b, beta = (values[name] for name in ("E", "A", "alpha", "B", "beta"))
    g = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    size = g * (flops / 6) ** (beta / (alpha + beta))
    return float(e + a / size**alpha + b / (flops / 6 / size) ** beta)


def closed(values: dict[str, float], size: float) -> tuple[float, float]:
    """What a size fixed at the budget costs: in loss, and as a share of the compute by a root of the closed form."""
    had = values["E"] + values["A"] / size ** values["alpha"] + values["B"] / (BUDGET / 6 / size) ** values["beta"]
    log_flops = brentq(lambda x: best_loss(values, np.exp(x)) - had, np.log(BUDGET) - 30, np.log(BUDGET), xtol=1e-12)
    return had - best_loss(values, BUDGET), 1 - np.exp(log_flops) / BUDGET


@pytest.mark.parametrize("size", [1e9, 7e9, 30e9, 200e9, 2e12])
def test_a_fixed_size_costs_what_the_closed_form_says(known: Known, size: float) -> None:
    fit = chinchilla(known, draws=60)
    (found,) = plan(fit, flops=BUDGET, fixed={"params": size}).limits
    loss, share = closed(EPOCH, size)
    assert (found.limit.option, found.limit.axis, found.binds) == ("--fix", "params", True)
    assert found.loss.value == pytest.approx(loss, rel=1e-9)
    assert found.compute.value == pytest.approx(share, rel=1e-5)
    assert found.flops.value == pytest.approx(share * BUDGET, rel=1e-5)
    draws = [closed(dict(zip(fit.law.parameter_names, row, strict=True)), size) for row in fit.draws.tolist()]
    for interval, values in ((found.loss, [d[0] for d in draws]), (found.compute, [d[1] for d in draws])):
        assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(values, [0.05, 0.95])), rel=1e-4)


def test_a_valley_is_priced_by_hand(known: Known) -> None:
    # from the bottom at -3 to -2: a parabola of height k, and the flat bottom of the draw at -2 costs nothing
    fit = valleys(known, {"m": -3.0}, {"m": -2.0})
    (found,) = plan(fit, flops=BUDGET, at_least={"params": size_at(-2.0)}, level=0.999999).limits
    assert found.loss.value == pytest.approx(0.02, rel=1e-6)
    assert found.compute.value == pytest.approx(1 - (1 + 0.02 / FALLING) ** -10, rel=1e-6)
    assert (found.loss.low, found.loss.high) == pytest.approx((0.0, 0.02), abs=1e-6)


def flops_of(values: dict[str, float], loss: float, size: float) -> tuple[float, float]:
    """The FLOPs that a size takes to a loss, and the least that any does."""
    tokens = (values["B"] / (loss - values["E"] - values["A"] / size ** values["alpha"])) ** (1 / values["beta"])
    least = np.exp(brentq(lambda x: best_loss(values, np.exp(x)) - loss, np.log(1e18), np.log(1e28), xtol=1e-12))
    return 6 * size * tokens, float(least)


def test_of_a_loss_the_cost_is_in_flops(known: Known) -> None:
    fit = chinchilla(known, draws=40, spread=0.005)
    found = plan(fit, loss=2.0, fixed={"params": 20e9})
    (cost,) = found.limits
    fixed, least = flops_of(EPOCH, 2.0, 20e9)
    assert found.at["flops"].value == pytest.approx(fixed, rel=1e-6)
    assert cost.flops.value == pytest.approx(fixed - least, rel=1e-4)
    assert cost.compute.value == pytest.approx(1 - least / fixed, rel=1e-4)
    assert (cost.loss.value, cost.loss.why) == (None, "the loss is as asked")
    assert cost.says == f"without it {least:.4g} FLOPs would do"
    draws = [flops_of(dict(zip(fit.law.parameter_names, row, strict=True)), 2.0, 20e9) for row in fit.draws.tolist()]
    ends = np.quantile([had - best for had, best in draws], [0.05, 0.95])
    assert (cost.flops.low, cost.flops.high) == pytest.approx(tuple(ends), rel=1e-4)


def test_a_limit_that_makes_a_loss_unreachable_to_draws_costs_them_everything(known: Known) -> None:
    free = plan(chinchilla(known, spread=0.0, draws=1), loss=2.0).at["flops"].value
    found = plan(chinchilla(known, spread=0.02, draws=200), loss=2.0, at_most={"params": 12e9})
    (cost,) = found.limits
    assert found.at["flops"].high is None
    assert cost.flops.value == pytest.approx(found.at["flops"].value - free, rel=1e-5)
    assert cost.flops.high is None
    assert cost.compute.high == pytest.approx(1.0, abs=1e-9)


def test_a_limit_that_does_not_bind_costs_exactly_nothing(known: Known) -> None:
    for fit in (chinchilla(known), valleys(known, {"m": -3.1}, {"m": -2.9})):
        for limit in ({"at_most": {"params": 2e13}}, {"at_least": {"tokens": 1e10}}, {"at_most": {"tokens": 1e15}}):
            (found,) = plan(fit, flops=BUDGET, **limit).limits  # type: ignore[arg-type]
            for cost in (found.loss, found.flops, found.compute):
                assert (cost.value, cost.low, cost.high) == (0.0, 0.0, 0.0)
            assert found.binds is False
            assert found.says == "it does not bind"


def test_a_limit_that_binds_for_some_draws_says_so(known: Known) -> None:
    (found,) = plan(chinchilla(known, spread=0.03), flops=BUDGET, at_most={"params": 80e9}).limits
    assert (found.loss.value, found.loss.low, found.compute.value) == (0.0, 0.0, 0.0)
    assert found.loss.high > 0
    assert "does for some draws" in found.says


def test_limits_are_priced_one_by_one_and_together(known: Known) -> None:
    fit = chinchilla(known, draws=30)
    among = {"params": [200e9, 400e9]}
    told = plan(fit, flops=BUDGET, among=among, at_most={"tokens": 3e11}).as_json()
    one, other, both = told["limits"]  # type: ignore[misc]
    assert [one["option"], other["option"], both["option"]] == ["--at-most", "--among", "all"]
    assert other["limit"] == "params among 2e+11, 4e+11"
    # 200 B leaves 480 B tokens, so the limit on tokens asks for 400 B; alone it would ask for 320 B
    values = {name: dict(zip(fit.law.parameter_names, fit.estimate, strict=True))[name] for name in EPOCH}
    both_loss, both_share = closed(values, 400e9)
    assert both["loss"]["value"] == pytest.approx(both_loss, rel=1e-6)
    assert both["compute"]["value"] == pytest.approx(both_share, rel=1e-4)
    assert one["loss"]["value"] == pytest.approx(both_loss - closed(values, 200e9)[0], rel=1e-6)
    assert other["loss"]["value"] == pytest.approx(both_loss - closed(values, BUDGET / 6 / 3e11)[0], rel=1e-6)
    json.dumps(told, allow_nan=False)


def test_a_value_of_a_further_axis_is_no_limit(known: Known) -> None:
    law = find_law("data_constrained")
    fit = known(law, dict(law.published["muennighoff2023"].values), draws=20, spread=0.003)
    assert plan(fit, flops=1e22, fixed={"unique_tokens": 2.5e10}).limits == ()
    costs = plan(fit, flops=1e22, fixed={"unique_tokens": 2.5e10}, at_most={"params": 1e9}).limits
    assert [cost.limit.axis for cost in costs] == ["params"]
    assert costs[0].compute.value > 0
    assert costs[0].compute.low < costs[0].compute.value < costs[0].compute.high


def test_without_the_limit_there_is_no_plan_to_compare_with(known: Known) -> None:
    law = find_law("E + A / (params * tokens)**a + B / params**b")
    fit = known(law, {"E": 1.8, "A": 1e4, "a": 0.3, "B": 400.0, "b": 0.3}, draws=20)
    found = plan(fit, flops=BUDGET, at_most={"params": 1e11})
    (cost,) = found.limits
    assert found.complete
    assert (cost.compute.value, cost.binds) == (None, None)
    assert cost.says.startswith("without the limit no interior optimum")
    json.dumps(found.as_json(), allow_nan=False)
    # and where the plan itself has none, its limits have no price
    (none,) = plan(fit, flops=BUDGET, at_least={"params": 1e10}).limits
    assert none.says.startswith("no interior optimum")


def test_draws_that_go_to_an_end_of_the_search_leave_the_cost_open(known: Known) -> None:
    fit = chinchilla(known)
    bad = fit.draws.copy()
    bad[:80, fit.law.parameter_names.index("beta")] = 1e-9
    (cost,) = plan(replace(fit, draws=bad), flops=BUDGET, at_most={"params": 30e9}).limits
    assert cost.loss.value > 0
    assert cost.loss.low is not None
    assert (cost.loss.high, cost.compute.high) == (None, None)
    assert "8% of the draws go to an end of the search" in cost.loss.why


def test_published_constants_price_limits_without_intervals() -> None:
    (cost,) = plan(published_fit("chinchilla@hoffmann"), flops=BUDGET, fixed={"params": 70e9}).limits
    assert cost.loss.value > 0
    assert (cost.loss.low, cost.compute.high) == (None, None)
    assert cost.loss.why.startswith("none")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.floats(9, 12.5),
    tokens=st.floats(10.5, 14),
    kind=st.sampled_from(["at_most", "at_least"]),
    seed=st.integers(0, 99),
)
def test_a_limit_never_lowers_loss(known: Known, size: float, tokens: float, kind: str, seed: int) -> None:
    fit = chinchilla(known, draws=40, spread=0.02, seed=seed)
    limits = {"params": 10**size, "tokens": 10**tokens}
    product = np.prod([*limits.values()]) * 6
    if (product < BUDGET) == (kind == "at_most"):
        return  # leaves nothing
    one, other, both = plan(fit, flops=BUDGET, **{kind: limits}).limits  # type: ignore[arg-type]
    for cost in (one, other, both):
        assert cost.loss.value >= 0
        assert cost.loss.low >= 0
        assert 0 <= cost.compute.value < 1
        assert cost.binds == (cost.loss.value > 0)
        assert both.loss.value >= cost.loss.value - 1e-12
        assert both.compute.value >= cost.compute.value - 1e-4
