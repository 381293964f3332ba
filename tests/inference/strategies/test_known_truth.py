"""On simulators, strategies come to what theory says they must."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from allometry.inference.calls import Budget
from allometry.inference.engines import Simulator, World
from allometry.inference.strategies import Strategy, find_strategy
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT, confidence, grader, simulated_verifier

COUNTS = (1, 2, 3, 8)
# 4 standard errors: one false alarm in 16,000 at a seed that never changes.
ERRORS = 4


def at_counts(
    strategy: Strategy, world: World, problems: int, counts: tuple[int, ...] = COUNTS
) -> dict[int, list[Outcome]]:
    budgets = [Budget(calls=count) for count in counts]
    found = sweep(simulated_problems(problems), [strategy], budgets, Simulator(world), scorer=EXACT)
    return {count: found[i * problems : (i + 1) * problems] for i, count in enumerate(counts)}


def accuracy(outcomes: list[Outcome]) -> float:
    return float(np.mean([outcome.grade for outcome in outcomes]))


def assert_is(outcomes: list[Outcome], expected: float) -> None:
    error = math.sqrt(max(expected * (1 - expected), 1e-9) / len(outcomes))
    assert abs(accuracy(outcomes) - expected) < ERRORS * error, (accuracy(outcomes), expected, error)


def coverage(p: float, n: int, rho: float) -> float:
    """P(any of n right) where with chance rho an answer is the one that the problem suggests to everybody."""
    own = stats.binom.pmf(np.arange(n + 1), n, 1 - rho)
    none = [(1 - p) ** k * (1 - p if k < n else 1) for k in range(n + 1)]
    return 1 - float(own @ none)


def majority(p: float, n: int) -> float:
    """P(more than half of n right), an even split being right half of the time."""
    tie = stats.binom.pmf(n / 2, n, p) / 2 if n % 2 == 0 else 0.0
    return float(stats.binom.sf(n // 2, n, p) + tie)


@pytest.mark.parametrize("rho", [0.0, 0.3])
def test_best_of_n_is_its_binomial(rho: float) -> None:
    found = at_counts(find_strategy("best_of_n")(selector=EXACT), World(success=0.2, wrong=4, correlation=rho), 300)
    for count, outcomes in found.items():
        assert_is(outcomes, coverage(0.2, count, rho))
        assert all(outcome.oracle and outcome.selector == "exact" for outcome in outcomes)


def test_best_of_n_by_a_verifier_with_known_error_rates() -> None:
    """The first that passes, or the first of all where none does."""
    p, false_positives, false_negatives = 0.3, 0.2, 0.25
    verifier = simulated_verifier(false_positives, false_negatives)
    found = at_counts(find_strategy("best_of_n")(selector=verifier), World(success=p), 300)
    passes = p * (1 - false_negatives) + (1 - p) * false_positives
    for count, outcomes in found.items():
        none = (1 - passes) ** count
        right = (1 - none) * p * (1 - false_negatives) / passes + none * p * false_negatives / (1 - passes)
        assert_is(outcomes, right)
        assert not any(outcome.oracle for outcome in outcomes)


def test_majority_is_its_binomial() -> None:
    for count, outcomes in at_counts(find_strategy("self_consistency")(), World(success=0.6), 300).items():
        assert_is(outcomes, majority(0.6, count))


def test_more_right_steps_make_a_right_answer() -> None:
    world = World(success=(2.0, 3.0), steps=5, step_tokens=8)
    assert_is(at_counts(find_strategy("best_of_n")(selector=EXACT), world, 800, (1,))[1], 2 / 5)


def test_weighted_votes_beat_plain_ones_where_confidence_tells() -> None:
    world = World(success=0.4, wrong=1, confidence=(-0.1, -1.2, 0.1))
    plain = at_counts(find_strategy("self_consistency")(), world, 300, (5,))[5]
    weighted = at_counts(find_strategy("self_consistency")(weight=confidence), world, 300, (5,))[5]
    # a right vote weighs three times a wrong one: it wins from 2 of 5 on
    assert_is(weighted, float(stats.binom.sf(1, 5, 0.4)))
    assert_is(plain, majority(0.4, 5))


def test_votes_weighted_by_a_perfect_verifier_are_best_of_n() -> None:
    perfect = grader("perfect", "learned", lambda problem, response: "." not in str(problem.read(response.content)))
    found = at_counts(find_strategy("self_consistency")(weight=perfect), World(success=0.2, wrong=3), 400, (4,))[4]
    assert_is(found, coverage(0.2, 4, 0.0))


def errors_of_mode(outcomes: list[Outcome], world: World) -> float:
    """The share of problems whose vote is not their more common answer."""
    wrong = [(outcome.grade == 1) != (world.success_of(int(outcome.problem)) > 0.5) for outcome in outcomes]
    return float(np.mean(wrong))


def test_the_error_of_one_question_falls_exponentially() -> None:
    """The simulated error is the binomial's, and that falls at Chernoff's rate, -ln(2 sqrt(p(1-p))), over sqrt(n)."""
    p, counts = 0.7, (1, 5, 9, 13, 17)
    found = at_counts(find_strategy("self_consistency")(), World(success=p), 500, counts)
    for count in counts:
        assert_is(found[count], majority(p, count))
    n, errors = np.array(counts), np.array([1 - accuracy(found[count]) for count in counts])
    slope, exact = (np.polyfit(n, np.log(e), 1)[0] for e in (errors, 1 - np.array([majority(p, c) for c in counts])))
    assert slope == pytest.approx(exact, rel=0.2)
    steps = stats.binom.logcdf(100, 201, p) - stats.binom.logcdf(200, 401, p)
    far = (steps - math.log(401 / 201) / 2) / 200
    assert far == pytest.approx(-math.log(2 * math.sqrt(p * (1 - p))), rel=0.01)


def mean_error(n: int) -> float:
    """The share of problems, their chances even over [0, 1], whose majority of n is not their more common answer."""
    return float(2 * integrate.quad(lambda p: special.bdtr(n // 2, n, p), 0.5, 1, points=[0.5 + 2 / math.sqrt(n)])[0])


def test_the_error_of_a_data_set_falls_as_one_over_the_root_of_n() -> None:
    """Chances that are even over [0, 1] leave margins with a positive density at 0: error ~ 1/sqrt(2 pi n)."""
    world, counts = World(success=(1.0, 1.0)), (3, 9, 27)
    found = at_counts(find_strategy("self_consistency")(), world, 500, counts)
    errors = np.array([errors_of_mode(found[count], world) for count in counts])
    n = np.array(counts, float)
    expected = [mean_error(count) for count in counts]
    assert np.abs(errors - expected).max() < ERRORS * np.sqrt(expected[0] / 500)
    slope, exact = (np.polyfit(np.log(n), np.log(e), 1)[0] for e in (errors, expected))
    assert slope == pytest.approx(exact, abs=0.15)
    assert math.log2(mean_error(4001) / mean_error(1001)) / 2 == pytest.approx(-0.5, abs=0.01)
    assert mean_error(4001) * math.sqrt(2 * math.pi * 4001) == pytest.approx(1.0, abs=0.02)


def first_finish(n: int, p: float, right: tuple[float, float], wrong: tuple[float, float]) -> float:
    """A(n) = n * integral of p phi_c(t) [p (1 - F_c(t)) + (1-p) (1 - F_w(t))]^(n-1) dt."""
    of_right, of_wrong = stats.norm(*right), stats.norm(*wrong)

    def density(t: float) -> float:
        return float(n * p * of_right.pdf(t) * (p * of_right.sf(t) + (1 - p) * of_wrong.sf(t)) ** (n - 1))

    return integrate.quad(density, 0, right[0] + 8 * right[1], limit=200)[0]


@pytest.mark.parametrize(("right", "wrong", "helps"), [((600, 100), (800, 150), True), ((800, 60), (800, 250), False)])
def test_first_finish_is_its_integral_on_both_sides(right: Any, wrong: Any, helps: bool) -> None:
    world = World(success=0.5, right_tokens=right, wrong_tokens=wrong)
    found = at_counts(find_strategy("first_finish")(tokens=4000), world, 250, (1, 2, 4, 8))
    for count, outcomes in found.items():
        assert_is(outcomes, first_finish(count, 0.5, right, wrong))
    assert (accuracy(found[8]) > accuracy(found[1])) is helps


def test_first_finish_costs_n_times_the_shortest() -> None:
    world = World(right_tokens=(60, 15), wrong_tokens=(60, 15))
    for outcome in at_counts(find_strategy("first_finish")(tokens=400), world, 60, (6,))[6]:
        assert outcome.meter.generated_tokens == 6 * outcome.meter.critical_path_tokens
        assert outcome.meter.seconds == pytest.approx(outcome.meter.critical_path_tokens / 100)


def test_thinking_that_is_cut_is_as_good_as_its_length() -> None:
    world = World(success=0.8, thinking=(10_000, 0, 50))
    forcing = find_strategy("budget_forcing")(opening="", end="\n", final="answer ", answer_tokens=4, thinking=10_000)
    for limit in (20, 54, 204):
        problems = simulated_problems(250)
        found = sweep(problems, [forcing], [Budget(limit)], Simulator(world), scorer=EXACT)
        assert_is(found, 0.8 * -math.expm1(-(limit - 4) / 50))
        assert {outcome.meter.generated_tokens for outcome in found} == {limit - 3}


def test_told_to_wait_it_thinks_longer_and_better() -> None:
    world = World(success=0.9, thinking=(30, 0, 60))
    make = find_strategy("budget_forcing")
    for waits in (0, 1, 3):
        forcing = make(opening="", end="\n", final="answer ", wait="wait ", waits=waits, answer_tokens=4, thinking=500)
        found = sweep(simulated_problems(250), [forcing], [Budget(500)], Simulator(world), scorer=EXACT)
        assert_is(found, 0.9 * -math.expm1(-30 * (waits + 1) / 60))


def test_no_thinking_votes_over_short_answers() -> None:
    world = World(success=0.9, thinking=(100, 0, 20))
    quick = find_strategy("no_thinking")(thought="hm " * 20 + "\nanswer ", tokens=8)
    share = 0.9 * -math.expm1(-1)
    found = at_counts(quick, world, 300, (1, 5))
    for count, outcomes in found.items():
        assert_is(outcomes, majority(share, count))
        assert all(outcome.meter.critical_path_tokens == 1 for outcome in outcomes)
        assert all(outcome.meter.generated_tokens == count for outcome in outcomes)
