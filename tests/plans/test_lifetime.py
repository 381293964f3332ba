"""Plans over a model's life: least total cost at a loss, what it saves, and what being wrong costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from allometry.costs import Execution, Request, find_hardware, find_shape, request_cost
from allometry.costs.training import Job, fastest
from allometry.fits import Fit, Settings, fit, published_fit, select
from allometry.forecasts import Surroundings, decades_beyond, discrepancy
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import Deployment, Lifetime, lifetime, optimal_params, plan
from allometry.runs import read_runs

HOFFMANN = {"E": 1.69, "A": 406.4, "alpha": 0.336, "B": 410.7, "beta": 0.283}
COUPLED = "E + A * (params**-a + R * tokens**-b)**k"


@pytest.fixture
def sardana() -> Fit:
    """The constants of Sardana et al. 2024: those of Hoffmann et al. 2022 with three digits of the exponents."""
    fit = published_fit("chinchilla@hoffmann")
    return replace(fit, estimate=np.array([HOFFMANN[name] for name in fit.law.parameter_names]))


def least_training_flops(fit: Fit, size: float) -> float:
    """The budget whose optimum is of this size."""
    return float(np.exp(brentq(
        lambda x: float(optimal_params(np.exp(x))(fit.law, fit.estimate[None])[0]) - size, 30, 70
    )))  # fmt: skip


def value(found: Lifetime, axis: str) -> float:
    got = found.at[axis].value
    assert got is not None
    return got


def test_thirteen_billion_and_two_trillion_tokens_as_published(sardana: Fit) -> None:
    """Sardana et al. 2024, arXiv 2401.00448, figure 1: 7B in place of 13B saves 1.7e22 FLOPs, 17%."""
    found = lifetime(sardana, flops=least_training_flops(sardana, 13e9), inference_tokens=2e12)
    assert value(found, "params") == pytest.approx(7e9, rel=0.01)
    assert found.savings[0].against == "least training"
    assert found.savings[0].size == pytest.approx(13e9)
    assert found.savings[0].amount.value == pytest.approx(1.7e22, rel=0.01)
    assert found.savings[0].share.value == pytest.approx(0.17, abs=0.005)


@pytest.mark.parametrize("served", [1e9, 1e11, 1e13, 1e15])
@pytest.mark.parametrize("loss", [2.2, 1.95])
def test_equals_the_brute_minimum(sardana: Fit, loss: float, served: float) -> None:
    e, a, alpha, b, beta = HOFFMANN.values()

    def total(log_size: float) -> float:
        rest = loss - e - a * np.exp(-alpha * log_size)
        return np.inf if rest <= 0 else float(np.exp(log_size) * (6 * (rest / b) ** (-1 / beta) + 2 * served))

    least = np.log(a / (loss - e)) / alpha
    brute = minimize_scalar(total, bounds=(least, least + 7), method="bounded", options={"xatol": 1e-12})
    found = lifetime(sardana, loss=loss, inference_tokens=served)
    assert found.total.value == pytest.approx(brute.fun, rel=1e-8)
    assert value(found, "params") == pytest.approx(np.exp(brute.x), rel=1e-4)
    assert found.training.value + found.serving.value == pytest.approx(found.total.value)
    built = sardana.law.evaluate(HOFFMANN, {name: [value(found, name)] for name in ("params", "tokens")})
    assert float(built[0]) == pytest.approx(loss, rel=1e-9)


def test_a_law_without_a_closed_form(known: Callable[..., Fit]) -> None:
    constants = {"E": 1.7, "A": 40.0, "a": 0.6, "R": 2.0, "b": 0.5, "k": 0.5}
    fit = known(find_law(COUPLED), constants, draws=0)
    found = lifetime(fit, loss=1.9, inference_tokens=1e12)

    def total(log_size: float) -> float:
        rest = (0.2 / 40) ** 2 - np.exp(-0.6 * log_size)
        return np.inf if rest <= 0 else float(np.exp(log_size) * (6 * (rest / 2) ** -2.0 + 2e12))

    floor = -np.log((0.2 / 40) ** 2) / 0.6
    assert found.total.value == pytest.approx(minimize_scalar(total, bounds=(floor, floor + 5), method="bounded").fun, rel=1e-7)  # fmt: skip


def test_nothing_served_is_the_plan_of_least_training(sardana: Fit) -> None:
    found, trained = lifetime(sardana, loss=2.0, inference_tokens=0), plan(sardana, loss=2.0)
    assert value(found, "params") == pytest.approx(trained.at["params"].value, rel=1e-5)
    assert found.total.value == pytest.approx(trained.at["flops"].value, rel=1e-9)
    assert found.savings[0].same
    assert found.overhead.value == 0


def test_the_more_is_served_the_smaller_and_longer(sardana: Fit) -> None:
    plans = [lifetime(sardana, loss=2.0, inference_tokens=served) for served in np.geomspace(1e9, 1e15, 5)]
    for series in ([-value(one, "params") for one in plans], [one.ratio for one in plans],
                   [one.savings[0].share.value for one in plans], [one.overhead.value for one in plans]):  # fmt: skip
        assert np.all(np.diff(series) >= -1e-9)
    assert all(saving.share.value > -1e-9 for one in plans for saving in one.savings)


def test_savings_are_certain_or_not_by_their_interval(known: Callable[..., Fit]) -> None:
    law = find_law("chinchilla")
    sure = lifetime(known(law, HOFFMANN, spread=1e-4), flops=4.5e22, inference_tokens=2e12)
    assert [saving.certain for saving in sure.savings] == [True, True]
    assert all(saving.calibrated is None and "fit noise alone" in saving.says for saving in sure.savings)
    assert not sure.notices
    unsure = lifetime(known(law, HOFFMANN, spread=0.03), flops=4.5e22, inference_tokens=2e12)
    against = {saving.against: saving for saving in unsure.savings}
    assert against["least training"].certain is False
    assert "NOT certain" in against["least training"].says
    assert "saving-uncertain" in {notice.code for notice in unsure.notices}
    assert lifetime(published_fit("chinchilla@epoch"), loss=2.1, inference_tokens=1e12).savings[0].certain is None


def test_a_draw_as_truth_is_priced_as_by_hand(known: Callable[..., Fit]) -> None:
    fit = known(find_law("chinchilla"), HOFFMANN, spread=1e-3, draws=3)
    found = lifetime(fit, loss=2.05, inference_tokens=2e12)
    size, wasted, shares = value(found, "params"), [], []
    for draw in fit.draws:
        own = dict(zip(fit.law.parameter_names, draw, strict=True))

        def total(n: float, own: dict[str, float] = own) -> float:
            rest = 2.05 - own["E"] - own["A"] * n ** -own["alpha"]
            return float(n * (6 * (rest / own["B"]) ** (-1 / own["beta"]) + 4e12))

        least = minimize_scalar(lambda x, f=total: f(np.exp(x)), bounds=(np.log(size / 3), np.log(size * 3)), method="bounded")  # fmt: skip
        wasted.append(1 - least.fun / total(size))
        shares.append(1 - total(size) / total(found.savings[0].size))
    assert found.judged is not None
    assert found.judged.plain.wasted.expected == pytest.approx(np.mean(wasted), rel=1e-4)
    share = found.savings[0].share
    assert (share.low, share.high) == pytest.approx(tuple(np.quantile(shares, [0.05, 0.95])), rel=1e-6)


def test_being_wrong_is_priced_across_the_interval(known: Callable[..., Fit]) -> None:
    found = lifetime(known(find_law("chinchilla"), HOFFMANN, spread=0.005), flops=4.5e22, inference_tokens=2e12)
    judged, size = found.judged, found.at["params"]
    assert judged is not None
    assert (judged.across[0].at["params"], judged.across[-1].at["params"]) == pytest.approx((size.low, size.high))
    assert judged.best.wasted.expected <= judged.plain.wasted.expected
    assert judged.plain.wasted.expected < judged.across[0].wasted.expected
    (tight, wide) = found.near_optimal
    assert wide.axes["params"].low < tight.axes["params"].low < size.value < tight.axes["params"].high
    assert {step.name for step in found.steps} >= {"law", "compute", "serving", "quality", "least total", "saving", "being wrong"}  # fmt: skip


def test_limits_bind(sardana: Fit) -> None:
    free = lifetime(sardana, loss=2.0, inference_tokens=1e13)
    floor = 1.3 * value(free, "params")
    assert value(lifetime(sardana, loss=2.0, inference_tokens=1e13, at_least={"params": floor}), "params") == pytest.approx(floor)  # fmt: skip
    most = 0.8 * value(free, "tokens")
    held = lifetime(sardana, loss=2.0, inference_tokens=1e13, at_most={"tokens": most})
    assert value(held, "tokens") == pytest.approx(most, rel=1e-3)
    assert value(held, "tokens") <= most
    assert held.total.value > free.total.value


def test_repeated_data_make_the_plan_larger() -> None:
    fit = published_fit("data_constrained@muennighoff2023")
    few, many = (
        lifetime(fit, loss=2.3, inference_tokens=1e12, fixed={"unique_tokens": unique}) for unique in (2e11, 1e15)
    )
    assert value(few, "params") > value(many, "params")
    assert few.total.value > many.total.value


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"loss": 2.0, "inference_tokens": -1.0}, "bad-value"),
        ({"loss": 2.0, "inference_tokens": np.inf}, "bad-value"),
        ({"inference_tokens": 1e12}, "plan-ask"),
        ({"loss": 2.0, "flops": 1e22, "inference_tokens": 1e12}, "plan-ask"),
        ({"loss": 1.6, "inference_tokens": 1e12}, "loss-out-of-reach"),
        ({"loss": 2.0, "inference_tokens": 1e12, "fixed": {"params": 7e9}}, "nothing-open"),
    ],
)
def test_what_cannot_be_planned_is_refused(sardana: Fit, asked: dict, code: str) -> None:
    with pytest.raises(Refused) as refused:
        lifetime(sardana, **asked)
    assert refused.value.code == code


def test_money_is_that_of_built_models() -> None:
    """At a model of the ladder the rates are what `cost train` and `cost request` say of it."""
    device = find_hardware("h100")
    assert device.price is not None
    money = Deployment(
        training=device, serving=device, training_price=device.price, serving_price=device.price,
        prompt=512, generated=256, batch=32,
    )  # fmt: skip
    shape = find_shape("qwen3-8b")
    rates, size = money.rates(768e9), shape.parameters().total
    one = request_cost(shape, Request(prompt=512, generated=256), device, Execution(batch=32))
    assert float(rates.served(size)) == pytest.approx(1e9 * one.money.value)
    trained = fastest(Job(shape=shape, batch=512, context=4096), 1e12, device, 8, price=device.price).best
    assert float(rates.trained(size, 1e12)) == pytest.approx(trained.money.value)
    found = lifetime(published_fit("chinchilla@epoch"), flops=1e23, inference_tokens=2e12, money=money)
    assert found.training.value + found.serving.value == pytest.approx(found.total.value)
    assert found.spread is not None
    assert found.spread.total.low < found.total.value < found.spread.total.high
    assert found.spread.size.low < value(found, "params") < found.spread.size.high
    assert all(saving.share.value > 0.3 for saving in found.savings)


def test_the_recipe_is_the_step_law_at_the_plan() -> None:
    found = lifetime(
        published_fit("data_constrained@muennighoff2023"),
        loss=2.6,
        inference_tokens=1e12,
        fixed={"unique_tokens": 1e10},
    )
    said = {step.name: step for step in found.steps}
    rate = 1.79 * value(found, "params") ** -0.713 * value(found, "tokens") ** 0.307
    assert f"peak learning rate {rate:.3g}" in said["recipe"].says
    assert said["recipe"].mark == "published"
    assert f"{value(found, 'tokens') / 1e10:.3g} epochs" in said["data"].says


def test_the_ladder_holds_the_loss_at_each_ratio(known: Callable[..., Fit]) -> None:
    fit = known(find_law("chinchilla"), HOFFMANN, spread=1e-3, draws=50)
    found = lifetime(fit, loss=2.05, inference_tokens=2e12)
    least = plan(fit, loss=2.05, refit=None)
    assert [rung.ratio for rung in found.ladder] == [20, 50, 100, 200, 500, 1000, 2000]
    for rung in found.ladder:
        assert rung.tokens / rung.size == pytest.approx(rung.ratio)
        built = fit.law.evaluate(HOFFMANN, {"params": [rung.size], "tokens": [rung.tokens]})
        assert float(built[0]) == pytest.approx(2.05, rel=1e-8)
        assert rung.overhead.value == pytest.approx(rung.flops / least.at["flops"].value - 1, abs=1e-9)
        assert plan(fit, flops=rung.flops, refit=None).loss.value == pytest.approx(2.05 - rung.penalty)
        assert rung.total >= found.total.value


@pytest.fixture(scope="module")
def measured() -> Fit:
    """A fit to 36 runs with half a percent of noise, from 1e7 to 1e9 parameters and 1e9 to 1e11 tokens."""
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 6)))
    law = find_law("chinchilla")
    loss = law.evaluate(HOFFMANN, {"params": n, "tokens": d}) * np.exp(
        np.random.default_rng(0).normal(0, 0.005, len(n))
    )
    runs = read_runs({"params": n, "tokens": d, "loss": loss})
    settings = Settings(bootstrap=60)
    return fit(select(runs, law, settings), law, settings)


def test_savings_beyond_the_runs_hold_what_laws_miss(measured: Fit) -> None:
    """One error a draw for all points, as in forecasts: by hand for the plan and the size of least training."""
    found = lifetime(measured, loss=2.4, inference_tokens=3e11)
    saving, size = found.savings[0], value(found, "params")
    assert saving.calibrated is not None
    assert saving.calibrated.value == saving.share.value
    error = np.random.default_rng([measured.settings.seed, 8]).standard_normal(len(measured.draws))
    around, totals = Surroundings(measured.rows), []
    for params, tokens in ((size, value(found, "tokens")), (saving.size, saving.tokens)):
        away = decades_beyond(around.of({"params": params, "tokens": tokens}))
        wanted = 2.4 * np.exp(-error * discrepancy(measured, np.array([away]))[0])
        e, a, alpha, b, beta = measured.draws.T
        rest = wanted - e - a * params**-alpha
        totals.append(params * (6 * (rest / b) ** (-1 / beta) + 6e11))
    shares = 1 - totals[0] / totals[1]
    ends = np.quantile(shares, [0.05, 0.95])
    assert (saving.calibrated.low, saving.calibrated.high) == pytest.approx(tuple(ends), rel=1e-6)
    assert ends[1] - ends[0] > 1.5 * (saving.share.high - saving.share.low)
    assert saving.certain is (saving.calibrated.low is not None and saving.calibrated.low > 0)
    assert "fit noise alone" not in saving.says


def test_a_loss_that_a_budget_buys_cancels_the_error_at_its_own_point(measured: Fit) -> None:
    """Nothing served: the plan is the size of least training, whatever laws miss there."""
    found = lifetime(measured, flops=1e22, inference_tokens=0)
    assert found.savings[0].same
    served = lifetime(measured, flops=1e22, inference_tokens=3e11)
    share = served.savings[0]
    assert share.calibrated is not None
    wide = (share.calibrated.high or 0) - (share.calibrated.low if share.calibrated.low is not None else -np.inf)
    assert wide >= (share.share.high or 0) - (share.share.low or 0) - 1e-3
