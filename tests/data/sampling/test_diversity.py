"""Diversity of trajectories: entropies by hand, target shares met, greedy against chance, diversity against quantity as laws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy as reference

from allometry.data.sampling.diversity import (
    action_complexity,
    adaptive_shares,
    effective_diversity,
    entropy,
    fill_to_target,
    greedy_diverse,
)
from allometry.fits import Settings
from allometry.forecasts import backtest, tournament
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.runs import read_runs


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any))
def test_entropy_is_that_of_the_library(counts: list[int]) -> None:
    assert entropy(counts) == pytest.approx(float(reference(counts)), abs=1e-12)
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    assert 1 - 1e-9 <= effective_diversity(labels) <= sum(count > 0 for count in counts) + 1e-9


def test_adaptive_sampling_comes_to_its_target() -> None:
    target, counts, drawn = np.array([0.4, 0.3, 0.2, 0.1]), np.array([300, 0, 0, 0]), np.random.default_rng(0)
    expected = fill_to_target(target, counts, 700)
    for _ in range(700):
        counts[drawn.choice(4, p=adaptive_shares(target, counts))] += 1
    assert counts / 1000 == pytest.approx(target, abs=0.005)
    assert (expected + np.array([300, 0, 0, 0])).tolist() == [400, 300, 200, 100]


@given(
    counts=st.lists(st.integers(0, 30), min_size=3, max_size=3), budget=st.integers(0, 60),
    weights=st.lists(st.integers(0, 5), min_size=3, max_size=3).filter(any),
)  # fmt: skip
def test_what_is_filled_in_spends_the_budget_and_never_takes_away(
    counts: list[int], budget: int, weights: list[int]
) -> None:
    target = np.array(weights) / sum(weights)
    added = fill_to_target(target, counts, budget)
    assert added.sum() == budget
    assert (added >= 0).all()
    assert not added[target == 0].any()


def test_greedy_is_as_diverse_as_any_choice_of_a_small_pool_and_beats_chance_on_a_large_one() -> None:
    domains, modes = list("aaaabbc"), list("xxyyxyx")

    def diversity(chosen: tuple[int, ...] | np.ndarray) -> float:
        views = [[view[i] for i in chosen] for view in (domains, modes)]
        return sum(np.log(effective_diversity(view)) for view in views)

    best = max(diversity(chosen) for chosen in combinations(range(7), 4))
    assert diversity(greedy_diverse([domains, modes], 4)) == pytest.approx(best)
    drawn = np.random.default_rng(0)
    pool = drawn.choice(50, size=5000, p=(weights := 1 / np.arange(1, 51)) / weights.sum())
    chosen = greedy_diverse([pool.tolist()], 200)
    assert len(set(chosen.tolist())) == 200
    assert effective_diversity(pool[chosen].tolist()) > 1.5 * effective_diversity(pool[:200].tolist())


def simulated(by_diversity: bool) -> dict[str, list[float]]:
    """Sets of 200 to 6400 trajectories at four degrees of sameness; accuracy follows one of the two, with noise."""
    drawn, rows = np.random.default_rng(4), {"examples": [], "diversity": [], "accuracy": []}
    for size in (200, 400, 800, 1600, 3200, 6400):
        for clusters in (4, 12, 36, 108):
            told = effective_diversity(drawn.integers(clusters, size=size).tolist())
            axis = told if by_diversity else size / 50
            rows["examples"].append(float(size))
            rows["diversity"].append(told)
            rows["accuracy"].append(0.3 + 0.07 * np.log(axis) + drawn.normal(0, 0.005))
    return rows


@pytest.mark.parametrize("by_diversity", [True, False])
def test_two_laws_at_equal_budgets_tell_diversity_from_quantity(by_diversity: bool) -> None:
    table = simulated(by_diversity)
    laws = [find_law(name) for name in ("accuracy_by_examples", "accuracy_by_diversity")]
    tests = backtest(read_runs(table, rows="all"), laws, Settings(bootstrap=0), along="examples")
    found = tournament(tests)
    first, second = found.standings
    assert first.law == ("accuracy_by_diversity" if by_diversity else "accuracy_by_examples")
    assert second.distinguishable


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: entropy([-1]), "counts of clusters"),
        (lambda: adaptive_shares([0.5, 0.2], [1, 1]), "target shares sum to 0.7"),
        (lambda: fill_to_target([1.0], [0], -1), "-1 trajectories cannot be added"),
        (lambda: greedy_diverse([["a"], ["x", "y"]], 1), "not of one length"),
        (lambda: greedy_diverse([["a"]], 2), "2 of 1 trajectories cannot be taken"),
        (lambda: action_complexity(["run"], {}), "the action 'run' has no weight"),
    ],
)
def test_what_cannot_be_is_refused(ask: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        ask()  # type: ignore[operator]
