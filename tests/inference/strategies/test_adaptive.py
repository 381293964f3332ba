"""Votes that end when it is clear who wins: as often wrong as promised, and no worse than a fixed number of samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import special

from allometry.inference.calls import Budget
from allometry.inference.engines import Simulator, World
from allometry.inference.strategies import Strategy, find_strategy
from allometry.inference.strategies._stopping import certainty
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT

ERRORS = 4


def swept(strategy: Strategy, world: World, most: int, problems: int) -> list[Outcome]:
    return sweep(simulated_problems(problems), [strategy], [Budget(calls=most)], Simulator(world), scorer=EXACT)


def errors_of_mode(outcomes: list[Outcome], world: World) -> float:
    wrong = [(outcome.grade == 1) != (world.success_of(int(outcome.problem)) > 0.5) for outcome in outcomes]
    return float(np.mean(wrong))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (4, 0), (7, 3), (40, 31)])
def test_certainty_is_the_incomplete_beta(first: int, second: int) -> None:
    assert certainty(first, second) == pytest.approx(special.betaincc(first + 1, second + 1, 0.5), rel=1e-12)


def ends(sure: float, most: int) -> Iterator[tuple[int, int, float]]:
    """Where votes end whose share is even over [0, 1], and with which chance: a Polya urn, stopped."""
    alive = {(0, 0): 1.0}
    while alive:
        after: dict[tuple[int, int], float] = {}
        for (a, b), chance in alive.items():
            for vote, share in (((a + 1, b), (a + 1) / (a + b + 2)), ((a, b + 1), (b + 1) / (a + b + 2))):
                after[vote] = after.get(vote, 0.0) + chance * share
        alive = {}
        for (a, b), chance in after.items():
            if certainty(max(a, b), min(a, b)) >= sure or a + b == most:
                yield a, b, chance
            else:
                alive[a, b] = chance


def test_a_stop_is_wrong_as_often_as_promised() -> None:
    """Where shares of votes are even over [0, 1], as the rule takes them to be: by enumeration, and as simulated."""
    sure, most, world = 0.9, 24, World(success=(1.0, 1.0))
    stopped = [(a, b, chance) for a, b, chance in ends(sure, most) if certainty(max(a, b), min(a, b)) >= sure]
    share = sum(chance for _, _, chance in stopped)
    exact = sum(chance * (1 - certainty(max(a, b), min(a, b))) for a, b, chance in stopped) / share
    assert exact < 1 - sure
    found = swept(find_strategy("adaptive_self_consistency")(sure=sure), world, most, 700)
    early = [outcome for outcome in found if outcome.samples < most]
    assert len(early) / len(found) == pytest.approx(share, abs=ERRORS * math.sqrt(0.25 / len(found)))
    assert errors_of_mode(early, world) == pytest.approx(exact, abs=ERRORS * math.sqrt(exact / len(early)))


@pytest.mark.parametrize("sure", [0.8, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("most", [8, 20, 40])
def test_it_is_no_worse_than_a_fixed_number_of_as_many_samples_exactly(sure: float, most: int) -> None:
    """By enumeration: its mean error is at most that of a majority of its mean number of samples.

    Where that number is no whole one, it is of the next two by chance, so that both draw the same.
    """
    samples = sum(chance * (a + b) for a, b, chance in ends(sure, most))
    low = math.floor(samples)
    fixed = (low + 1 - samples) * error_of(1.1, low) + (samples - low) * error_of(1.1, low + 1)
    assert error_of(sure, most) <= fixed


def error_of(sure: float, most: int) -> float:
    return sum(chance * (1 - certainty(max(a, b), min(a, b))) for a, b, chance in ends(sure, most))


def test_it_is_no_worse_over_seeds() -> None:
    adaptive, plain, used = [], [], []
    for seed in range(4):
        world = World(seed=seed, success=(0.6, 0.6))
        found = swept(find_strategy("adaptive_self_consistency")(), world, 30, 120)
        mean = math.ceil(np.mean([outcome.samples for outcome in found]))
        fixed = swept(find_strategy("self_consistency")(), world, mean, 120)
        adaptive.append(errors_of_mode(found, world))
        plain.append(errors_of_mode(fixed, world))
        used.append(np.mean([outcome.samples for outcome in found]) <= mean)
    assert all(used)
    assert np.mean(adaptive) <= np.mean(plain)


def test_easy_questions_end_after_four_samples_that_agree() -> None:
    found = swept(find_strategy("adaptive_self_consistency")(), World(success=1.0), 40, 5)
    assert {(outcome.samples, outcome.votes) for outcome in found} == {(4, (4.0,))}
    found = swept(find_strategy("adaptive_self_consistency")(at_once=8), World(success=1.0), 40, 5)
    assert {outcome.samples for outcome in found} == {8}
