"""Draft and target: the conformal test hands over the share it promises, and the target goes on from what it is handed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import MAIN, Abilities, Budget, Engine, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator
from allometry.inference.engines.simulator import ALL
from allometry.inference.records import Records
from allometry.inference.strategies import find_strategy
from allometry.inference.strategies._conformal import p_value, rejects
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT
from allometry.notices import Refused

ERRORS, CHUNK = 4, 4
READ = simulated_problems(1)[0].read
PROBLEMS = [Problem(f"{i}", f"? {i}\n", "0", sample_tokens=16, read=READ) for i in range(400)]
MAKE = find_strategy("draft_target")


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.6])
@pytest.mark.parametrize("count", [9, 99])
def test_exchangeable_scores_are_rejected_at_the_rate_that_is_promised(rate: float, count: int) -> None:
    """ceil(rate * (n+1)) of n+1, whatever they are distributed like: within a binomial's interval over many draws."""
    rng, draws = random.Random(0), 3000
    found = 0
    for _ in range(draws):
        scores = [rng.lognormvariate(0, 2) for _ in range(count + 1)]
        found += rejects(scores[0], scores[1:], rate)
    exact = math.ceil(rate * (count + 1) - 1e-9) / (count + 1)
    assert found / draws == pytest.approx(exact, abs=ERRORS * math.sqrt(exact * (1 - exact) / draws))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(0, 20))
def test_of_a_set_each_ranked_among_the_others_the_promised_share_is_rejected(
    scores: list[int], twentieths: int
) -> None:
    """Ties are all unlikely alike: with them it may be more."""
    rate, promised = twentieths / 20, math.ceil(Fraction(twentieths * len(scores), 20))
    held = [rejects(one, scores[:i] + scores[i + 1 :], rate) for i, one in enumerate(scores)]
    assert sum(held) >= promised
    assert len(set(scores)) < len(scores) or sum(held) == promised


def test_a_low_score_has_a_large_p_value_and_is_rejected() -> None:
    assert p_value(-9.0, [-1.0, -2.0, -3.0]) == 1.0
    assert p_value(-0.5, [-1.0, -2.0, -3.0]) == 0.25
    assert rejects(-9.0, [-1.0, -2.0, -3.0], 0.25)
    assert not rejects(-0.5, [-1.0, -2.0, -3.0], 0.7)


@dataclass(frozen=True)
class Writer:
    """A virtual engine that writes words of its own, `whole` of them with the answer as the last.

    As a target it finds a chunk likely by chance, normally around 0 less `drift` for each earlier chunk.
    """

    word: str
    whole: int = 16
    answer: str = "0"
    drift: float = 0.0
    profile: Profile = field(default_factory=lambda: Profile("writer", ALL, virtual=True))

    def __post_init__(self) -> None:
        object.__setattr__(self, "profile", replace(self.profile, identity=f"writer {self.word} {self.drift}"))

    async def sample(self, request: Request) -> Sequence[Response]:
        if request.scored:
            rng, words = random.Random(request.seed), len(request.prefix.split())
            before = len(str(request.prompt).split()) - 2
            score = rng.gauss(-self.drift * before / CHUNK, 1)
            return [Response("", finish="length", prefix_logprobs=(score,) * words, usage=Usage(0, 0, 0), seconds=0.1)]
        done = len(request.prefix.split())
        words = [*[self.word] * max(0, self.whole - done - 2), "answer", self.answer][: request.max_tokens]
        over = done + len(words) >= self.whole
        text = "".join(f"{one} " for one in words)
        return [Response(text, finish="stop" if over else "length", usage=Usage(0, 0, len(words)), seconds=0.1)]

    def most_prompt_tokens(self, request: Request) -> int:
        return 0


def swept(count: int, drift: float = 0.0, budget: Budget | None = None, **arguments: object) -> list[Outcome]:
    engines: dict[str, Engine] = {MAIN: Writer("T", drift=drift), "draft": Writer("d", answer="0.1")}
    strategy = MAKE(chunk=CHUNK, **arguments)
    return [*sweep(PROBLEMS[:count], [strategy], [budget or Budget(10_000)], engines, scorer=EXACT)]


