"""Next runs: against the exact answer where there is one, and against other ways to spend the same compute."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import rule_flops
from allometry.fits import Fit, Settings, fit, published_fit
from allometry.forecasts import Candidates, NextRuns, buildable, listed_candidates, next_runs, percentiles, value_at
from allometry.forecasts._design import ensemble, extend, gains, start, taken
from allometry.forecasts.next_runs import run_scatter
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import optimal_params
from allometry.runs import read_runs

TRUTH = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 410.0, "beta": 0.28}
TARGET = {"params": 1e10, "tokens": 2e11}
NOISE = 0.005
Points = dict[str, np.ndarray]


def measured(points: Points, generator: np.random.Generator) -> Points:
    clean = find_law("chinchilla").evaluate(TRUTH, points)
    return {**points, "loss": clean * np.exp(NOISE * generator.standard_normal(len(clean)))}


def study(seed: int, runs: int = 20) -> Points:
    """Runs log-uniform over 1.5 decades of size and of tokens."""
    generator = np.random.default_rng(seed)
    points = {"params": 10 ** generator.uniform(7.5, 9, runs), "tokens": 10 ** generator.uniform(9, 10.5, runs)}
    return measured(points, generator)


def fitted(table: Points, resamples: int = 200) -> Fit:
    return fit(read_runs(table), "chinchilla", Settings(bootstrap=resamples))


def spent_on(table: Points) -> float:
    return float(rule_flops(table["params"], table["tokens"]).sum())


@pytest.fixture(scope="module")
def known() -> Fit:
    return fitted(study(0))


def told(known: Fit, budget: float, **options: int) -> NextRuns:
    return next_runs(known, value_at(TARGET), buildable(known, budget), budget, **options)


# every combination of three independent unknowns of +-1, so that means and covariances are exact
UNKNOWNS = np.array(list(product((-1.0, 1.0), repeat=3)) * 4)
CANDIDATES = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [0, 3, 0]])
SCATTER = np.array([1.0, 0.5, 2.0, 1.0, 1.5])
WANTED = np.array([1.0, 2.0, 0.5])


def posterior(chosen: list[int]) -> float:
    """The variance of the quantity after runs, by the textbook formula for independent unknowns of known variance."""
    share = len(UNKNOWNS) / (len(UNKNOWNS) - 1)
    rows = CANDIDATES[chosen] / SCATTER[chosen][:, None]
    return float(WANTED @ np.linalg.inv(np.eye(3) / share + rows.T @ rows) @ WANTED)


@pytest.mark.parametrize("chosen", [[], [0], [1, 4], [0, 1, 2, 3, 4], [1, 1, 1]])
def test_the_variance_left_is_that_of_conditioning(chosen: list[int]) -> None:
    found = ensemble(UNKNOWNS @ CANDIDATES.T, UNKNOWNS @ WANTED, SCATTER)
    design = start(found)
    for run in chosen:
        before, promised = design.variance, gains(found, design)[run]
        design = taken(found, design, run)
        assert np.log(before / design.variance) == pytest.approx(promised)
    assert design.variance == pytest.approx(posterior(chosen))


def test_what_no_run_can_see_stays() -> None:
    """A quantity that also moves with an unknown of its own keeps that part of its variance."""
    found = ensemble(UNKNOWNS[:, :1], UNKNOWNS[:, 0] + UNKNOWNS[:, 1], np.array([1e-3]))
    design = taken(found, start(found), 0)
    assert design.variance == pytest.approx(start(found).variance / 2, rel=1e-5)


def test_no_design_of_the_same_budget_is_much_better() -> None:
    """Against every subset of 12 candidates that the budget pays for."""
    generator = np.random.default_rng(4)
    metric = generator.standard_normal((400, 4)) @ generator.standard_normal((4, 12))
    found = ensemble(metric, metric @ generator.standard_normal(12), np.full(12, 1.0))
    cost = np.exp(generator.uniform(0, 2, 12))
    for budget in (4.0, 8.0, 16.0):
        design = extend(found, start(found), cost, budget, 12, 1)
        best = np.inf
        for size in range(1, 6):
            for chosen in map(list, combinations(range(12), size)):
                if cost[chosen].sum() <= budget:
                    precision = np.eye(found.runs.shape[1]) + found.runs[chosen].T @ found.runs[chosen]
                    best = min(best, float(found.quantity @ np.linalg.inv(precision) @ found.quantity))
        assert cost[design.chosen].sum() <= budget
        assert design.variance <= best * 1.05


@settings(max_examples=25, deadline=None)
@given(
    times=st.floats(0.02, 20), batches=st.integers(1, 4), repeats=st.integers(1, 3), most=st.integers(4, 25),
    share=st.floats(0.1, 1),
)  # fmt: skip
def test_nothing_is_ever_exceeded(
    known: Fit, times: float, batches: int, repeats: int, most: int, share: float
) -> None:
    budget = times * float(rule_flops(known.rows.axes["params"], known.rows.axes["tokens"]).sum())
    choice = buildable(known, budget, run_flops=share * budget)
    found = next_runs(known, value_at(TARGET), choice, budget, batches=batches, repeats=repeats, most_runs=most)
    assert found.spent == pytest.approx(sum(run.cost for run in found.runs))
    for batch in range(1, batches + 1):
        upto = sum(run.cost for run in found.runs if run.batch <= batch)
        assert upto <= budget * batch / batches * (1 + 1e-9)
    assert max(run.cost for run in found.runs) <= share * budget * (1 + 1e-9)
    assert len(found.runs) <= most
    counts = np.bincount([run.candidate for run in found.runs])
    assert counts.max() <= repeats
    assert sum(run.share for run in found.runs) == pytest.approx(1)
    widths = [found.before, *found.after_batch]
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in pairwise(widths))
    assert found.after == found.after_batch[-1]
    for run in found.runs:
        assert run.at == {name: column[run.candidate] for name, column in choice.axes.items()}
        assert run.cost == pytest.approx(rule_flops(run.at["params"], run.at["tokens"]))


def test_a_design_beats_a_spread_of_equal_cost_and_keeps_its_promise() -> None:
    """Runs of both are made and everything is fitted again: the intervals that there are then."""
    ratios, promises, inside = [], [], []
    exact = float(find_law("chinchilla").evaluate(TRUTH, {k: np.array([v]) for k, v in TARGET.items()})[0])
    for seed in range(5):
        table = study(seed)
        known = fitted(table, 120)
        budget = spent_on(table)
        choice = buildable(known, budget)
        designed = next_runs(known, value_at(TARGET), choice, budget)
        generator = np.random.default_rng([seed, 1])
        widths = []
        for chosen in ([run.candidate for run in designed.runs], _spread(choice, budget, generator)):
            new = measured({name: column[chosen] for name, column in choice.axes.items()}, generator)
            after = fitted({name: np.concatenate([table[name], new[name]]) for name in table}, 120)
            draws = value_at(TARGET)(after.law, after.draws)
            ends = percentiles(exact, draws, 0.9, "")
            assert ends.low is not None
            assert ends.high is not None
            widths.append(np.log(ends.high / ends.low))
            inside.append(ends.low <= exact <= ends.high)
        ratios.append(widths[0] / widths[1])
        promises.append(designed.after / widths[0])
    assert np.median(ratios) < 0.85
    assert 0.7 < np.median(promises) < 1.4
    assert np.mean(inside) >= 0.7  # of 10 at 90%: 6 or fewer have probability 1%


def _spread(choice: Candidates, budget: float, generator: np.random.Generator) -> list[int]:
    chosen, left = list[int](), budget
    for i in generator.permutation(len(choice)).tolist():
        if choice.cost[i] <= left:
            chosen.append(i)
            left -= choice.cost[i]
    return chosen


def test_the_seed_moves_the_spread_alone(known: Fit) -> None:
    budget = spent_on(study(0))
    one, same, other = (told(known, budget, seed=seed) for seed in (0, 0, 1))
    assert one == same
    assert one.runs == other.runs
    assert one.after == other.after < one.spread
    assert one.spread != other.spread


def test_more_budget_narrows_more(known: Fit) -> None:
    widths = [told(known, times * spent_on(study(0))).after for times in (0.1, 1.0, 10.0)]
    assert widths[0] > widths[1] > widths[2]
    assert told(known, spent_on(study(0))).before > widths[0]


def test_batches_do_hardly_worse_than_all_at_once(known: Fit) -> None:
    budget = spent_on(study(0))
    staged, whole = told(known, budget, batches=3), told(known, budget)
    assert {run.batch for run in staged.runs} == {1, 2, 3}
    assert len(staged.after_batch) == 3
    assert staged.after < 1.25 * whole.after


def test_a_plan_is_narrowed_as_well(known: Fit) -> None:
    budget = spent_on(study(0))
    found = next_runs(known, optimal_params(1e22), buildable(known, budget), budget)
    assert found.after < 0.7 * found.before
    assert found.after < found.spread


def test_a_weight_counts_as_so_many_runs(known: Fit) -> None:
    """One measurement of weight 4 narrows as four of weight 1 at the same place do."""
    place = {"params": [1e9], "tokens": [1e10], "cost": [4.0]}
    heavy = listed_candidates(known.law, {**place, "weight": [4.0]})
    light = listed_candidates(known.law, {**place, "cost": [1.0]})
    once = next_runs(known, value_at(TARGET), heavy, 4.0)
    four = next_runs(known, value_at(TARGET), light, 4.0, repeats=4)
    assert (len(once.runs), len(four.runs)) == (1, 4)
    assert once.after == pytest.approx(four.after, rel=1e-9)
    assert once.unit == "cost"


def test_samples_at_test_time_are_chosen_too() -> None:
    """Of coverage at few samples, measured on 100 problems each: more samples, or more problems, for the price."""
    generator = np.random.default_rng(0)
    samples = np.repeat(2.0 ** np.arange(8), 3)
    clean = find_law("coverage").evaluate({"a": 1.2, "b": 0.5}, {"samples": samples})
    table = {"samples": samples, "coverage": clean * np.exp(0.01 * generator.standard_normal(len(samples)))}
    known = fit(read_runs(table), "coverage", Settings(bootstrap=200))
    counts, problems = (axis.ravel() for axis in np.meshgrid([16.0, 256.0, 2048.0], [50.0, 100.0, 400.0]))
    offered = {"samples": counts, "cost": counts * problems, "weight": problems / 100}
    budget = 300_000.0
    found = next_runs(known, value_at({"samples": 1e5}), listed_candidates(known.law, offered), budget)
    assert found.spent <= budget
    assert found.unit == "cost"
    assert found.after < 0.8 * found.before
    assert max(run.at["samples"] for run in found.runs) == 2048
    assert all(run.cost == offered["cost"][run.candidate] for run in found.runs)


def test_what_can_be_built_keeps_every_limit(known: Fit) -> None:
    choice = buildable(known, 1e22, among={"params": [1e8, 3e8, 1e9]}, at_most={"tokens": 3e10}, run_flops=5e19)
    assert set(choice.axes["params"]) <= {1e8, 3e8, 1e9}
    assert choice.axes["tokens"].max() <= 3e10 * (1 + 1e-9)
    assert choice.axes["tokens"].min() == pytest.approx(known.rows.axes["tokens"].min())
    np.testing.assert_allclose(choice.cost, rule_flops(choice.axes["params"], choice.axes["tokens"]))
    assert choice.cost.max() <= 5e19 * (1 + 1e-9)
    ratio, own = choice.axes["tokens"] / choice.axes["params"], known.rows.axes["tokens"] / known.rows.axes["params"]
    assert ratio.max() <= 2 * own.max()
    assert ratio.min() >= own.min() / 2
    listed = buildable(known, 1e22, among={"params": [1e7], "tokens": [1e12]})
    assert len(listed) == 1


def test_scatter_is_that_of_the_runs(known: Fit) -> None:
    assert run_scatter(known) == pytest.approx(NOISE, rel=0.5)
    wild = known.residuals.copy()
    wild[0] = 1.0
    assert run_scatter(replace(known, residuals=wild)) < 2 * run_scatter(known)


def test_runs_that_do_not_help_are_said(known: Fit) -> None:
    middle = {name: [float(np.exp(np.log(column).mean()))] for name, column in known.rows.axes.items()}
    found = next_runs(
        known, value_at(TARGET), listed_candidates(known.law, {**middle, "cost": [1.0], "weight": [0.1]}), 1.0
    )
    assert "hardly-narrowed" in [notice.code for notice in found.notices]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"at_least": {"params": 1e9}, "at_most": {"params": 1e8}}, "empty-limits"),
        ({"at_least": {"width": 1e9}}, "unknown-axis"),
        ({"among": {"params": []}}, "bad-value"),
        ({"among": {"params": [-1.0]}}, "bad-value"),
        ({"among": {"params": [1e8]}, "at_most": {"params": 1e9}}, "set-twice"),
        ({"run_flops": 1e3}, "budget-small"),
        ({"at_least": {"tokens": 1e14}, "at_most": {"params": 1e8}}, "budget-small"),
        ({"at_most": {"params": 1e6}, "at_least": {"params": 1e5, "tokens": 1e12}}, "ratio-outside"),
    ],
)
def test_limits_that_leave_nothing_are_refused(known: Fit, limits: dict[str, dict[str, float]], code: str) -> None:
    with pytest.raises(Refused) as refused:
        buildable(known, 1e21, **limits)  # type: ignore[arg-type]
    assert refused.value.code == code
    assert refused.value.mend


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"params": [1e8], "cost": [1.0]}, "missing-axis"),
        ({"params": ["a"], "tokens": [1e9], "cost": [1.0]}, "not-numbers"),
        ({"params": [1e8], "tokens": [1e9], "cost": [0.0]}, "bad-value"),
        ({"params": [1e8], "tokens": [1e9], "cost": [1.0], "weight": [float("nan")]}, "bad-value"),
        ({"params": [], "tokens": []}, "no-candidates"),
    ],
)
def test_bad_candidates_are_refused(columns: dict[str, list[float]], code: str) -> None:
    with pytest.raises(Refused) as refused:
        listed_candidates(find_law("chinchilla"), columns)
    assert refused.value.code == code


def test_fits_that_no_design_follows_from_are_refused(known: Fit) -> None:
    def code(asked: Fit, budget: float = 1e21, **options: int) -> str:
        with pytest.raises(Refused) as refused:
            next_runs(asked, value_at(TARGET), buildable(known, 1e21), budget, **options)
        return refused.value.code

    assert code(published_fit("chinchilla@hoffmann")) == "no-draws"
    assert code(replace(known, draws=known.draws[:50])) == "few-draws"
    assert code(replace(known, confounded={"A": "moves with E"})) == "not-determined"
    assert code(replace(known, residuals=np.zeros(len(known.residuals)))) == "no-scatter"
    assert code(known, budget=1.0) == "budget-small"
    assert code(known, batches=5, most_runs=4) == "bad-option"
    still = replace(known, draws=np.repeat(known.estimate[None], 200, axis=0))
    assert code(still) == "nothing-to-narrow"
