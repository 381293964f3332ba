"""Problems divided into steps: shares and thresholds come to what can be computed, and plans nobody can read are said."""

from __future__ import annotations

import math
import random
import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import Budget
from allometry.inference.engines.embedded import read_character_model
from allometry.inference.engines.find import FOLDER
from allometry.inference.strategies import find_strategy
from allometry.inference.strategies.plan_and_budget import divide
from allometry.inference.strategies.selective import agreed
from allometry.inference.sweeps import Outcome, sweep
from allometry.inference.tasks import Problem, find_task
from allometry.inference.verifiers import EXACT, scorer_of
from allometry.notices import Refused

ERRORS, PROBLEMS = 4, 200
LEVELS = (1, 5, 1, 4)
# What a sub-question of a level leaves uncertain at one token.
NEED = 1.5


def problems(count: int = PROBLEMS, tokens: int = 400, prompt: str = "problem") -> list[Problem]:
    def read(text: str) -> str | None:
        return text.split()[-1] if text.split() else None

    return [Problem(f"{i}", f"{prompt} {i}", answer="right", sample_tokens=tokens, read=read) for i in range(count)]


def run(
    name: str, engine: Any, budget: Budget, posed: list[Problem] | None = None, seed: int = 0, **given: Any
) -> list[Outcome]:
    return sweep(posed or problems(), [find_strategy(name)(**given)], [budget], engine, scorer=EXACT, seed=seed)


def mean(outcomes: list[Outcome]) -> float:
    return float(np.mean([one.grade for one in outcomes]))


# ---- plan and budget: a sub-question of level c is right with a chance of 1 - NEED c / tokens, and uses all of them


