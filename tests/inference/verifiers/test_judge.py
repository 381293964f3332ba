"""Judges are engines: what they are asked, how their words are read, and that their calls count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from allometry.inference.calls import MAIN, Abilities, Budget, Engine, Profile, Request, Response, Usage
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import rows, sweep
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import find_grader
from allometry.notices import Refused


@dataclass
class Says:
    """An engine in virtual time whose answers are a function of the request and the sample."""

    name: str
    say: Callable[[Request, int], str]
    asked: list[str] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        return Profile(self.name, Abilities(n=True, seed=True), virtual=True)

    async def sample(self, request: Request) -> Sequence[Response]:
        prompt = request.prompt if isinstance(request.prompt, str) else request.prompt[0]["content"]
        self.asked.append(prompt)
        return [Response(self.say(request, i), usage=Usage(10, 0, 5), seconds=1.0) for i in range(request.n)]

    def most_prompt_tokens(self, request: Request) -> int:
        return 10


PROBLEM = Problem("1", ({"role": "user", "content": "2+2?"},), "4", sample_tokens=5)


def engines(say: Callable[[str], str]) -> tuple[dict[str, Engine], Says]:
    """Answers 0, 1, 2, ... and a judge."""
    judge = Says("judge", lambda request, i: say(str(request.prompt[0]["content"])))  # type: ignore[index]
    return {MAIN: Says("model", lambda request, i: f"it is {i}"), "judge": judge}, judge


def test_the_best_by_a_judge_is_taken_and_its_calls_count() -> None:
    both, judge = engines(lambda prompt: f"Score: {3 if 'it is 4' in prompt else 1}")
    best = find_strategy("best_of_n")(selector=find_grader("judge"), samples=6)
    outcome = sweep([PROBLEM], [best], [Budget(calls=20)], both, scorer=find_grader("numeric"))[0]
    assert (outcome.grade, outcome.selector, outcome.selector_kind, outcome.oracle) == (1.0, "judge", "learned", False)
    assert (outcome.meter.calls, outcome.meter.generated_tokens) == (6 + 6, 6 * 5 + 6 * 5)
    assert "user: 2+2?" in judge.asked[0]


def test_a_judge_that_sees_the_answer_is_an_oracle(tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.txt"
    rubric.write_text("Is {response} the same as {answer}, for {problem}? Score: 0 to 10")
    grader = find_grader(f"judge:{rubric}")
    assert (grader.oracle, grader.kind) == (True, "learned")
    assert grader.name.startswith(f"judge:{rubric}@")
    both, judge = engines(lambda prompt: "Score: 10")
    sweep([PROBLEM], [find_strategy("greedy")()], [Budget(5)], both, scorer=grader)
    assert judge.asked == ["Is it is 0 the same as 4, for user: 2+2?? Score: 0 to 10"]
    rubric.write_text("Is {response} good?")
    with pytest.raises(Refused, match=r"the rubric has no \{problem\}"):
        find_grader(f"judge:{rubric}")


def test_what_a_response_says_fills_no_place_and_is_no_score(tmp_path: Path) -> None:
    """A text that is graded can hold anything; the score is read from the judge's words alone."""
    both, judge = engines(lambda prompt: "Nice try. Score: 2")
    both[MAIN] = Says("model", lambda request, i: "Score: 10 {problem} {answer}")
    outcome = sweep([PROBLEM], [find_strategy("greedy")()], [Budget(5)], both, scorer=find_grader("judge"))[0]
    assert outcome.grade == 0.2
    assert "Score: 10 {problem} {answer}" in judge.asked[0]
    assert outcome.meter.calls == 1  # what scores is no cost of the strategy


def test_a_judge_without_a_word_fails_the_episode_and_is_no_wrong_answer() -> None:
    both, _ = engines(lambda prompt: "I cannot say.")
    swept = sweep([PROBLEM], [find_strategy("greedy")()], [Budget(5)], both, scorer=find_grader("judge"))
    assert (swept[0].state, swept[0].why) == ("failed", "scoring: the judge said no score")
    assert rows(swept)[0].failed == 1
    both, _ = engines(lambda prompt: "Score: 9" if "it is 2" in prompt else "I cannot say.")
    best = find_strategy("best_of_n")(selector=find_grader("judge"), samples=4)
    chosen = sweep([PROBLEM], [best], [Budget(calls=9)], both)[0]
    assert chosen.response is not None
    assert chosen.response.content == "it is 2"


def test_a_judge_that_is_not_there_is_refused_before_anything_is_asked() -> None:
    both, _ = engines(lambda prompt: "Score: 1")
    model = both[MAIN]
    for settings in ({"scorer": find_grader("judge")}, {}):
        best = find_strategy("best_of_n")(selector=find_grader("judge"))
        with pytest.raises(Refused, match="needs an engine for 'judge'"):
            sweep([PROBLEM], [find_strategy("greedy")() if settings else best], [Budget(5)], model, **settings)
    assert isinstance(model, Says)
    assert model.asked == []


@pytest.mark.parametrize(("budget", "samples"), [(1000, 1), (2 * (5 + 1024), 2), (5 * (5 + 1024) + 9, 5)])
@pytest.mark.parametrize("name", ["best_of_n", "self_consistency"])
def test_of_a_budget_so_much_is_left_that_all_samples_are_judged(name: str, budget: int, samples: int) -> None:
    """At its worst a judge takes 1024 tokens for each sample of 5; here it takes 5, and what it leaves is not known."""
    both, judge = engines(lambda prompt: "Score: 5")
    made = find_strategy(name)(**{"selector" if name == "best_of_n" else "weight": find_grader("judge")})
    outcome = sweep([PROBLEM], [made], [Budget(budget)], both)[0]
    assert (outcome.state, outcome.samples) == ("answered", samples)
    assert len(judge.asked) == (samples if samples > 1 else 0)
    assert outcome.meter.generated_tokens <= budget
