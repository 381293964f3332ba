"""Plans from known constants: the answer, its interval, and every way in which there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from allometry.fits import Fit, published_fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import Plan, optimal_params, plan, shown

BUDGET = 5.76e23
EPOCH = {"E": 1.81722, "A": 477.83, "alpha": 0.34731, "B": 2143.4, "beta": 0.36717}
Known = Callable[..., Fit]


def chinchilla(known: Known, **options: float) -> Fit:
    return known(find_law("chinchilla"), EPOCH, **options)


def codes(found: Plan) -> set[str]:
    return {notice.code for notice in found.notices}


def test_the_optimum_at_chinchillas_budget(known: Known) -> None:
    found = plan(chinchilla(known), flops=BUDGET)
    size, tokens = found.at["params"], found.at["tokens"]
    assert size.value == pytest.approx(73.19e9, rel=1e-3)
    assert size.value * tokens.value * 6 == pytest.approx(BUDGET)
    assert size.low < size.value < size.high
    assert size.low * tokens.high * 6 == pytest.approx(BUDGET, rel=1e-6)
    assert found.interval == "fit noise only"
    assert found.complete
    assert found.loss.value == pytest.approx(1.9739, abs=1e-3)


def test_published_constants_plan_without_intervals() -> None:
    found = plan(published_fit("chinchilla@hoffmann"), flops=BUDGET)
    assert found.at["params"].value == pytest.approx(32.2e9, rel=0.01)
    assert (found.at["params"].low, found.at["params"].high) == (None, None)
    assert found.at["params"].why
    assert (found.interval, found.provenance, found.wrong) == ("none", "published", None)
    assert {step.mark for step in found.steps} == {"published", "assumed"}


def test_kaplan_plans_its_own_count_of_parameters() -> None:
    law = find_law("kaplan")
    size = next(name for name in law.axes if name != "tokens")
    found = plan(published_fit("kaplan@kaplan2020"), flops=1e23, vocab=50257)
    assert found.at[size].value > found.at["tokens"].value / 10
    assert found.shape is not None
    assert found.shape.convention == "non-embedding"


def test_a_loss_costs_what_its_budget_says(known: Known) -> None:
    fit = chinchilla(known)
    forward = plan(fit, flops=BUDGET)
    back = plan(fit, loss=forward.loss.value)
    assert back.at["flops"].value == pytest.approx(BUDGET, rel=1e-6)
    assert back.at["params"].value == pytest.approx(forward.at["params"].value, rel=1e-5)
    assert back.at["flops"].low < BUDGET < back.at["flops"].high


def test_draws_that_never_reach_the_loss_empty_the_upper_ends(known: Known) -> None:
    found = plan(chinchilla(known, spread=0.03), loss=1.87)
    for name in ("flops", "params", "tokens"):
        assert found.at[name].high is None
        assert found.at[name].low is not None
        assert "never reach this loss" in found.at[name].why
    json.dumps(found.as_json(), allow_nan=False)


def test_a_loss_below_the_floor_is_refused(known: Known) -> None:
    with pytest.raises(Refused, match="never reaches") as refused:
        plan(chinchilla(known), loss=1.5)
    assert refused.value.code == "loss-out-of-reach"


def test_being_wrong_is_priced_against_each_draws_own_optimum(known: Known) -> None:
    fit = chinchilla(known, draws=40)
    found = plan(fit, flops=BUDGET)
    excess = []
    for draw in fit.draws:
        truth = replace(fit, estimate=draw, draws=fit.draws[:0])
        best = plan(truth, flops=BUDGET).loss.value
        built = truth.predict({name: [found.at[name].value] for name in ("params", "tokens")})[0]
        excess.append(built / best - 1)
    assert found.wrong.expected == pytest.approx(np.mean(excess), rel=1e-6)
    assert found.wrong.p95 == pytest.approx(np.quantile(excess, 0.95), rel=1e-6)


def test_regions_end_where_the_loss_is_that_much_worse(known: Known) -> None:
    fit = chinchilla(known)
    found = plan(fit, flops=BUDGET, within=(0.01, 0.005))
    assert [region.within for region in found.near_optimal] == [0.005, 0.01]
    for region in found.near_optimal:
        for size in (region.axes["params"].low, region.axes["params"].high):
            loss = fit.predict({"params": [size], "tokens": [BUDGET / 6 / size]})[0]
            assert loss == pytest.approx(found.loss.value * (1 + region.within), rel=1e-9)
        tokens = region.axes["tokens"]
        assert tokens.low * region.axes["params"].high * 6 == pytest.approx(BUDGET)
    assert found.as_json()["near_optimal"]["params"]["within"] == 0.005  # type: ignore[index]


def test_no_interior_optimum_is_said_and_nothing_is_planned(known: Known) -> None:
    law = find_law("E + A / (params * tokens)**a + B / params**b")
    found = plan(known(law, {"E": 1.8, "A": 1e4, "a": 0.3, "B": 400.0, "b": 0.3}), flops=BUDGET, vocab=32000)
    assert "no-interior-optimum" in codes(found)
    assert not found.complete
    assert found.at["params"].value is None
    assert found.at["params"].high is None
    assert "no interior optimum" in found.at["params"].why
    assert (found.wrong, found.shape, found.loss.value, found.near_optimal) == (None, None, None, ())
    json.dumps(found.as_json(), allow_nan=False)


def test_draws_at_a_bound_empty_that_end_alone(known: Known) -> None:
    fit = chinchilla(known)
    bad = fit.draws.copy()
    bad[:80, fit.law.parameter_names.index("beta")] = 1e-9  # tokens that do nothing: all FLOPs go into size
    found = plan(replace(fit, draws=bad), flops=BUDGET)
    assert found.at_bound == (0.0, pytest.approx(0.08))
    assert found.at["params"].high is None
    assert found.at["params"].low > 1e9
    assert "8% of the draws" in found.at["params"].why
    assert found.at["tokens"].low is None
    assert found.at["tokens"].high is not None
    assert "draws-at-bound" in codes(found)
    few = fit.draws.copy()
    few[:40, fit.law.parameter_names.index("beta")] = 1e-9
    assert plan(replace(fit, draws=few), flops=BUDGET).at["params"].high is not None


def test_limits_are_kept_and_named(known: Known) -> None:
    fit = chinchilla(known)
    found = plan(fit, flops=BUDGET, at_most={"params": 30e9})
    assert found.at["params"].value == 30e9
    assert found.at["params"].high is None
    assert "as asked" in found.at["params"].why
    assert codes(found) == {"at-limit"}
    assert found.near_optimal[0].axes["params"].high == pytest.approx(30e9)
    turned = plan(fit, flops=BUDGET, at_least={"tokens": BUDGET / 6 / 30e9})
    assert turned.at["params"].value == pytest.approx(30e9)
    loose = plan(fit, flops=BUDGET, at_most={"params": 1e12})
    assert loose.at["params"].value == pytest.approx(plan(fit, flops=BUDGET).at["params"].value)


def test_fixed_and_listed_sizes(known: Known) -> None:
    fit = chinchilla(known)
    fixed = plan(fit, flops=BUDGET, fixed={"params": 7e9})
    assert fixed.at["params"].value == 7e9
    assert fixed.at["tokens"].value == pytest.approx(BUDGET / 6 / 7e9)
    assert fixed.wrong.expected == pytest.approx(0.0, abs=1e-12)
    listed = plan(fit, flops=BUDGET, among={"params": [7e9, 13e9, 70e9, 400e9]})
    assert listed.at["params"].value == 70e9
    assert {listed.at["params"].low, listed.at["params"].high} <= {7e9, 13e9, 70e9, 400e9}
    cheapest = plan(fit, loss=2.0, among={"tokens": [1e12, 4e12]})
    assert cheapest.at["tokens"].value == 1e12
    assert fit.predict({name: [cheapest.at[name].value] for name in ("params", "tokens")})[0] == pytest.approx(2.0)


def test_further_axes_must_be_given_and_may_be_chosen(known: Known) -> None:
    law = find_law("data_constrained")
    fit = known(law, dict(law.published["muennighoff2023"].values), draws=50, spread=0.003)
    with pytest.raises(Refused, match="unique_tokens") as refused:
        plan(fit, flops=1e22)
    assert refused.value.code == "axis-open"
    one = plan(fit, flops=1e22, fixed={"unique_tokens": 2.5e10})
    best = plan(fit, flops=1e22, among={"unique_tokens": [1e10, 2.5e10, 1e11]})
    assert best.at["unique_tokens"].value == 1e11
    assert best.loss.value < one.loss.value
    assert any(step.name == "further axes" for step in one.steps)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "plan-ask"),
        ({"flops": 1e22, "loss": 2.0}, "plan-ask"),
        ({"flops": -1.0}, "plan-ask"),
        ({"loss": float("nan")}, "plan-ask"),
        ({"flops": 1e22, "fixed": {"width": 512.0}}, "unknown-axis"),
        ({"flops": 1e22, "at_most": {"flops": 1e21}}, "unknown-axis"),
        ({"flops": 1e22, "fixed": {"params": 0.0}}, "bad-value"),
        ({"flops": 1e22, "among": {"params": []}}, "bad-value"),
        ({"flops": 1e22, "fixed": {"params": 1e9, "tokens": 1e9}}, "nothing-open"),
        ({"flops": 1e22, "fixed": {"params": 1e9}, "among": {"params": [1e9]}}, "set-twice"),
        ({"flops": 1e22, "at_least": {"params": 2e9}, "at_most": {"params": 1e9}}, "empty-limits"),
        ({"flops": 1e22, "at_most": {"params": 1e9, "tokens": 1e9}}, "no-allocation"),
        ({"flops": 1e22, "fixed": {"params": 1e12}, "at_least": {"tokens": 1e12}}, "no-allocation"),
    ],
)
def test_what_cannot_be_planned_is_refused(known: Known, options: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refused:
        plan(chinchilla(known, draws=10), **options)  # type: ignore[arg-type]
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["power", "E + A / params**alpha"])
def test_laws_without_size_and_tokens_are_refused(known: Known, name: str) -> None:
    with pytest.raises(Refused, match="split FLOPs") as refused:
        plan(known(find_law(name), {"E": 1.7, "A": 1000.0, "alpha": 0.15}, draws=5), flops=1e22)
    assert refused.value.code == "no-allocation"


def test_the_shape_is_counted_as_the_fit_counts(known: Known) -> None:
    fit = chinchilla(known, draws=10)
    total = plan(fit, flops=BUDGET, vocab=128_000)
    assert total.shape is not None
    assert total.shape.counts.total == pytest.approx(total.at["params"].value, rel=0.03)
    rows = replace(fit.rows, conventions={"params": "non-embedding"})
    without = plan(replace(fit, rows=rows), flops=BUDGET, vocab=128_000)
    assert without.shape is not None
    assert without.shape.counts.non_embedding == pytest.approx(without.at["params"].value, rel=0.03)
    assert "in total" in without.steps[-1].says
    unknown = plan(fit, flops=BUDGET)
    assert (unknown.shape, unknown.shape_why) == (None, "no vocabulary was given")


def test_every_step_says_where_it_comes_from(known: Known) -> None:
    found = plan(chinchilla(known, draws=10), flops=BUDGET, at_most={"params": 200e9})
    assert {step.mark for step in found.steps} <= {"measured", "fitted", "published", "assumed"}
    text = " ".join(step.says for step in found.steps)
    assert "6 x params x tokens" in text
    assert "params at most 2e+11" in text


def test_json_holds_the_contract(known: Known) -> None:
    found = json.loads(json.dumps(plan(chinchilla(known), flops=BUDGET, vocab=32000).as_json(), allow_nan=False))
    for axis in ("params", "tokens", "flops"):
        assert set(found["plan"][axis]) == {"value", "low", "high", "why"}
    assert set(found["loss"]) == {"value", "low", "high", "why"}
    assert set(found["near_optimal"]["params"]) >= {"low", "high"}
    assert found["wrong"]["expected"] <= found["wrong"]["p95"]
    assert found["interval"] == "fit noise only"
    assert found["steps"]
    assert found["shape"]["params"]["total"] > 0


def test_the_quantity_of_diagnosis_is_the_plans_size(known: Known) -> None:
    fit = chinchilla(known, draws=20)
    sizes = optimal_params(BUDGET)(fit.law, fit.draws)
    assert sizes.shape == (20,)
    found = plan(fit, flops=BUDGET).at["params"]
    assert found.low == pytest.approx(np.quantile(sizes, 0.05))
    assert "[" in shown(found)