def judged(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
    """Plan, with levels unless the problem is a plain one; then answer each sub-question, right as long as all were."""
    if "sub-questions" in prompt:
        shown = (f"{i}. {'' if 'plain' in prompt else f'[{c}] '}part {i} of {c}" for i, c in enumerate(LEVELS, 1))
        return "\n".join(shown)
    level = int(re.findall(r"part \d of (\d)", prompt)[-1])
    right = "wrong" not in prompt and rng.random() < 1 - NEED * level / tokens
    return "hm " * (tokens - 1) + ("right" if right else "wrong")


def chance(tokens: list[int]) -> float:
    return math.prod(1 - NEED * c / n for c, n in zip(LEVELS, tokens, strict=True))


TOKENS, PLANNED = 120, 4 * 6  # a plan is four lines of six words; five without levels


@pytest.mark.parametrize("schedule", ["best", "uniform", "polynomial"])
def test_each_sub_question_has_its_share_and_the_answer_its_chance(speaking: Any, schedule: str) -> None:
    found = run(
        "plan_and_budget",
        engine := speaking(judged),
        Budget(TOKENS + PLANNED),
        problems(tokens=100),
        schedule=schedule,
        plan_tokens=24,
    )
    expected = divide(LEVELS, TOKENS, schedule)
    assert [one.max_tokens for one in engine.asked if "Step" in one.prompt][:1] == [expected[0]]
    assert mean(found) == pytest.approx(chance(expected), abs=ERRORS * math.sqrt(0.25 / PROBLEMS))
    assert {one.meter.generated_tokens for one in found} == {TOKENS + PLANNED}


@pytest.mark.parametrize("seed", range(3))
def test_at_equal_tokens_the_closed_form_is_never_worse_than_an_even_division(speaking: Any, seed: int) -> None:
    """By its chances 11 points better: so it is on every seed, as the difference of 200 problems errs by 5."""
    even, best = divide([1] * 4, TOKENS, "uniform"), divide(LEVELS, TOKENS, "best")
    assert chance(best) > chance(even) + 0.02
    adaptive = run(
        "plan_and_budget",
        speaking(judged),
        Budget(TOKENS + 24),
        problems(tokens=100),
        seed,
        schedule="best",
        plan_tokens=24,
    )
    plain = run(
        "plan_and_budget",
        speaking(judged),
        Budget(TOKENS + 20),
        problems(tokens=100, prompt="plain"),
        seed,
        schedule="uniform",
        plan_tokens=24,
    )
    assert {one.why for one in adaptive} == {""}
    assert {one.why for one in plain} == {"4 of 4 levels could not be read and counted as the middle one"}
    assert mean(adaptive) >= mean(plain)


@given(levels=st.lists(st.integers(1, 5), min_size=2, max_size=6), total=st.integers(600, 4000), ease=st.floats(1, 3))
def test_no_division_leaves_less_uncertainty_than_the_best(levels: list[int], total: int, ease: float) -> None:
    def left(tokens: list[int]) -> float:
        return sum(c / n**ease for c, n in zip(levels, tokens, strict=True))

    best = divide(levels, total, "best", ease)
    assert sum(best) == total
    others = [
        divide(one, total, name) for name, one in product(("uniform", "linear", "cosine"), (levels, [1] * len(levels)))
    ]
    # whole tokens: each is at most one off its share
    slack = sum(ease * c / (n - 1) ** (ease + 1) for c, n in zip(levels, best, strict=True))
    assert all(left(best) <= left(other) + slack for other in others if min(other) > 0)


def test_what_a_sub_question_leaves_goes_to_all_behind_it(speaking: Any) -> None:
    short = lambda p, x, n, r: judged(p, x, n, r) if "sub-questions" in p else "right"  # noqa: E731
    run(
        "plan_and_budget",
        engine := speaking(short),
        Budget(124),
        problems(1, tokens=100),
        schedule="uniform",
        plan_tokens=24,
    )
    asked = [one.max_tokens for one in engine.asked[1:]]
    rest, expected = 100, []
    for i in range(4):
        expected.append(rest * LEVELS_SHARES[i] // sum(LEVELS_SHARES[i:]))
        rest -= 1
    assert asked == expected


LEVELS_SHARES = divide(LEVELS, 100, "uniform")


# ---- selective: two modes with known tokens and chances, steps of known difficulty

HARDNESS = (0.1, 0.3, 0.6, 0.9)
THOUGHT, ROUTINE = 20, 4
THRESHOLDS = (0.0, 0.2, 0.4, 0.7, 1.0)


def chance_of(hardness: float, thinking: bool) -> float:
    return 1 - 0.05 * hardness if thinking else 1 - 0.9 * hardness**2


def modes(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
    """Outline, say how hard a step is, and do it: with thinking or, behind "short ", without."""
    if "One a line" in prompt:
        return "\n".join(f"{i}. step {h}" for i, h in enumerate(HARDNESS, 1))
    hard = [float(h) for h in re.findall(r"(?:step|hardness) (0\.\d)", prompt)][-1]
    if "from 0 (routine)" in prompt:
        return f"{hard}"
    thinking = prefix != "short "
    right = "wrong" not in prompt and rng.random() < chance_of(hard, thinking)
    return "hm " * ((THOUGHT if thinking else ROUTINE) - 1) + ("right" if right else "wrong")


def computed(threshold: float) -> tuple[float, int]:
    """Accuracy and tokens of a threshold, of its steps alone."""
    hard = [h > threshold for h in HARDNESS]
    return math.prod(map(chance_of, HARDNESS, hard)), sum(THOUGHT if h else ROUTINE for h in hard)


def test_accuracy_and_tokens_of_every_threshold_are_as_computed_and_so_is_the_best_under_a_cap(speaking: Any) -> None:
    cap, measured = 2 * THOUGHT + 2 * ROUTINE, {}
    for threshold in THRESHOLDS:
        found = run("selective", speaking(modes), Budget(10_000), threshold=threshold, outlines=1, routine="short ")
        accuracy, tokens = computed(threshold)
        assert mean(found) == pytest.approx(accuracy, abs=ERRORS * math.sqrt(0.25 / PROBLEMS))
        planning = 4 * 3 + len(HARDNESS)  # four lines of three words, and a word of each difficulty
        assert {one.meter.generated_tokens - planning for one in found} == {tokens}
        measured[threshold] = (mean(found), tokens)
    best = max((t for t in THRESHOLDS if computed(t)[1] <= cap), key=lambda t: computed(t)[0])
    assert best == 0.4
    assert max((t for t in THRESHOLDS if measured[t][1] <= cap), key=lambda t: measured[t][0]) == best


def test_with_the_whole_problem_as_one_step_it_is_a_switch_and_comes_to_its_mixture(speaking: Any) -> None:
    """E tokens = (1-p) short + p long, E accuracy = mean of that of each problem's mode."""
    posed = [
        Problem(p.id, f"hardness {HARDNESS[i % 4]}", answer="right", sample_tokens=64, read=p.read)
        for i, p in enumerate(problems(400))
    ]
    found = run("selective", speaking(modes), Budget(10_000), posed, threshold=0.5, outlines=0, routine="short ")
    expected = np.mean([chance_of(h, h > 0.5) for h in HARDNESS])
    assert mean(found) == pytest.approx(expected, abs=ERRORS * math.sqrt(0.25 / 400))
    assert np.mean([one.meter.generated_tokens for one in found]) == 1 + 0.5 * ROUTINE + 0.5 * THOUGHT


def test_a_difficulty_that_cannot_be_read_counts_as_hard_and_is_said(speaking: Any) -> None:
    mute = lambda p, x, n, r: "very" if "from 0 (routine)" in p else modes(p, x, n, r)  # noqa: E731
    found = run("selective", engine := speaking(mute), Budget(10_000), problems(1), routine="short ")
    assert found[0].why == "4 of 4 difficulties could not be read and counted as hard"
    assert not [one for one in engine.asked if one.prefix]


def test_outlines_agree_by_their_words_then_by_their_length() -> None:
    a, b, c = ["one", "two"], ["one"], ["three", "four"]
    assert agreed([b, a, b]) == b
    assert agreed([b, a, c]) == a
    assert agreed([[], b, []]) == b
    assert agreed([[], []]) == []


# ---- plan search: solved by whoever sees both of two observations


def ideas(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
    if "One a line" in prompt:
        return "1. alpha\n2. beta\n3. gamma\n4. delta"
    return "right" if "- alpha" in prompt and "- delta" in prompt else "wrong"


def test_what_no_sample_of_a_prompt_solves_a_combination_of_observations_does(speaking: Any) -> None:
    """None, four single ones, then pairs in order: alpha and delta are the third pair, the eighth solution."""
    assert mean(run("best_of_n", speaking(ideas), Budget(200), problems(5, 20), selector=EXACT)) == 0
    for samples in (7, 8):
        found = run(
            "plan_search", engine := speaking(ideas), Budget(400), problems(5, 20), selector=EXACT, samples=samples
        )
        assert mean(found) == (samples == 8)
        assert {one.samples for one in found} == {samples}
    assert [one.prompt.count("\n- ") for one in engine.asked[1:9]] == [0, 1, 1, 1, 1, 2, 2, 2]


# ---- all of them

UNREADABLE = ("none", "2. second\n3. third", "1. alone", "1.no space", "[1] 2 3", "", "1. " + "(" * 500)


@pytest.mark.parametrize("name", ["plan_and_budget", "selective", "plan_search"])
@pytest.mark.parametrize("said", UNREADABLE)
def test_a_plan_that_cannot_be_read_gives_a_plain_answer_and_says_so(speaking: Any, name: str, said: str) -> None:
    script = lambda p, x, n, r: said if "One a line" in p else ("0.1" if "from 0 (" in p else "right")  # noqa: E731
    given = {"selector": EXACT} if name == "plan_search" else {}
    found = run(name, speaking(script), Budget(200), problems(2, 20), **given)
    assert {one.grade for one in found} == {1}
    single = said.startswith("1. ") and name != "plan_and_budget"
    assert all(bool(one.why) is not single for one in found)


@pytest.mark.parametrize("name", ["plan_and_budget", "selective", "plan_search"])
def test_a_character_model_plans_nothing_and_answers_plainly(name: str) -> None:
    engine, task = read_character_model(FOLDER / "strong.npz"), find_task("countdown")
    given = {"selector": scorer_of(task)} if name == "plan_search" else {}
    strategy = find_strategy(name)(**given)
    found = sweep(task.problems(30, difficulty=3), [strategy], [Budget(512)], engine, scorer=scorer_of(task))
    engine.close()
    assert sum(one.grade or 0 for one in found) >= 8
    assert all(one.why for one in found)


def test_a_schedule_that_there_is_not_is_refused(speaking: Any) -> None:
    with pytest.raises(Refused, match="uniform"):
        run("plan_and_budget", speaking(judged), Budget(100), problems(1), schedule="steep")
