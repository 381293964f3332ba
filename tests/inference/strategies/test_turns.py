"""Context, batch and turns: on a generator and a judge of known error rates, the best split is the one that is computed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pytest

from allometry.inference.calls import Budget, Profile, Request, Response, Usage
from allometry.inference.engines.simulator import ALL
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT, grader, simulated_verifier

ERRORS = 4
FALSE_POSITIVES, FALSE_NEGATIVES = 0.3, 0.2
# A right answer that is shown is kept with this chance, a wrong one mended with that of a first try and a little more.
KEPT, MORE = 0.9, 0.15


def first_try(tokens: int) -> float:
    return 0.45 * -math.expm1(-tokens / 8)


@dataclass(frozen=True)
class Solver:
    """A virtual engine whose chance depends on its tokens and on whether the good answer it is shown is right."""

    profile: Profile = field(default_factory=lambda: Profile("solver", ALL, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        shown = str(request.prompt).partition("A good earlier answer:\nanswer ")[2].split("\n")[0]
        chance = first_try(request.max_tokens)
        if shown:
            chance = KEPT if "." not in shown else chance + MORE
        number = str(request.prompt).split()[2]
        rngs = [random.Random(f"{request.seed + i}") for i in range(request.n)]
        said = [f"answer {number}" if rng.random() < chance else f"answer {number}.1" for rng in rngs]
        return [Response(one, usage=Usage(0, 0, request.max_tokens), seconds=0.1) for one in said]

    def most_prompt_tokens(self, request: Request) -> int:
        return 0


def picked(chance: float, batch: int, positives: float = FALSE_POSITIVES, negatives: float = FALSE_NEGATIVES) -> float:
    """The chance that what the judge picks of a batch is right: the first that passes, or the first of all."""
    passes = chance * (1 - negatives) + (1 - chance) * positives
    none = (1 - passes) ** batch
    if batch == 1:
        return chance
    return (1 - none) * chance * (1 - negatives) / passes + none * chance * negatives / (1 - passes)


def accuracy(tokens: int, batch: int, turns: int) -> float:
    right = picked(first_try(tokens), batch)
    for _ in range(turns - 1):
        right = right * picked(KEPT, batch) + (1 - right) * picked(first_try(tokens) + MORE, batch)
    return right


Errors = tuple[float, float]
SPLITS = [split for split in product((4, 8, 16, 32), (1, 2, 4, 8), (1, 2, 4, 8)) if math.prod(split) == 64]


def measured(
    split: tuple[int, int, int], problems: int = 500, errors: Errors = (FALSE_POSITIVES, FALSE_NEGATIVES)
) -> float:
    tokens, batch, turns = split
    strategy = find_strategy("turns")(selector=simulated_verifier(*errors), tokens=tokens, batch=batch, turns=turns)
    found = sweep(simulated_problems(problems), [strategy], [Budget(math.prod(split))], Solver(), scorer=EXACT)
    assert {(one.samples, one.meter.generated_tokens) for one in found} == {(batch * turns, math.prod(split))}
    return float(np.mean([one.grade for one in found]))


def test_every_split_of_a_budget_is_as_right_as_computed_and_so_the_best_is_known() -> None:
    rates = {split: measured(split) for split in SPLITS}
    for split, rate in rates.items():
        expected = accuracy(*split)
        assert rate == pytest.approx(expected, abs=ERRORS * math.sqrt(expected * (1 - expected) / 500)), split
    best = max(SPLITS, key=lambda split: accuracy(*split))
    assert accuracy(*best) - rates[max(rates, key=rates.__getitem__)] < ERRORS * math.sqrt(0.25 / 500)
    # the best is no extreme: neither turns alone nor samples alone, nor the longest answers
    assert accuracy(*best) > max(accuracy(*split) for split in SPLITS if 1 in split or split[0] == 32) + 0.05
    assert rates[best] > max(rate for split, rate in rates.items() if split[2] == 1) + 0.2


def test_by_a_judge_that_is_wrong_more_often_than_not_more_samples_are_worse() -> None:
    rates = [measured((32, batch, 1), 500, (0.7, 0.6)) for batch in (1, 2, 4)]
    for rate, batch in zip(rates, (1, 2, 4), strict=True):
        expected = picked(first_try(32), batch, 0.7, 0.6)
        assert rate == pytest.approx(expected, abs=ERRORS * math.sqrt(expected * (1 - expected) / 500))
    assert rates[2] < rates[0] - 0.1


def seen(texts: list[str], grades: dict[str, float], turns: int) -> tuple[list[str], str]:
    """The prompts of an engine that says these texts in every turn, and the answer."""
    prompts: list[str] = []

    @dataclass(frozen=True)
    class Says(Solver):
        async def sample(self, request: Request) -> Sequence[Response]:
            prompts.append(str(request.prompt))
            return [Response(text, usage=Usage(0, 0, 1), seconds=0.1) for text in texts[: request.n]]

    by_text = grader("table", "learned", lambda problem, response: grades[response.content])
    strategy = find_strategy("turns")(selector=by_text, batch=len(texts), turns=turns)
    [outcome] = sweep(simulated_problems(1), [strategy], [Budget(calls=99)], Says())
    assert outcome.response is not None
    return prompts, outcome.response.content


def test_the_best_and_the_worst_are_shown_and_what_they_say_fills_no_place() -> None:
    prompts, answer = seen(["{worst}", "bad", "so so"], {"{worst}": 0.9, "bad": 0.1, "so so": 0.5}, 2)
    assert answer == "{worst}"
    assert prompts[0] == "simulated problem 0"
    assert prompts[1] == (
        "simulated problem 0\n\nA good earlier answer:\n{worst}\n\nA bad earlier answer:\nbad\n\nA better answer:\n"
    )


def test_where_all_are_graded_alike_none_is_called_bad() -> None:
    prompts, _ = seen(["a", "b"], {"a": 0.5, "b": 0.5}, 2)
    assert "bad" not in prompts[1]
