"""The isoFLOP method: known optima come out, broken budgets are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import isoflop
from allometry.runs import Rows, read_runs

EPOCH = {"E": 1.81722, "A": 477.83, "alpha": 0.34731, "B": 2143.4, "beta": 0.36717}
EXPONENT = EPOCH["alpha"] / (EPOCH["alpha"] + EPOCH["beta"])  # of tokens in FLOPs


def sweeps(noise: float = 0.0, seed: int = 0, scatter: float = 0.0, budgets: int = 6, points: int = 9) -> Rows:
    """Sweeps of the fitted Chinchilla law within a factor 4 of its optimum, budgets `scatter` decades wide."""
    generator = np.random.default_rng(seed)
    budget, spread = (part.ravel() for part in np.meshgrid(np.logspace(18, 21, budgets), np.geomspace(0.25, 4, points)))
    a, b = EPOCH["alpha"], EPOCH["beta"]
    best = (a * EPOCH["A"] / (b * EPOCH["B"])) ** (1 / (a + b)) * (budget / 6) ** (b / (a + b))
    params = best * spread
    tokens = budget / 6 / params * 10 ** (scatter * generator.uniform(-0.5, 0.5, len(params)))
    loss = find_law("chinchilla").evaluate(EPOCH, {"params": params, "tokens": tokens})
    loss = loss * np.exp(noise * generator.normal(size=len(loss)))
    return Rows({"params": params, "tokens": tokens}, loss, "loss")


def test_the_known_frontier_comes_out() -> None:
    found = isoflop(sweeps(), 5.76e23)
    assert [round(np.log10(budget.flops), 1) for budget in found.budgets] == [18.0, 18.6, 19.2, 19.8, 20.4, 21.0]
    assert all(budget.convex and budget.runs == 9 for budget in found.budgets)
    assert found.exponent_tokens.value == pytest.approx(EXPONENT, abs=2e-3)
    assert found.plan["params"].value == pytest.approx(73.19e9, rel=0.06)  # a parabola is not the curve
    assert found.plan["params"].value * found.plan["tokens"].value * 6 == pytest.approx(5.76e23)
    assert found.decades == pytest.approx(np.log10(576))
    assert found.interval == "fit noise only"


def test_budgets_of_some_width_are_levelled() -> None:
    found = isoflop(sweeps(scatter=0.08), 5.76e23)
    assert found.exponent_tokens.value == pytest.approx(EXPONENT, abs=0.01)


def test_intervals_hold_the_truth_about_as_often_as_claimed() -> None:
    target = isoflop(sweeps()).exponent_tokens.value  # what the method gives without noise
    hits = [
        found.exponent_tokens.low < target < found.exponent_tokens.high
        for found in (isoflop(sweeps(noise=0.003, seed=seed), bootstrap=300) for seed in range(60))
    ]
    assert 0.8 <= np.mean(hits) <= 0.99


def test_a_concave_or_open_budget_is_named_and_left_out() -> None:
    rows = sweeps(points=13)
    budget = np.round(np.log10(6 * rows.axes["params"] * rows.axes["tokens"]), 1)
    loss = rows.target.copy()
    loss[budget == 18.0] = 2 * loss[budget == 18.0].mean() - loss[budget == 18.0]
    keep = ~((budget == 18.6) & (rows.axes["params"] > 0.6 * np.median(rows.axes["params"][budget == 18.6])))
    cut = Rows({name: values[keep] for name, values in rows.axes.items()}, loss[keep], "loss")
    found = isoflop(cut, 1e22)
    assert [budget.convex for budget in found.budgets] == [False, False, True, True, True, True]
    assert "opens downwards" in found.budgets[0].tokens.why
    assert "not bracketed" in found.budgets[1].tokens.why
    assert found.budgets[0].tokens.value is None
    assert [notice.code for notice in found.notices] == ["budgets-unused"]
    assert found.exponent_tokens.value == pytest.approx(EXPONENT, abs=2e-3)


def test_repeats_are_not_further_points() -> None:
    rows = sweeps(points=3, budgets=3)
    doubled = Rows({name: np.tile(values, 2) for name, values in rows.axes.items()}, np.tile(rows.target, 2), "loss")
    found = isoflop(doubled, 1e22)
    assert not any(budget.convex for budget in found.budgets)
    assert found.plan["tokens"].value is None
    assert "a frontier needs two" in found.exponent_tokens.why
    json.dumps(found.as_json(), allow_nan=False)


def test_one_budget_makes_no_frontier_and_two_are_warned_of() -> None:
    one = isoflop(sweeps(budgets=1), 1e22)
    assert one.budgets[0].convex
    assert one.plan["params"].value is None
    two = isoflop(sweeps(budgets=2), 1e22)
    assert [notice.code for notice in two.notices] == ["two-budgets"]


def test_flops_counted_otherwise_are_kept() -> None:
    rows = sweeps()
    counted = 1.2 * 6 * rows.axes["params"] * rows.axes["tokens"]
    found = isoflop(Rows({**rows.axes, "flops": counted}, rows.target, "loss"), 1e22)
    assert found.flops_per_param_token == pytest.approx(7.2)
    assert found.plan["params"].value * found.plan["tokens"].value * 7.2 == pytest.approx(1e22)


def test_same_seed_same_answer_and_no_resamples_no_interval() -> None:
    rows = sweeps(noise=0.003)
    assert isoflop(rows, 1e22, seed=3).as_json() == isoflop(rows, 1e22, seed=3).as_json()
    bare = isoflop(rows, 1e22, bootstrap=0)
    assert (bare.exponent_tokens.low, bare.interval) == (None, "none")
    assert bare.exponent_tokens.why


def test_tables_without_budgets_are_refused() -> None:
    rows = sweeps(points=3)
    with pytest.raises(Refused) as refused:
        isoflop(rows, 1e22)
    assert refused.value.code == "no-budgets"
    with pytest.raises(Refused) as refused:
        isoflop(Rows({"params": np.ones(5)}, np.ones(5), "loss"))
    assert refused.value.code == "missing-axis"


@pytest.mark.published
def test_on_real_sweeps(published: Callable[[str], Path]) -> None:
    runs = read_runs(
        published("xlstm_isoflop.csv"),
        map={"loss": "loss_val_final"},
        where='complete == 1 and arch == "transformer" and context == 2048',
    )
    found = isoflop(runs.rows_for(("params", "tokens"), "loss"), 1e21)
    assert [budget.runs for budget in found.budgets] == [23, 25, 36]
    assert all(budget.convex for budget in found.budgets)
    assert 0.35 < found.exponent_tokens.low < found.exponent_tokens.value < found.exponent_tokens.high < 0.55
    assert 15 < found.plan["tokens"].value / found.plan["params"].value < 40
