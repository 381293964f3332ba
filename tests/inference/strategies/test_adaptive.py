"""Votes that end when it is clear who wins: as often wrong as promised, and no worse than a fixed number of samples."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import special, stats

from allometry.inference.calls import Budget
from allometry.inference.engines import Simulator, World
from allometry.inference.strategies import Strategy, find_strategy
from allometry.inference.strategies._stopping import certainty, evenness
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


@pytest.mark.parametrize(("first", "second"), [(4, 0), (7, 3), (30, 11)])
def test_evenness_is_the_beta_density_at_one_half(first: int, second: int) -> None:
    assert evenness(first, second) == pytest.approx(min(1.0, stats.beta.pdf(0.5, first + 1, second + 1)), rel=1e-12)


def wrong(p: float, most: int, strict: float | None, sure: float = 0.9) -> tuple[float, float]:
    """The chances that votes of a fixed share p > 1/2 end with the rarer answer ahead, early and in all: by enumeration."""
    alive, early = {(0, 0): 1.0}, 0.0
    for drawn in range(1, most + 1):
        after: dict[tuple[int, int], float] = {}
        for (a, b), chance in alive.items():
            for vote, share in (((a + 1, b), p), ((a, b + 1), 1 - p)):
                after[vote] = after.get(vote, 0.0) + chance * share
        alive, weight = {}, drawn / 40 if strict is None else strict
        for (a, b), chance in after.items():
            high, low = max(a, b), min(a, b)
            if (1 - weight) * (1 - certainty(high, low)) + weight * evenness(high, low) > 1 - sure:
                alive[a, b] = chance
            elif b > a:
                early += chance
    return early, early + sum(chance * (1.0 if b > a else 0.5) for (a, b), chance in alive.items() if b >= a)


def test_the_strict_test_keeps_its_promise_on_every_question_and_the_quick_one_does_not() -> None:
    assert all(wrong(p, 120, 1.0)[0] <= 0.1 for p in (0.501, 0.55, 0.6, 0.8))
    assert wrong(0.501, 120, 0.0)[0] > 0.3


def test_the_blend_draws_more_on_questions_that_are_nearly_even() -> None:
    quick, blend = find_strategy("adaptive_self_consistency")(), find_strategy("blend_self_consistency")()
    world = World(success=0.55)
    found = [swept(strategy, world, 40, 120) for strategy in (quick, blend)]
    used = [np.mean([outcome.samples for outcome in one]) for one in found]
    assert used[1] > used[0] + 2
    assert wrong(0.55, 40, None, 0.95)[1] < wrong(0.55, 40, 0.0, 0.95)[1]


def test_the_blend_with_no_strict_part_is_the_adaptive_vote_and_by_itself_waits_for_eight() -> None:
    for strict, samples in ((0.0, 4), (1.0, 8)):
        found = swept(find_strategy("blend_self_consistency")(strict=strict), World(success=1.0), 40, 3)
        assert {outcome.samples for outcome in found} == {samples}
