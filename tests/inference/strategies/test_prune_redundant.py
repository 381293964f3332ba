"""Pruning of what begins alike: what it saves is arithmetic, and what it says is the majority."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import stats

from allometry.inference.calls import MAIN, Budget, Profile, Request, Response, Usage
from allometry.inference.engines.simulator import ALL
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, find_grader

ERRORS, WHOLE, LOOK = 4, 40, 10
SHARES = (0.5, 0.3, 0.2)
READ = simulated_problems(1)[0].read
PROBLEMS = [Problem(f"{i}", f"? {i}", "0", sample_tokens=WHOLE, read=READ) for i in range(400)]


@dataclass(frozen=True)
class Paths:
    """A virtual engine whose samples take one of three ways, said at their beginning, to the answer at its end."""

    whole: int = WHOLE
    profile: Profile = field(default_factory=lambda: Profile("paths", ALL, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        return [self._written(request, random.Random(f"{request.seed + i}{request.prompt}")) for i in range(request.n)]

    def _written(self, request: Request, rng: random.Random) -> Response:
        """Whichever way a prefix took, it is gone on."""
        way = request.prefix.split()[1] if request.prefix else str(rng.choices(range(3), SHARES)[0])
        words = ["way", way, *["on"] * (self.whole - 4), "answer", way]
        done = len(request.prefix.split())
        said = words[done : done + request.max_tokens]
        over = done + len(said) == self.whole
        return Response(
            " ".join(said) + " ", finish="stop" if over else "length", usage=Usage(0, 0, len(said)), seconds=0.1
        )

    def most_prompt_tokens(self, request: Request) -> int:
        return 0


def same_way(problem: Problem, one: Response, other: Response) -> float:
    return float(one.content.split()[1] == other.content.split()[1])


def never(problem: Problem, one: Response, other: Response) -> float:
    return 0.0


def swept(compare: Any, samples: int, count: int = 400, engine: Paths | None = None, **arguments: Any) -> list[Outcome]:
    strategy = find_strategy("prune_redundant")(compare=compare, samples=samples, beginning=LOOK, **arguments)
    return [*sweep(PROBLEMS[:count], [strategy], [Budget(10_000)], engine or Paths(), scorer=EXACT)]


def right(n: int) -> float:
    """P(the first of three answers has most of n votes), an even split being won by who was there first."""
    chances = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            votes = (a, b, n - a - b)
            if a == max(votes):
                # each of those that lead was there first with the same chance
                chances += float(stats.multinomial.pmf(votes, n, SHARES)) / votes.count(a)
    return chances


def rate(outcomes: list[Outcome]) -> float:
    return float(np.mean([outcome.grade for outcome in outcomes]))


@pytest.mark.parametrize("compare", [never, same_way])
def test_pruned_or_not_it_is_the_majority(compare: Any) -> None:
    found, expected = swept(compare, 9), right(9)
    assert rate(found) == pytest.approx(expected, abs=ERRORS * math.sqrt(expected * (1 - expected) / len(found)))
    assert {sum(outcome.votes) for outcome in found} == {9.0}
    assert {outcome.samples for outcome in found} == {9}


def test_it_saves_exactly_what_groups_leave_unwritten() -> None:
    n = 9
    for outcome in swept(same_way, n, 60):
        different = len(outcome.votes)
        saved = 1 - outcome.meter.generated_tokens / (n * WHOLE)
        assert saved == pytest.approx((n - different) * (WHOLE - LOOK) / (n * WHOLE))
    assert {outcome.meter.generated_tokens for outcome in swept(never, n, 20)} == {n * WHOLE}


def test_the_worse_the_comparison_the_less_it_saves_and_the_less_it_is_right() -> None:
    """A comparison that misses a share of equals, and takes a share of others for equal."""

    def noisy(error: float) -> Any:
        def compare(problem: Problem, one: Response, other: Response) -> float:
            flips = random.Random(f"{one.key}{other.key}").random() < error
            return float((same_way(problem, one, other) > 0) != flips)

        return compare

    found = [swept(noisy(error), 9, 200) for error in (0.0, 0.2, 0.5)]
    rates = [rate(outcomes) for outcomes in found]
    assert rates[0] > rates[2]

    def misses(error: float) -> Any:
        def compare(problem: Problem, one: Response, other: Response) -> float:
            missed = random.Random(f"{one.key}{other.key}").random() < error
            return same_way(problem, one, other) * (not missed)

        return compare

    used = [np.mean([o.meter.generated_tokens for o in swept(misses(e), 9, 100)]) for e in (0.0, 0.4, 0.8, 1.0)]
    assert used == sorted(used)
    assert used[-1] == 9 * WHOLE


def test_no_more_groups_than_allowed_are_finished_and_others_do_not_vote() -> None:
    for outcome in swept(same_way, 9, 30, groups=2):
        assert len(outcome.votes) <= 2
        assert outcome.meter.generated_tokens == 9 * LOOK + len(outcome.votes) * (WHOLE - LOOK)


def test_what_ends_within_its_beginning_votes_for_itself() -> None:
    found = swept(lambda problem, one, other: 1.0, 9, 100, Paths(whole=8))
    expected = right(9)
    assert rate(found) == pytest.approx(expected, abs=ERRORS * math.sqrt(expected * (1 - expected) / len(found)))
    assert {outcome.meter.generated_tokens for outcome in found} == {9 * 8}


def test_a_budget_draws_more_samples_of_what_repeats_itself() -> None:
    samples = {}
    for compare in (never, same_way):
        strategy = find_strategy("prune_redundant")(compare=compare, beginning=LOOK)
        found = sweep(PROBLEMS[:20], [strategy], [Budget(8 * WHOLE)], Paths(), scorer=EXACT)
        assert all(outcome.meter.generated_tokens <= 8 * WHOLE for outcome in found)
        samples[compare] = np.mean([outcome.samples for outcome in found])
    assert samples[never] == 8
    assert samples[same_way] > 16


def test_a_judge_of_pairs_is_shown_both_beginnings() -> None:
    @dataclass(frozen=True)
    class Judge(Paths):
        async def sample(self, request: Request) -> Sequence[Response]:
            text = str(request.prompt).partition("First text:")[2]
            ways = [part.split()[0] for part in text.split("way ")[1:3]]
            said = f"Score: {10 * (ways[0] == ways[1])}"
            return [Response(said, usage=Usage(0, 0, 3), seconds=0.1)]

    strategy = find_strategy("prune_redundant")(compare=find_grader("judge"), samples=9, beginning=LOOK)
    engines = {MAIN: Paths(), "judge": Judge()}
    for outcome in sweep(PROBLEMS[:20], [strategy], [Budget(calls=500)], engines, scorer=EXACT):
        assert outcome.selector == "judge"
        assert sum(outcome.votes) == 9
        assert len(outcome.votes) <= 3
        assert outcome.meter.calls > 9 + 8
