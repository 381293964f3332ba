"""Rejection sampling by difficulty: targets, exact moments against enumeration, forecasts that hold, exact counts drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from allometry.data.sampling.rejection import (
    RULES,
    Sampling,
    capped_trials,
    draw_to_targets,
    expected_rates,
    forecast_trials,
    mean_difficulty,
    pilot,
    prop2diff_targets,
    uniform_targets,
    vanilla,
    vanilla_of_counts,
)
from allometry.inference.calls import Budget
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT
from allometry.notices import Refused

RATES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(rates=RATES, most=st.integers(1, 50))
def test_targets_follow_difficulty(rates: list[float], most: int) -> None:
    hard = prop2diff_targets(rates, most)
    assert hard.min() >= 1
    assert hard.max() == most
    assert (np.diff(hard[np.argsort(rates)]) <= 0).all()
    assert (uniform_targets(rates, most) == most).all()


@given(p=st.floats(0.02, 0.98), k=st.integers(1, 6), cap=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_moments_are_those_of_the_truncated_negative_binomial(p: float, k: int, cap: int) -> None:
    at = np.arange(k, cap + 1)
    chances = nbinom.pmf(at - k, k, p)
    missed = 1 - chances.sum()
    mean = chances @ at + missed * cap
    second = chances @ at**2 + missed * cap**2
    told = capped_trials([p], k, cap)
    assert told.mean[0] == pytest.approx(mean, rel=1e-9)
    assert told.sd[0] == pytest.approx(np.sqrt(max(second - mean**2, 0)), rel=1e-5, abs=1e-5)
    assert told.met[0] == pytest.approx(chances.sum(), abs=1e-12)
    assert told.right[0] == pytest.approx(mean * p, rel=1e-9)  # Wald: every trial is right with chance p


def test_ends_of_the_moments() -> None:
    told = capped_trials([0.0, 1.0, 0.3], [2, 2, 0], 5)
    assert told.mean.tolist() == [5, 2, 0]
    assert told.met.tolist() == [0, 1, 1]
    assert told.right.tolist() == [0, 2, 0]
    assert capped_trials([0.2], 3, np.inf).sd[0] == pytest.approx(np.sqrt(3 * 0.8) / 0.2)


def test_a_forecast_by_known_rates_holds_simulated_totals() -> None:
    drawn = np.random.default_rng(1)
    rates, targets, cap = drawn.beta(0.6, 2, 60), 5, 200
    told = forecast_trials(targets, cap, rates=rates)
    totals, unmet = [], []
    for _ in range(300):
        reached = np.cumsum(drawn.random((60, cap)) < rates[:, None], axis=1)
        met = reached[:, -1] >= targets
        totals.append(np.where(met, (reached < targets).sum(1) + 1, cap).sum())
        unmet.append((~met).sum())
    assert told.trials.value == pytest.approx(np.mean(totals), abs=4 * np.std(totals) / np.sqrt(300))
    assert told.short.value == pytest.approx(np.mean(unmet), abs=0.5)
    inside = np.mean((np.array(totals) >= told.trials.low) & (np.array(totals) <= told.trials.high))
    assert 0.84 < inside < 0.96
    assert told.mark == "assumed"


def test_a_forecast_by_measured_rates_holds_the_truth_of_new_worlds() -> None:
    """40 worlds of 80 queries with 8 pilot trials each: the 90% interval of the trials must hold in most."""
    held = 0
    for world in range(40):
        drawn = np.random.default_rng(world)
        rates = drawn.beta(0.5, 1.5, 80)
        told = forecast_trials(6, 100, successes=drawn.binomial(8, rates), trials=np.full(80, 8), draws=240)
        reached = np.cumsum(drawn.random((80, 100)) < rates[:, None], axis=1)
        used = np.where(reached[:, -1] >= 6, (reached < 6).sum(1) + 1, 100).sum()
        held += told.trials.low <= used <= told.trials.high
    assert held >= 31  # fewer has a chance of 1% at 90%


def test_a_pilot_that_counts_is_forecast_as_its_world_then_goes_on() -> None:
    """The default path: targets by the pilot's own shares, whose trials are the first of those forecast."""
    held = np.zeros(3)
    for world in range(40):
        drawn = np.random.default_rng(world)
        rates = drawn.beta(0.7, 1.4, 60)
        right = np.cumsum(drawn.random((60, 64)) < rates[:, None], axis=1)
        targets = prop2diff_targets(right[:, 7] / 8, 4)
        told = forecast_trials(targets, 64, successes=right[:, 7], trials=np.full(60, 8), begun=True, draws=240)
        used = np.maximum(np.where(right[:, -1] >= targets, (right < targets[:, None]).sum(1) + 1, 64), 8)
        true = used.sum(), np.minimum(right[:, -1], targets).sum(), (right[:, -1] < targets).sum()
        held += [one.low <= t <= one.high for t, one in zip(true, (told.trials, told.right, told.short), strict=True)]
    assert (held >= 31).all()  # fewer has a chance of 1% at 90%


