"""Votes of the most complex, minimum Bayes risk: what they must equal, and where they must win."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from allometry.inference.calls import MAIN, Budget, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator, World
from allometry.inference.engines.simulator import ALL
from allometry.inference.strategies import find_strategy, read_strategy
from allometry.inference.strategies.complexity_vote import most_complex, steps_of
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, chrf, find_grader, find_likeness, overlap, same_answer, tally
from allometry.notices import Refused

ERRORS = 4
WORLD = World(success=0.4, wrong=4)


def answers(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.response.content for outcome in outcomes if outcome.response is not None]


@dataclass(frozen=True)
class Said:
    """A virtual engine whose samples are these texts, one after another, over again."""

    texts: tuple[str, ...]
    profile: Profile = field(default_factory=lambda: Profile("said", ALL, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        first = random.Random(request.seed).randrange(len(self.texts)) if request.n == 1 else 0
        texts = [self.texts[(first + i) % len(self.texts)] for i in range(request.n)]
        return [Response(text, usage=Usage(1, 0, 1), seconds=0.1) for text in texts]

    def most_prompt_tokens(self, request: Request) -> int:
        return 1


def chosen(name: str, texts: Sequence[str], **arguments: object) -> Outcome:
    strategy = find_strategy(name)(samples=len(texts), **arguments)
    return sweep([Problem("1", "?")], [strategy], [Budget(calls=len(texts))], Said(tuple(texts)))[0]


@given(st.lists(st.sampled_from(["a", "b", "c", " "]), min_size=2, max_size=9))
def test_with_exact_match_as_utility_it_is_the_majority(texts: list[str]) -> None:
    winner = tally([text.strip() or None for text in texts], [1] * len(texts)).winner
    response = chosen("mbr", texts, utility=same_answer).response
    assert response is not None
    assert response.content == texts[winner or 0]


def test_it_is_the_medoid_and_a_text_like_no_other_does_not_win() -> None:
    texts = ["the cat sat on a mat", "a cat sat on the mat", "the cat sat on the mat", "quantum chromodynamics!"]
    totals = [sum(chrf(Problem("1", "?"), Response(a), Response(b)) for b in texts) for a in texts]
    response = chosen("mbr", texts).response
    assert response is not None
    assert response.content == texts[int(np.argmax(totals))] == "the cat sat on the mat"


# Of "ab" in "abcd" both orders have a precision of 1, and recalls of 2/4 and 1/3.
HELD = (2 / 4 + 1 / 3) / 2


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [("abcd", "abcd", 1.0), ("abc", "xyz", 0.0), ("", "", 1.0), ("", "a", 0.0), ("a b", "ab", 1.0),
     ("ab", "abcd", 5 * HELD / (4 + HELD))],
)  # fmt: skip
def test_chrf_by_hand(one: str, other: str, value: float) -> None:
    assert chrf(Problem("1", "?"), Response(one), Response(other)) == pytest.approx(value)


def test_a_hedged_pool_holds_the_greedy_answer_and_evidence_cannot_be_chosen() -> None:
    """At temperature 0 the engine says "cold"; behind an instruction it says what all evidence is like."""

    @dataclass(frozen=True)
    class Warm(Said):
        async def sample(self, request: Request) -> Sequence[Response]:
            foreign = "English" in str(request.prompt)
            text = "warmer" if foreign else "cold" if request.temperature == 0 else "hot 99"
            return [Response(text, usage=Usage(1, 0, 1), seconds=0.1)] * request.n

    engine = Warm(("",))
    seen: list[str] = []

    def utility(problem: Problem, one: Response, other: Response) -> float:
        seen.append(one.content)
        return float(one.content == "cold" and other.content == "warmer")

    mbr = find_strategy("mbr")(samples=3, hedge=True, evidence=2, utility=utility)
    [outcome] = sweep([Problem("1", "?")], [mbr], [Budget(calls=9)], engine)
    assert (answers([outcome]), outcome.samples, set(seen)) == (["cold"], 3, {"cold", "hot 99"})
    assert outcome.meter.calls == 5


def test_a_grader_of_pairs_is_asked_n_squared_times_and_only_as_often_as_fits() -> None:
    asked: list[str] = []

    @dataclass(frozen=True)
    class Judge(Said):
        async def sample(self, request: Request) -> Sequence[Response]:
            asked.append(str(request.prompt))
            return [Response("Score: 5", usage=Usage(1, 0, 3), seconds=0.1)] * request.n

    mbr = find_strategy("mbr")(samples=6, utility=find_grader("judge"))
    for calls, samples in ((6 + 36, 6), (6 + 35, 5), (2, 1)):
        asked.clear()
        engines = {MAIN: Said(("a", "b")), "judge": Judge(("",))}
        [outcome] = sweep([Problem("1", "?")], [mbr], [Budget(calls=calls)], engines)
        assert (outcome.samples, len(asked)) == (samples, samples**2)
        assert outcome.meter.calls == samples + samples**2
    assert "First text:" in asked[0]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(Refused, match="not finite"):
        chosen("mbr", ["a", "b"], utility=lambda problem, one, other: float("nan"))
    with pytest.raises(Refused, match="chrf"):
        find_likeness("chr")


def test_likenesses_are_written_by_name() -> None:
    assert read_strategy("mbr(utility=same_answer)", find_grader).arguments["utility"] is same_answer
    assert read_strategy("mbr(utility=judge)", find_grader).selector == "judge"
    assert read_strategy("prune_redundant(compare='generalist:4')", find_grader).selector == "generalist:4"
    assert read_strategy("mbr(utility=overlap)", find_grader).arguments["utility"] is overlap


def test_all_of_the_most_complex_are_the_majority() -> None:
    problems, budgets = simulated_problems(150), [Budget(calls=7)]
    whole, plain = find_strategy("complexity_vote")(share=1), find_strategy("self_consistency")()
    texts = ("x\nanswer 1", "answer 2", "y\nz\nanswer 1", "answer 2", "answer 2")
    for engine in (Simulator(WORLD), Said(texts)):
        found = [sweep(problems, [one], budgets, engine, scorer=EXACT) for one in (whole, plain)]
        rates = [np.mean([outcome.grade for outcome in outcomes]) for outcomes in found]
        assert rates[0] == pytest.approx(rates[1], abs=ERRORS * np.sqrt(2 * 0.25 / 150))
    same = [sweep([Problem("1", "?")], [one], [Budget(calls=5)], Said(texts))[0] for one in (whole, plain)]
    assert same[0].votes == same[1].votes


@given(st.lists(st.integers(1, 6), min_size=1, max_size=9), st.floats(0, 1))
def test_the_most_complex_have_no_fewer_steps_than_others(steps: list[int], share: float) -> None:
    found = [Response("\n".join("abcdef"[:count])) for count in steps]
    kept = most_complex(found, share)
    assert len(kept) == max(1, np.ceil(share * len(found) - 1e-9))
    others = [one for one in found if not any(one is each for each in kept)]
    least = min(steps_of(one.content) for one in kept)
    assert all(steps_of(one.content) <= least for one in others)


@dataclass(frozen=True)
class Longwinded(Said):
    """Chains of four lines are right with a chance of 0.8, those of one with 0.3; half are of each."""

    async def sample(self, request: Request) -> Sequence[Response]:
        rngs = [random.Random(request.seed + i) for i in range(request.n)]
        return [self._chain(rng) for rng in rngs]

    def _chain(self, rng: random.Random) -> Response:
        long = rng.random() < 0.5
        right = rng.random() < (0.8 if long else 0.3)
        text = ("a\nb\nc\n" if long else "") + ("answer 0" if right else "answer 0.1")
        return Response(text, usage=Usage(1, 0, 1), seconds=0.1)


def test_where_long_chains_are_right_their_vote_wins_by_what_it_must() -> None:
    """Of 9 the 3 longest: k of 9 are long, so min(k, 3) voters are right with 0.8 and the others with 0.3."""
    count, kept, problems = 9, 3, 500
    expected = 0.0
    for k in range(count + 1):
        long = min(k, kept)
        right = np.convolve(
            stats.binom.pmf(range(long + 1), long, 0.8), stats.binom.pmf(range(kept - long + 1), kept - long, 0.3)
        )
        expected += stats.binom.pmf(k, count, 0.5) * right[2:].sum()
    plain = stats.binom.sf(4, count, 0.55)
    names = [find_strategy("complexity_vote")(share=kept / count), find_strategy("self_consistency")()]
    posed = [Problem(f"{i}", "?", "0", read=simulated_problems(1)[0].read) for i in range(problems)]
    for strategy, rate in zip(names, (expected, plain), strict=True):
        found = sweep(posed, [strategy], [Budget(calls=count)], Longwinded(("",)), scorer=EXACT)
        error = np.sqrt(rate * (1 - rate) / problems)
        assert np.mean([outcome.grade for outcome in found]) == pytest.approx(rate, abs=ERRORS * error)
    assert expected > plain + 0.1
