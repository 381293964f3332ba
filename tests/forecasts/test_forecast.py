"""Forecasts from joint draws: against known truth, and honest about what they hold."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit, published_fit
from allometry.forecasts import FIT_NOISE, forecast, interval_of, metric_at, value_at
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.runs import read_runs

TRUTH = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}
NOISE = 0.004
FAR = {"params": 1e10, "tokens": 3e11}


def table(seed: int, rows: int = 40) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    params, tokens = 10 ** generator.uniform(7, 9.5, rows), 10 ** generator.uniform(9, 11, rows)
    loss = find_law("chinchilla").evaluate(TRUTH, {"params": params, "tokens": tokens})
    return {"params": params, "tokens": tokens, "loss": loss * np.exp(NOISE * generator.normal(size=rows))}


@pytest.fixture(scope="module")
def ladder_fit() -> Fit:
    return fit(read_runs(table(0)), "chinchilla", Settings(bootstrap=300))


def test_the_truth_lies_in_the_interval_and_the_label_says_what_it_holds(ladder_fit: Fit) -> None:
    found = forecast(ladder_fit, [FAR])[0]
    truth = float(find_law("chinchilla").evaluate(TRUTH, FAR)[0])
    assert found.result.low < truth < found.result.high
    assert found.interval == FIT_NOISE == "fit noise only"
    assert found.extrapolation.word != "inside"
    assert found.provenance == "fitted"


def test_a_new_run_scatters_more_than_the_mean(ladder_fit: Fit) -> None:
    inside = {"params": 3e8, "tokens": 1e10}
    mean, run = forecast(ladder_fit, [inside])[0], forecast(ladder_fit, [inside], of="new-run")[0]
    assert run.result.value == mean.result.value
    assert run.result.high - run.result.low > 2 * (mean.result.high - mean.result.low)
    width = np.log(run.result.high / run.result.low)
    assert width == pytest.approx(2 * 1.645 * NOISE, rel=0.35)


def test_new_runs_are_covered_as_often_as_claimed() -> None:
    hits, inside = [], {"params": 3e8, "tokens": 1e10}
    truth = float(find_law("chinchilla").evaluate(TRUTH, inside)[0])
    for seed in range(12):
        found = fit(read_runs(table(seed + 1)), "chinchilla", Settings(bootstrap=100, starts=16))
        interval = forecast(found, [inside], of="new-run", level=0.8)[0].result
        runs = truth * np.exp(NOISE * np.random.default_rng([seed, 9]).normal(size=100))
        hits.append(np.mean((runs > interval.low) & (runs < interval.high)))
    assert 0.7 < np.mean(hits) < 0.9


def test_draws_are_joint_not_a_product_of_marginals(ladder_fit: Fit) -> None:
    generator = np.random.default_rng(0)
    columns = [generator.permutation(column) for column in ladder_fit.draws.T]
    shuffled = replace(ladder_fit, draws=np.stack(columns, axis=1))
    joint, apart = forecast(ladder_fit, [FAR])[0].result, forecast(shuffled, [FAR])[0].result
    assert apart.high - apart.low > 2 * (joint.high - joint.low)


def test_same_seed_same_answer(ladder_fit: Fit) -> None:
    one, two = (forecast(ladder_fit, [FAR], of="new-run", seed=5)[0].result for _ in range(2))
    assert one == two
    assert forecast(ladder_fit, [FAR], of="new-run", seed=6)[0].result != one


def test_published_constants_have_no_interval_and_say_so() -> None:
    found = forecast(published_fit("chinchilla@hoffmann"), [{"params": 70e9, "tokens": 1.4e12}])[0]
    assert found.result.value == pytest.approx(1.9366, abs=1e-4)
    assert (found.result.low, found.result.high, found.provenance) == (None, None, "published")
    assert found.result.why
    assert found.interval == "none"
    with pytest.raises(Refused, match="scatter"):
        forecast(published_fit("chinchilla@hoffmann"), [FAR], of="new-run")


def test_level_widens(ladder_fit: Fit) -> None:
    narrow, wide = (forecast(ladder_fit, [FAR], level=level)[0].result for level in (0.5, 0.95))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_rows_without_weight_do_not_scatter(ladder_fit: Fit) -> None:
    wild = ladder_fit.residuals.copy()
    wild[:3] = 5.0
    weights = np.ones(len(wild))
    weights[:3] = 0.0
    found = replace(ladder_fit, residuals=wild, rows=replace(ladder_fit.rows, weights=weights))
    with_wild, without = (forecast(one, [FAR], of="new-run")[0].result for one in (found, ladder_fit))
    assert np.log(with_wild.high / with_wild.low) == pytest.approx(np.log(without.high / without.low), rel=0.1)


def test_draws_without_a_value_empty_the_interval(ladder_fit: Fit) -> None:
    values = np.ones(100)
    values[:4] = np.nan
    assert interval_of(ladder_fit, 1.0, values).low == 1.0
    values[:6] = np.nan
    emptied = interval_of(ladder_fit, 1.0, values)
    assert (emptied.low, emptied.high) == (None, None)
    assert "6% of the draws" in emptied.why


@pytest.mark.parametrize(
    ("point", "code"), [({"params": 1e9}, "missing-axis"), ({**FAR, "lr": 1e-3}, "unknown-axis"), ({**FAR, "tokens": -1.0}, "bad-point")]
)  # fmt: skip
def test_unusable_points_are_refused(ladder_fit: Fit, point: dict[str, float], code: str) -> None:
    with pytest.raises(Refused) as refused:
        forecast(ladder_fit, [point])
    assert refused.value.code == code


def test_no_points_no_forecasts(ladder_fit: Fit) -> None:
    assert forecast(ladder_fit, []) == ()


def test_json_is_strict(ladder_fit: Fit) -> None:
    found = json.loads(json.dumps(forecast(ladder_fit, [FAR])[0].as_json(), allow_nan=False))
    assert set(found) >= {"at", "value", "low", "high", "extrapolation", "interval"}
    assert found["interval"] == "fit noise only"


def test_metric_at_takes_points_of_every_draws_own(ladder_fit: Fit) -> None:
    draws = ladder_fit.draws[:5]
    sizes = np.logspace(8, 9, 5)[:, None]
    own = metric_at(ladder_fit.law, draws, {"params": sizes, "tokens": 1e10})
    one_by_one = [
        value_at({"params": float(n[0]), "tokens": 1e10})(ladder_fit.law, draw[None])[0]
        for n, draw in zip(sizes, draws, strict=True)
    ]
    assert own.shape == (5, 1)
    np.testing.assert_allclose(own[:, 0], one_by_one)
