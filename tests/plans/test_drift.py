"""Plans from tables cut short: silent where the law holds, a warning where the answer walks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allometry.fits import Fit, Huber, Settings, fit
from allometry.laws import find_law
from allometry.notices import Interval, Refused
from allometry.plans import Cut, plan
from allometry.plans.drift import cut_back, drift_notices, rows_to
from allometry.runs import read_runs

TRUTH = {"E": 1.8, "A": 480.0, "alpha": 0.35, "B": 2100.0, "beta": 0.37}


def table(bend: float = 0.0, noise: float = 0.003) -> dict[str, np.ndarray]:
    """Sweeps at nine budgets of 1e18 to 1e22 FLOPs; `bend` makes data matter more, the larger the budget."""
    budget, spread = (part.ravel() for part in np.meshgrid(np.logspace(18, 22, 9), np.geomspace(0.2, 5, 9)))
    params = spread * np.sqrt(budget / 120)
    tokens = budget / 6 / params
    loss = find_law("chinchilla").evaluate(TRUTH, {"params": params, "tokens": tokens})
    loss = loss + bend * np.log10(budget / 1e18) ** 2 * (np.log(params / np.sqrt(budget / 120)))
    return {
        "params": params,
        "tokens": tokens,
        "loss": loss * np.exp(noise * np.random.default_rng(1).normal(size=len(loss))),
    }


def fitted(**options: float) -> Fit:
    return fit(read_runs(table(**options)), "chinchilla", Settings(bootstrap=200))


def test_a_law_that_holds_does_not_drift() -> None:
    found = plan(fitted(), flops=1e24)
    assert [cut.decades for cut in found.cuts] == [0.5, 1.0]
    assert [cut.runs for cut in found.cuts] == [72, 63]  # the budgets up to half a decade and one decade below 1e22
    assert all(cut.plan["params"].value == pytest.approx(found.at["params"].value, rel=0.5) for cut in found.cuts)
    assert "plan-drifts" not in {notice.code for notice in found.notices}
    assert sum(step.name == "cut back" for step in found.steps) == 2


def test_a_bend_is_warned_of_with_the_path() -> None:
    found = plan(fitted(bend=0.003), flops=1e24)
    message = next(notice.message for notice in found.notices if notice.code == "plan-drifts")
    assert "params" in message
    assert "(all)" in message


def test_plans_within_the_data_are_not_cut() -> None:
    held = fitted()
    assert plan(held, flops=1e21).cuts == ()
    assert plan(held, flops=1e24, refit=None).cuts == ()


def test_a_plan_with_nothing_open_is_judged_by_its_loss() -> None:
    found = plan(fitted(), flops=1e24, fixed={"params": 5e10})
    assert {name for cut in found.cuts for name in cut.plan} == {"loss"}
    by_loss = plan(fitted(), loss=1.9)
    assert {name for cut in by_loss.cuts for name in cut.plan} == {"params", "tokens", "flops"}


def test_a_cut_that_cannot_be_fitted_says_why() -> None:
    def refuse(fitted: Fit, keep: np.ndarray, *, bootstrap: int | None = None) -> Fit:
        raise Refused("few-runs", f"{int(keep.sum())} runs are too few")

    found = plan(fitted(), flops=1e24, refit=refuse)
    assert all("too few" in cut.why and not cut.plan for cut in found.cuts)
    assert "plan-drifts" not in {notice.code for notice in found.notices}


def test_stragglers_do_not_move_the_cuts() -> None:
    rows = table()
    rows = {name: np.append(values, values[-1]) for name, values in rows.items()}
    rows["tokens"][-1] *= 10
    held = fit(read_runs(rows), "chinchilla", Settings(bootstrap=0))
    cuts = cut_back(held, lambda shorter: {"params": Interval(1.0)}, lambda fitted, keep, bootstrap=None: fitted)
    assert cuts[0].flops < 10**21.8


@pytest.mark.parametrize(
    ("path", "now", "warned"),
    [
        ((148.0, 106.0), Interval(73.0, 55.0, 106.0), True),
        ((90.0, 71.0), Interval(73.0, 55.0, 60.0), False),  # turns round
        ((100.0, 80.0), Interval(73.0, 55.0, 106.0), False),  # within the interval
        ((20.0, 40.0), Interval(73.0, 55.0, 106.0), True),
        ((148.0, 106.0), Interval(73.0, None, None, "no draws"), False),
        ((148.0, 106.0), Interval(None, None, None, "no interior optimum"), False),
    ],
)
def test_a_drift_moves_one_way_by_more_than_the_interval(
    path: tuple[float, float], now: Interval, warned: bool
) -> None:
    cuts = tuple(Cut(d, 1e21, 50, {"params": Interval(v)}) for d, v in zip((0.5, 1.0), reversed(path), strict=True))
    assert bool(drift_notices({"params": now}, cuts)) is warned


@pytest.mark.published
def test_the_reference_table_drifts(published: Callable[[str], Path]) -> None:
    runs = read_runs(published("chinchilla_epoch.csv"), where="excluded_by_epoch == 0")
    held = fit(runs, "chinchilla", Settings(objective=Huber(1e-3), bootstrap=400))
    found = plan(held, flops=5.76e23)
    half, whole = (cut.plan["params"].value for cut in found.cuts)
    assert found.at["params"].value == pytest.approx(73.2e9, rel=0.02)
    assert half == pytest.approx(104e9, rel=0.05)
    assert whole == pytest.approx(148e9, rel=0.05)
    assert "plan-drifts" in {notice.code for notice in found.notices}
    assert found.extrapolation is not None
    assert found.extrapolation.compute == pytest.approx(1.65, abs=0.01)
    assert found.extrapolation.word == "far beyond"
    assert found.second_opinion is not None
    assert 50e9 < found.second_opinion.plan["params"].value < 90e9


def test_checkpoints_of_a_run_that_goes_on_are_in_no_shorter_table() -> None:
    n, share = np.geomspace(1e7, 1e9, 9), np.arange(1, 5) / 4
    params, tokens = np.repeat(n, 4), np.outer(20 * n, share).ravel()
    exact = find_law("chinchilla").evaluate(TRUTH, {"params": params, "tokens": tokens})
    names = np.repeat([f"r{i}" for i in range(9)], 4).astype(object)
    runs = read_runs({"run_id": names, "params": params, "tokens": tokens, "loss": exact}, rows="all")
    found = fit(runs, "chinchilla", Settings(bootstrap=0))
    logs = np.log10(6 * found.rows.axes["params"] * found.rows.axes["tokens"])
    end = float(np.log10(6 * 20 * n[4] ** 2))
    kept = rows_to(found, logs, end)
    assert sorted(set(found.rows.axes["params"][kept])) == pytest.approx(n[:5])
    assert kept.sum() == 20 < (logs <= end + 1e-9).sum()