@pytest.mark.parametrize("every", [0, 8])
def test_a_pilot_of_one_kind_leaves_open_what_the_priors_do(every: int) -> None:
    """Worlds of the priors themselves, of which 20 queries had 0 (or all) of 8 right: one in twenty lies beyond."""
    told = forecast_trials(1 if every == 0 else 9, 64, successes=np.full(20, every), trials=np.full(20, 8))
    assert told.trials.low < told.trials.value < told.trials.high
    drawn, used = np.random.default_rng(3), []
    mean, size = drawn.beta(0.5, 0.5, 20_000), np.exp(drawn.normal(np.log(2), 1.6, 20_000))
    rates = drawn.beta((mean * size)[:, None], ((1 - mean) * size)[:, None], (20_000, 20))
    alike = (drawn.binomial(8, rates) == every).all(1)
    target = 1 if every == 0 else 9
    for world in rates[alike]:
        right = np.cumsum(drawn.random((20, 64)) < world[:, None], axis=1)
        used.append(np.where(right[:, -1] >= target, (right < target).sum(1) + 1, 64).sum())
    assert len(used) > 500
    assert told.trials.value == pytest.approx(np.mean(used), rel=0.02)
    beyond = np.array(used) < told.trials.low if every == 0 else np.array(used) > told.trials.high
    assert 0.025 < beyond.mean() < 0.075  # the other end is the least, or the most, that there can be


def test_vanilla_by_counts_is_that_of_the_rates_behind_them() -> None:
    drawn = np.random.default_rng(2)
    rates = drawn.beta(0.7, 1.4, 3000)
    counts = drawn.binomial(8, rates)
    true, told, raw = vanilla(rates, 78), vanilla_of_counts(counts, np.full(3000, 8), 78), vanilla(counts / 8, 78)
    assert told.covered.mean() == pytest.approx(true.covered.mean(), abs=0.01)
    assert told.difficulty == pytest.approx(true.difficulty, abs=0.01)
    assert told.right.sum() == pytest.approx(true.right.sum(), rel=0.03)
    assert abs(raw.covered.mean() - true.covered.mean()) > 0.15  # a query with 0 of 8 right is not one that never is
    kept = prop2diff_targets(counts / 8, 4)
    fails = mean_difficulty(kept, expected_rates(counts, np.full(3000, 8)))
    assert fails == pytest.approx(mean_difficulty(kept, rates), abs=0.01)


def test_what_is_easy_leads_in_vanilla_sampling_and_no_more() -> None:
    rates = np.linspace(0.02, 0.98, 50)
    plain = vanilla(rates, 10)
    assert plain.right.tolist() == pytest.approx((10 * rates).tolist())
    assert plain.covered[0] < 0.2 < 0.99 < plain.covered[-1]
    easy = mean_difficulty(plain.right, rates)
    alike, hard = (mean_difficulty(rule(rates, 10), rates) for rule in RULES.values())
    assert easy < alike - 0.1 < hard - 0.2
    assert alike == pytest.approx(0.5)


