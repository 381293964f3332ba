"""Searches over steps come to what a closed form says, on simulated steps and on models small enough to enumerate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from allometry.inference.calls import MAIN, Budget, wait
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy, find_strategy
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.sweeps.episode import Setting, play
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT, simulated_verifier

PERFECT = simulated_verifier(0, 0)
STEPS, STEP = 4, 8
WORLD = World(success=0.15, steps=STEPS, step_tokens=STEP)
Q = 0.15 ** (1 / STEPS)
# 4 standard errors: one false alarm in 16,000 at a seed that never changes.
ERRORS = 4


def swept(strategy: Strategy, budget: Budget, problems: int = 250, world: World = WORLD) -> list[Outcome]:
    return sweep(simulated_problems(problems, STEP * (STEPS + 1)), [strategy], [budget], Simulator(world), scorer=EXACT)


def assert_is(outcomes: list[Outcome], expected: float) -> None:
    found = np.mean([outcome.grade for outcome in outcomes])
    error = math.sqrt(expected * (1 - expected) / len(outcomes))
    assert abs(found - expected) < ERRORS * error, (found, expected, error)


def beam_success(samples: int, branch: int) -> float:
    """The chance that a right beginning is among those kept at every step: how many are is a Markov chain."""
    kept = max(1, samples // branch)
    right = np.zeros(kept + 1)
    first = stats.binom.pmf(np.arange(samples + 1), samples, Q)
    right[:kept], right[kept] = first[:kept], first[kept:].sum()
    for _ in range(STEPS - 1):
        after = np.zeros(kept + 1)
        for k, chance in enumerate(right):
            drawn = stats.binom.pmf(np.arange(k * branch + 1), k * branch, Q)
            np.add.at(after, np.minimum(np.arange(len(drawn)), kept), chance * drawn)
        right = after
    return float(1 - right[0])


def trees_success(samples: int, branch: int) -> float:
    """Each tree keeps one step of M, at every step."""
    return 1 - (1 - (1 - (1 - Q) ** branch) ** STEPS) ** (samples // branch)


@pytest.mark.parametrize(("name", "samples", "branch", "expected"), [
    ("beam", 4, 4, beam_success(4, 4)), ("beam", 8, 2, beam_success(8, 2)),
    ("dvts", 4, 2, trees_success(4, 2)), ("dvts", 9, 3, trees_success(9, 3)),
])  # fmt: skip
def test_a_search_with_a_perfect_check_is_its_closed_form_and_beats_best_of_n(
    name: str, samples: int, branch: int, expected: float
) -> None:
    """At the same tokens, all of which both use, it wins by what the two closed forms differ by."""
    budget = Budget(samples * STEP * (STEPS + 1))
    found = swept(find_strategy(name)(verifier=PERFECT, samples=samples, branch=branch), budget)
    best = swept(find_strategy("best_of_n")(selector=PERFECT, samples=samples), budget)
    assert {o.meter.generated_tokens for o in (*found, *best)} == {budget["generated_tokens"]}
    plain = 1 - 0.85**samples
    assert_is(found, expected)
    assert_is(best, plain)
    won = np.mean([a.grade - b.grade for a, b in zip(found, best, strict=True)])  # type: ignore[operator]
    assert won == pytest.approx(expected - plain, abs=ERRORS * math.sqrt(0.5 / len(found)))
    assert expected > plain + 0.05


def test_a_beam_of_its_own_width_uses_its_budget_and_stops_when_it_has_an_answer() -> None:
    outcomes = swept(find_strategy("beam")(verifier=PERFECT), Budget(2000), 40)
    assert all(outcome.grade == 1 for outcome in outcomes)
    assert max(outcome.meter.generated_tokens for outcome in outcomes) < 2000


def one_pass(branch: int) -> float:
    """The chance that a depth-first search with M tries at every place ends with an answer, without beginning anew."""
    found = 1.0
    for _ in range(STEPS):
        found = 1 - (1 - Q * found) ** branch
    return found


@pytest.mark.parametrize("branch", [1, 2])
def test_one_pass_of_backtracking_is_its_recursion(branch: int) -> None:
    """Without a limit there is one pass."""
    search, setting = (
        find_strategy("backtracking")(verifier=PERFECT, branch=branch),
        Setting({MAIN: Simulator(WORLD)}, Records(), EXACT),
    )
    assert_is([wait(play(search, problem, None, setting)) for problem in simulated_problems(300)], one_pass(branch))


@pytest.mark.parametrize("success", [1e-3, 1e-5])
def test_backtracking_finds_what_exists(success: float) -> None:
    """Best-of-N would need 1/p whole answers; a search that goes back needs about one step in 1/q for each."""
    world = World(success=success, steps=STEPS, step_tokens=STEP)
    outcomes = swept(find_strategy("backtracking")(verifier=PERFECT, branch=3), Budget(calls=3000), 30, world)
    assert all(outcome.grade == 1 for outcome in outcomes)
    q = success ** (1 / STEPS)
    assert np.mean([outcome.meter.calls for outcome in outcomes]) < 20 * STEPS / q**2


def test_where_nothing_is_accepted_it_spends_its_budget_and_says_what_it_saw() -> None:
    world = World(success=0.0, steps=STEPS, step_tokens=STEP)
    for outcome in swept(find_strategy("backtracking")(verifier=PERFECT), Budget(calls=30), 5, world):
        assert (outcome.meter.calls, outcome.state, outcome.grade) == (30, "truncated", 0.0)
