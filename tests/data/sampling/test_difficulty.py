"""Difficulty: the one-token score through an engine, how well it separates, the rules, the read-out by laws that exist."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from allometry.data.sampling.difficulty import (
    Rules,
    agreed,
    filter_solutions,
    repetition,
    separation,
    think_score,
    think_scores,
)
from allometry.fits import Settings, fit
from allometry.inference.calls import Abilities, Budget, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records
from allometry.inference.tasks import Problem, simulated_problems
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.runs import read_runs


@dataclass(frozen=True)
class Adaptive:
    """Ends its thinking at once with chance exp(-number of the problem / 10), told in two tokens."""

    profile: Profile = field(default=Profile("adaptive", Abilities(scored=True, continuation=True), virtual=True))
    asked: list[Request] = field(default_factory=list)

    async def sample(self, request: Request) -> Sequence[Response]:
        self.asked.append(request)
        each = -int(str(request.prompt).split()[-1]) / 20
        return [Response("", prefix_logprobs=(each, each), usage=Usage(3, 0, 0))]

    def most_prompt_tokens(self, request: Request) -> int:
        return 3


def test_the_score_is_one_minus_the_chance_of_the_end_of_thinking(tmp_path: Path) -> None:
    problems, engine = simulated_problems(20), Adaptive()
    with Records(tmp_path / "records") as records:
        found = think_scores(problems, engine, records=records)
    assert found.scores == pytest.approx({str(i): 1 - math.exp(-i / 10) for i in range(20)})
    assert found.hard() == [str(i) for i in range(7, 20)]
    assert found.paid.generated_tokens == 0
    assert all(one.max_tokens == 0 and one.prefix == "</think>" for one in engine.asked)
    with Records(tmp_path / "records") as records:
        again = think_scores(problems, engine, records=records)
    assert (again.scores, again.paid.calls, len(engine.asked)) == (found.scores, 0, 20)


def test_a_limit_leaves_problems_without_a_score() -> None:
    found = think_scores(simulated_problems(20), Adaptive(), limit=Budget(calls=5))
    assert len(found.scores) == found.paid.calls == 5
    assert found.why


def test_an_engine_that_cannot_score_is_refused_before_it_is_asked() -> None:
    engine = Simulator(World(), abilities=Abilities())
    with pytest.raises(Refused, match="a one-token score needs scored, continuation"):
        think_scores(simulated_problems(1), engine)


def test_separation_is_the_share_of_pairs_in_order() -> None:
    drawn = np.random.default_rng(0)
    scores, right, trials = drawn.integers(0, 5, 30), drawn.integers(0, 4, 30), np.full(30, 4)
    pairs = [(hard, easy) for hard, wrong in zip(scores, trials - right, strict=True) for _ in range(wrong)
             for easy, solved in zip(scores, right, strict=True) for _ in range(solved)]  # fmt: skip
    counted = np.mean([(hard > easy) + (hard == easy) / 2 for hard, easy in pairs])
    assert separation(scores, right, trials).value == pytest.approx(counted)


def test_the_interval_of_the_separation_holds_that_of_all_problems() -> None:
    drawn = np.random.default_rng(2)
    rates = drawn.beta(0.7, 0.7, 20_000)
    scores = 1 - rates + drawn.normal(0, 0.4, len(rates))
    right = drawn.binomial(4, rates)
    whole = separation(scores, right, np.full(20_000, 4)).value
    held = 0
    for start in range(0, 4500, 150):
        part = slice(start, start + 150)
        found = separation(scores[part], right[part], np.full(150, 4), seed=start)
        held += found.low <= whole <= found.high
    assert held >= 23  # of 30; fewer has a chance of 1% at 90%


def test_a_score_by_chance_is_a_half() -> None:
    drawn = np.random.default_rng(0)
    found = separation(drawn.random(400), drawn.integers(0, 3, 400), np.full(400, 2))
    assert found.low < 0.5 < found.high


def test_rules_take_out_what_breaks_them() -> None:
    def problem(name: str) -> Problem:
        return Problem(name, "2+2=", answer="4")

    solutions = [
        (problem("good"), Response("so it is four and the answer is 4", usage=Usage(4, 0, 9))),
        (problem("cut"), Response("so", finish="length")),
        (problem("long"), Response("4", usage=Usage(4, 0, 999))),
        (problem("circles"), Response("wait no " * 50)),
        (problem("silent"), Response(" ")),
        (problem("solved"), Response("4")),
    ]
    found = filter_solutions(solutions, Rules(longest=100), solved=["solved"])
    assert found.kept == (0,)
    assert dict(found.dropped) == {
        "cut off": 1,
        "too long": 1,
        "repeats itself": 1,
        "no answer": 1,
        "solved already": 1,
    }
    assert filter_solutions(solutions, Rules(most_repeated=1.0, answered=False, ended=False)).kept == tuple(range(6))
    assert repetition("") == 0
    assert not agreed(problem("a"), Response(" "), Response(" "))


def test_accuracy_against_the_number_of_difficult_problems_is_read_by_a_law() -> None:
    numbers = np.array([100, 300, 1000, 3000, 10_000, 30_000, 100_000], dtype=float)
    noise = np.random.default_rng(0).normal(0, 0.004, len(numbers))
    table = {"examples": numbers, "accuracy": 0.2 + 0.04 * np.log(numbers) + noise}
    law = find_law("accuracy_by_examples")
    found = fit(read_runs(table), law, Settings(bootstrap=50))
    told = dict(zip(law.parameter_names, found.estimate, strict=True))
    assert told["a"] == pytest.approx(0.2, abs=0.02)
    assert told["b"] == pytest.approx(0.04, abs=0.003)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: think_score(0.5), "0.5 is no log-probability"),
        (lambda: think_scores([], Adaptive()), "no problems to score"),
        (lambda: separation([1, 2], [2, 2], [2, 2]), "no trial failed"),
        (lambda: separation([1, np.nan], [1, 2], [2, 2]), "one finite number a problem"),
        (lambda: Rules(order=0), "a bound that nothing can meet"),
    ],
)
def test_what_cannot_be_is_refused(ask: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        ask()  # type: ignore[operator]