def test_with_scores_of_other_problems_the_first_turn_has_the_share_and_later_ones_drift() -> None:
    rng = random.Random(1)
    calibration = tuple(rng.gauss(0, 1) for _ in range(999))
    level, drifting = (swept(200, drift, calibration=calibration, samples=4) for drift in (0.0, 1.0))
    for found in (level, drifting):
        first = np.mean([outcome.figures["rejected"][0] for outcome in found])
        # the calibration itself is a sample of 999
        error = math.sqrt(0.4 * 0.6 * (1 / 800 + 1 / 1000))
        assert first == pytest.approx(0.4, abs=ERRORS * error)
    later = [np.mean([o.figures["rejected"][1] for o in found]) for found in (level, drifting)]
    assert later[0] == pytest.approx(0.4, abs=0.1)
    assert later[1] > 0.5


@pytest.mark.parametrize(("rate", "handed"), [(0.4, 4), (0.0, 0), (1.0, 8), (0.25, 2)])
def test_calibrated_on_itself_exactly_the_share_of_first_chunks_is_handed_over(rate: float, handed: int) -> None:
    for outcome in swept(10, rejected=rate):
        assert outcome.samples == 8
        assert outcome.figures["rejected"][0] == handed / 8
        assert outcome.figures["chunks"][0] == 8


def test_what_is_rejected_is_gone_on_from_and_never_dropped() -> None:
    """All rejected: draft, target, draft, target, of four words each; none: the draft alone."""
    all_of, none = swept(3, rejected=1.0), swept(3, rejected=0.0)
    assert {o.response.content for o in all_of if o.response} == {"d d d d T T T T d d d d T T answer 0 "}
    assert {o.response.content for o in none if o.response} == {"d d d d d d d d d d d d d d answer 0.1 "}
    assert {o.grade for o in all_of} == {1.0}
    assert {o.grade for o in none} == {0.0}
    assert {o.meter.generated_tokens for o in (*all_of, *none)} == {8 * 16}


def test_an_answer_that_the_draft_ends_and_the_target_doubts_is_gone_on_from() -> None:
    engines: dict[str, Engine] = {MAIN: Writer("T", whole=6), "draft": Writer("d", whole=4, answer="0.1")}
    [outcome] = sweep(PROBLEMS[:1], [MAKE(chunk=CHUNK, rejected=1.0, samples=1)], [Budget(99)], engines, scorer=EXACT)
    assert outcome.response is not None
    assert outcome.response.content == "d d answer 0.1 \nanswer 0 "
    assert outcome.grade == 1.0


def test_samples_do_not_wait_for_each_other_where_the_scores_are_given() -> None:
    """The time of a problem is that of its slowest sample; calls of one sample follow one another."""
    [outcome] = swept(1, calibration=(-1.0, 0.0, 1.0), samples=4)
    assert outcome.meter.seconds < 0.1 * 13
    assert outcome.meter.critical_path_tokens == 16


@pytest.mark.parametrize("limit", [5, 17, 40, 90])
def test_small_budgets_hold_fewer_samples(limit: int) -> None:
    for outcome in swept(5, budget=Budget(limit)):
        assert outcome.meter.generated_tokens <= limit
        assert outcome.samples <= max(1, limit // 16)


def test_the_figures_are_in_the_records() -> None:
    records = Records()
    engines: dict[str, Engine] = {MAIN: Writer("T"), "draft": Writer("d")}
    once, again = (
        sweep(PROBLEMS[:2], [MAKE(chunk=CHUNK)], [Budget(999)], engines, scorer=EXACT, records=records)
        for _ in range(2)
    )
    assert [one.figures for one in once] == [one.figures for one in again]
    assert set(once[0].figures) == {"rejected", "chunks"}


def test_engines_that_cannot_and_scores_that_are_none_are_refused() -> None:
    engine = Simulator()
    with pytest.raises(Refused, match="needs an engine for 'draft'"):
        sweep(PROBLEMS[:1], [MAKE()], [Budget(40)], engine)
    short = Simulator(abilities=Abilities(n=True))
    with pytest.raises(Refused, match="cannot go on from a prefix"):
        sweep(simulated_problems(1), [MAKE()], [Budget(400)], {MAIN: engine, "draft": short})
    for calibration in (("a",), 3):
        with pytest.raises(Refused, match="calibration"):
            sweep(
                simulated_problems(1), [MAKE(calibration=calibration)], [Budget(400)], {MAIN: engine, "draft": engine}
            )
