"""Plans that hold how earlier plans missed: exact where nothing drifts, wide where it does, none where nothing can be said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allometry.costs import compute_of
from allometry.fits import Fit, Huber, Settings, fit, published_fit, select
from allometry.laws import find_law
from allometry.plans import Look, plan
from allometry.plans.calibration import _rate, _widened
from allometry.runs import read_runs

TRUTH = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}


def fitted(bend: float = 0.0, noise: float = 0.002, top: float = 22.0) -> Fit:
    """Sweeps at budgets from 1e18; `bend` makes data matter more, the larger the budget."""
    budgets = np.arange(18.0, top + 0.1, 0.5)
    budget, spread = (part.ravel() for part in np.meshgrid(10**budgets, np.geomspace(0.2, 5, 9)))
    params = spread * np.sqrt(budget / 120)
    loss = find_law("chinchilla").evaluate(TRUTH, {"params": params, "tokens": budget / 6 / params})
    loss = loss + bend * np.log10(budget / 1e18) ** 2 * np.log(params / np.sqrt(budget / 120))
    loss = loss * np.exp(noise * np.random.default_rng(1).normal(size=len(loss)))
    return fit(
        read_runs({"params": params, "tokens": budget / 6 / params, "loss": loss}),
        "chinchilla",
        Settings(bootstrap=200),
    )


def look(decades: float, error: float, noise: float) -> Look:
    return Look(decades, 1e20, 50, {"params": error}, {"params": noise})


def test_the_rate_is_what_errors_hold_beyond_their_noise() -> None:
    exact = tuple(look(decades, 0.4 * decades, 0.0) for decades in (0.5, 1.0, 2.0))
    assert _rate(exact, "params") == pytest.approx(0.4, rel=0.02)
    assert _rate(tuple(look(d, 0.1, 0.2) for d in (0.5, 1.0, 2.0)), "params") == 0
    noisy = (*exact, look(3.0, 6.0, 3.0))  # two decades a decade, but no more than twice its own noise
    assert _rate(noisy, "params") < 0.6


def test_a_law_that_holds_keeps_its_interval() -> None:
    found = plan(fitted(), flops=1e24)
    size, wide = found.at["params"], found.calibration.at["params"]
    assert found.calibration.useful
    assert wide.low <= size.low < size.high <= wide.high
    assert np.log(wide.high / wide.low) < 2.5 * np.log(size.high / size.low)
    assert found.as_json()["decide_by"] == "calibrated"


def test_a_bend_widens_the_plan_and_is_said_in_words() -> None:
    found = plan(fitted(bend=0.003), flops=1e24)
    size, wide = found.at["params"], found.calibration.at["params"]
    assert np.log(wide.high / wide.low) > 3 * np.log(size.high / size.low)
    assert "too large" in found.calibration.says
    errors = [one.error["params"] for one in found.calibration.looks]
    assert all(error > 0 for error in errors)
    assert any(step.name == "calibrated" and "too large" in step.says for step in found.steps)
    # size and tokens of one budget miss by the same factor, in opposite directions
    assert found.calibration.looks[0].error["tokens"] == pytest.approx(-errors[0], rel=1e-6)


def test_far_beyond_a_short_table_there_is_no_plan() -> None:
    found = plan(fitted(top=18.5), flops=1e24)
    size = found.calibration.at["params"]
    assert size.value is None
    assert size.why.startswith("no plan from this table")
    assert "no-plan" in {notice.code for notice in found.notices}
    assert not found.as_json()["calibrated"]["useful"]


def test_an_interval_over_two_decades_is_no_plan() -> None:
    base = fitted()
    size = plan(base, flops=1e24).at["params"]
    wide = _widened(size, rate=1.0, ahead=2.0, level=0.9, looks=4)
    assert wide.value is None
    assert wide.high / wide.low > 100
    assert "spans a factor of" in wide.why


def test_within_the_runs_nothing_is_widened_and_without_draws_nothing_is_said() -> None:
    inside = plan(fitted(), flops=1e20)
    assert inside.calibration.at["params"] == inside.at["params"]
    assert inside.calibration.looks == ()
    assert plan(published_fit("chinchilla@hoffmann"), flops=1e24).calibration is None
    assert plan(fitted(), flops=1e24, fixed={"params": 1e10}).calibration is None


def test_a_plan_of_a_loss_widens_its_flops() -> None:
    found = plan(fitted(bend=0.003), loss=1.95)
    flops, wide = found.at["flops"], found.calibration.at["flops"]
    assert wide.low < flops.low < flops.high < wide.high
    assert found.loss_calibrated.low < found.loss.low


@pytest.mark.published
def test_earlier_plans_of_the_chinchilla_runs_hold_the_later_one_or_say_there_is_none(
    published: Callable[[str], Path],
) -> None:
    runs = read_runs(str(published("chinchilla_epoch.csv")), where="excluded_by_epoch == 0")
    settings = Settings(bootstrap=200, objective=Huber(1e-3))
    rows = select(runs, find_law("chinchilla"), settings)
    compute = compute_of(rows.axes)
    plain, honest = [], []
    for cut in (1e19, 1e20, 1e21):
        found = plan(fit(rows.subset(compute <= cut), "chinchilla", settings), flops=5.76e23)
        size, wide = found.at["params"], found.calibration.at["params"]
        plain.append(size.low <= 73.2e9 <= size.high)
        honest.append(wide.value is None or wide.low <= 73.2e9 <= wide.high)
    assert plain == [False, False, False]
    assert honest == [True, True, True]
