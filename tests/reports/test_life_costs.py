"""The panel of costs computes in the page what `plans.lifetime` computes."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allometry.costs import Price, find_hardware, write_hardware
from allometry.fits import Fit, published_fit
from allometry.plans import Deployment, Lifetime, lifetime
from allometry.plans.ends import open_percentiles
from allometry.reports.life_costs import life_costs
from allometry.reports.sliders import sliders

quickjs: Any = pytest.importorskip("quickjs")
DEVICE = replace(find_hardware("h100"), price=None)
PRICE = Price(date=datetime.date(2026, 11, 1), source="an invoice", device_hour=2.5, utilisation=1.0)
MONEY = Deployment(training=DEVICE, serving=DEVICE, training_price=PRICE, serving_price=PRICE, prompt=512, generated=512, batch=16)  # fmt: skip


def page(fit: Fit, money: Deployment | None = None, planned: dict[str, float] | None = None) -> Any:
    found, panel = sliders(fit), life_costs(fit, planned or {}, money)
    assert found is not None
    assert panel is not None
    context = quickjs.Context()
    for name in ("sliders.js", "lifetime.js"):
        context.eval((files("allometry.reports") / name).read_text(encoding="utf-8"))
    context.eval(f"const law = {found.function}, data = {found.data}, cost = {panel.data};")
    return context


def chosen(context: Any, **values: float) -> dict[str, Any]:
    """What the page finds for these values of the sliders, the budget as it starts unless it is given."""
    start = {"budget": context.eval("cost.budget.start"), "served": 1e12, "training": 1.0, "serving": 1.0}
    context.eval(f"var chosen = {json.dumps({**start, **values})}; var found = lifePlan(law, data, cost, chosen);")
    found: dict[str, Any] = json.loads(context.eval("JSON.stringify(found)"))
    if context.eval("data.draws.length"):
        found["ends"] = json.loads(context.eval("JSON.stringify(lifeIntervals(law, data, cost, chosen, found))"))
    return found


def same(found: dict[str, Any], ours: Lifetime) -> None:
    assert found["plan"]["size"] == pytest.approx(ours.at["params"].value, rel=1e-3)  # the minimum is flat
    assert found["plan"]["tokens"] == pytest.approx(ours.at["tokens"].value, rel=1e-3)
    assert found["other"]["size"] == pytest.approx(ours.savings[0].size, rel=1e-3)
    assert found["saved"] == pytest.approx(ours.savings[0].share.value, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("served", [1e9, 1e12, 1e14])
def test_values_and_ends_are_those_of_the_plan_in_flops(chinchilla_fit: Fit, served: float) -> None:
    context = page(chinchilla_fit)
    found, budget = chosen(context, served=served), context.eval("cost.budget.start")
    ours = lifetime(chinchilla_fit, flops=budget, inference_tokens=served)
    same(found, ours)
    for name, interval in (("size", ours.at["params"]), ("tokens", ours.at["tokens"])):
        assert found["ends"][name] == pytest.approx((interval.low, interval.high), rel=2e-3)
    share = ours.savings[0].share
    assert found["ends"]["saved"] == pytest.approx((share.low, share.high), rel=1e-3, abs=1e-6)


def test_values_are_those_of_the_plan_in_money(chinchilla_fit: Fit) -> None:
    context = page(chinchilla_fit, MONEY, {"flops": 3e23})
    ours = lifetime(chinchilla_fit, flops=3e23, inference_tokens=1e12, money=MONEY)
    found = chosen(context)
    same(found, ours)
    assert found["plan"]["total"] == pytest.approx(ours.total.value, rel=1e-6)
    assert context.eval("trainingCost(cost, chosen, found.plan.size, found.plan.tokens)") == pytest.approx(
        ours.training.value, rel=1e-3
    )
    assert context.eval("servingCost(cost, chosen, found.plan.size)") == pytest.approx(ours.serving.value, rel=1e-3)


def test_prices_move_the_plan_as_they_do_in_python(chinchilla_fit: Fit) -> None:
    context = page(chinchilla_fit, MONEY, {"flops": 3e23})
    dearer = replace(MONEY, training_price=replace(PRICE, device_hour=10.0))
    ours = lifetime(chinchilla_fit, flops=3e23, inference_tokens=1e12, money=dearer)
    same(chosen(context, training=4.0), ours)


def test_sliders_say_what_a_factor_of_one_costs(chinchilla_fit: Fit) -> None:
    context = page(chinchilla_fit, MONEY)
    titles = {each["of"]: each for each in json.loads(context.eval("JSON.stringify(cost.sliders)"))}
    assert titles["training"]["start"] == 2.5
    assert titles["training"]["title"] == "training, USD per hour of one h100"
    size = float(
        f"{lifetime(chinchilla_fit, flops=context.eval('cost.budget.start'), inference_tokens=1e12).at['params'].value:.0e}"
    )
    rates = MONEY.rates(1e6)
    assert rates.serving is not None
    assert titles["serving"]["start"] == pytest.approx(float(rates.serving.at(size)), rel=1e-9)


def test_a_loss_that_some_draws_never_reach_leaves_the_interval_open(chinchilla_fit: Fit) -> None:
    """As in Python: a size too small for the loss by 5% of the draws has no upper end."""
    context = page(chinchilla_fit)
    for values in ([1.0, 2.0, np.inf, np.inf], [1.0] * 99 + [np.inf], [np.inf, np.inf], [1.0, 4.0, 2.0, 9.0]):
        text = json.dumps([None if value == np.inf else value for value in values])
        context.eval(f"var values = {text}.map((value) => value === null ? Infinity : value);")
        ours = open_percentiles(np.array(values), chinchilla_fit.settings.level)
        found = json.loads(context.eval("JSON.stringify(openEnds(data, cost, values))"))
        assert found == [ours.low if ours.low is None else pytest.approx(ours.low), ours.high]


def test_published_constants_have_values_and_no_ends() -> None:
    fit = published_fit("chinchilla@hoffmann")
    context = page(fit, planned={"flops": 1e23})
    same(chosen(context, served=2e12), lifetime(fit, flops=1e23, inference_tokens=2e12))


def test_each_number_says_where_it_comes_from(chinchilla_fit: Fit) -> None:
    for money in (None, MONEY):
        panel = life_costs(chinchilla_fit, {}, money)
        assert panel is not None
        marks = {step.name: step.mark for step in panel.steps}
        assert marks["law"] == "fitted"
        assert marks["served"] == marks["cost by size"] == "assumed"
        assert marks["training price"] == ("assumed" if money is None else "published")
        costed = json.loads(panel.data)["costed"]
        assert costed is None if money is None else 5e8 < costed[0] < 1e9 < 3e10 < costed[1] < 1e12
        moved = {each["step"] for each in json.loads(panel.data)["sliders"]}
        assert moved <= set(marks)


def test_a_users_own_device_of_that_name_does_not_price_flops(
    chinchilla_fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hardware(DEVICE, tmp_path / "h100.toml")  # without a price
    monkeypatch.setenv("ALLOMETRY_HARDWARE", str(tmp_path))
    assert life_costs(chinchilla_fit, {}) is not None


def test_laws_without_size_and_tokens_have_no_panel(curve_fit: Fit) -> None:
    assert life_costs(curve_fit, {}) is None
