"""One option a stage within a budget: the choice against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.plans.questions import Option, choose, chosen
from allometry.plans.questions.choose import greedily


def options_of(generator: np.random.Generator, stages: int, ways: int) -> list[Option]:
    return [
        Option(f"s{s}", f"w{w}", float(generator.uniform(0, 9)), float(generator.normal()))
        for s in range(stages)
        for w in range(ways)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_the_choice_is_the_brute_best(seed: int) -> None:
    generator = np.random.default_rng(seed)
    options = options_of(generator, 5, 4)
    budget = float(generator.uniform(15, 30))
    every = itertools.product(*([one for one in options if one.stage == f"s{s}"] for s in range(5)))
    best = max(sum(one.value for one in ways) for ways in every if sum(one.cost for one in ways) <= budget)
    found = chosen(options, budget)
    assert sum(one.value for one in found) == pytest.approx(best)
    assert sum(one.cost for one in found) <= budget * (1 + 1e-9)
    assert choose(options, budget).figures["value by the greedy rule"] <= best + 1e-9


def test_sending_the_largest_gains_to_the_dear_processor_is_exact() -> None:
    """AdaParse, arXiv 2505.01435: with equal costs the top share is the knapsack's optimum, and its frontier is concave."""
    gains = np.random.default_rng(0).gamma(1.0, 0.1, 60)
    options = [
        Option(f"d{i}", way, cost, value)
        for i, gain in enumerate(gains)
        for way, cost, value in (("fast", 1, 0.0), ("good", 21, gain))
    ]
    quality = []
    for share in (0.0, 0.05, 0.1, 0.2, 0.5, 1.0):
        count = int(share * 60)
        budget = 60 + 20 * count
        value = sum(one.value for one in chosen(options, budget))
        assert value == pytest.approx(np.sort(gains)[::-1][:count].sum())
        assert sum(one.value for one in greedily(options, budget)) == pytest.approx(value)
        quality.append((share, value))
    slopes = np.diff([v for _, v in quality]) / np.diff([s for s, _ in quality])
    assert np.all(np.diff(slopes) <= 1e-9)


def test_a_budget_below_the_cheapest_is_refused_with_what_is_needed() -> None:
    options = [Option("a", "x", 3, 1.0), Option("b", "y", 4, 1.0)]
    with pytest.raises(Refused, match="costs 7 together"):
        choose(options, 6)
    for wrong in ([], [Option("a", "x", -1, 1.0)], [Option("a", "x", 1, np.nan)]):
        with pytest.raises(Refused):
            choose(wrong, 6)