WORLD = World(success=(0.8, 0.8), seed=3)


def sampling(**settings: object) -> Sampling:
    return Sampling(Simulator(WORLD), EXACT, **settings)  # type: ignore[arg-type]


def test_realised_counts_are_exact_and_trials_are_those_of_one_by_one() -> None:
    problems = simulated_problems(40)
    rates = np.array([WORLD.success_of(i) for i in range(40)])
    targets = prop2diff_targets(rates, 8)
    found = draw_to_targets(problems, targets.tolist(), 64, sampling())
    assert found.complete
    for query, target in zip(found.queries, targets, strict=True):
        assert len(query.right) == (target if query.trials < 64 else len(query.right)) <= target
        assert query.met or query.trials == 64
        assert all(one.content == f"answer {query.problem.answer}" for one in query.right)
        if query.met:
            assert query.numbers[-1] == query.trials - 1  # it ended at its last right answer
    told = forecast_trials(targets, 64, rates=rates, level=0.999)
    used = sum(query.trials for query in found.queries)
    assert told.trials.low <= used <= told.trials.high
    assert found.paid.calls == used


def test_the_pilot_and_a_smaller_target_are_not_paid_twice(tmp_path: Path) -> None:
    problems = simulated_problems(12)
    with Records(tmp_path / "records") as records:
        first = pilot(problems, 4, sampling(records=records))
        assert first.paid.calls == 48
        assert all(query.trials == 4 for query in first.queries)
    with Records(tmp_path / "records") as records:
        second = draw_to_targets(problems, [6] * 12, 40, sampling(records=records))
    assert second.paid.calls == sum(max(0, query.trials - 4) for query in second.queries)
    for one, two in zip(first.queries, second.queries, strict=True):
        assert two.numbers[: len(one.numbers)] == one.numbers[: len(two.numbers)]
    fresh = draw_to_targets(problems, [6] * 12, 40, sampling())
    assert [query.numbers for query in fresh.queries] == [query.numbers for query in second.queries]


def test_a_limit_stops_it_and_it_goes_on_from_there(tmp_path: Path) -> None:
    problems = simulated_problems(10)
    with Records(tmp_path / "records") as records:
        cut = draw_to_targets(problems, [5] * 10, 30, sampling(records=records, limit=Budget(calls=20)))
    assert not cut.complete
    assert cut.paid.calls <= 20
    with Records(tmp_path / "records") as records:
        rest = draw_to_targets(problems, [5] * 10, 30, sampling(records=records))
    whole = draw_to_targets(problems, [5] * 10, 30, sampling())
    assert rest.complete
    assert [query.numbers for query in rest.queries] == [query.numbers for query in whole.queries]
    assert cut.paid.calls + rest.paid.calls == whole.paid.calls


def test_a_call_that_fails_leaves_its_query_unfinished() -> None:
    engine = Simulator(World(success=0.5, failures=0.2))
    found = draw_to_targets(simulated_problems(20), [3] * 20, 30, Sampling(engine, EXACT))
    assert not found.complete
    assert "a call failed" in found.why
    assert any(query.met for query in found.queries)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: uniform_targets([], 3), "there are no queries"),
        (lambda: uniform_targets([0.5, 1.5], 3), "the rate of query 1 is 1.5"),
        (lambda: prop2diff_targets([0.5], 0), "0 right answers are no target"),
        (lambda: forecast_trials(3, np.inf, rates=[0.5]), "needs a cap"),
        (lambda: forecast_trials(3, 4, successes=[2], trials=[8], begun=True), "more trials already than its cap"),
        (lambda: forecast_trials(3, 10), "give known rates, or successes and trials"),
        (lambda: draw_to_targets(simulated_problems(2), [1], 5, sampling()), "1 targets are for 2 problems"),
        (lambda: draw_to_targets(simulated_problems(1), [1], 0, sampling()), "the cap 1 or more"),
    ],
)
def test_what_cannot_be_is_refused(ask: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        ask()  # type: ignore[operator]
