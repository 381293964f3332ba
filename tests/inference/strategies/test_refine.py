"""Refinement: blind to what it is shown it is best-of-N, and on a hill it climbs as fast as it must."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from allometry.inference.calls import Budget, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator, World
from allometry.inference.engines.simulator import ALL
from allometry.inference.strategies import find_strategy
from allometry.inference.strategies._history import History, Node, balance, best_of, choose, puct, rpucg, worth
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT, grader, simulated_verifier
from allometry.notices import Refused

ERRORS, TOP, P = 4, 100, 0.3
HEIGHT = grader("height", "learned", lambda problem, response: int(response.content) / TOP)


@dataclass(frozen=True)
class Hill:
    """A virtual engine that says a number, one above the one it is shown with a chance of 0.3, else the same."""

    profile: Profile = field(default_factory=lambda: Profile("hill", ALL, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        seen = re.findall(r"of 1:\n(\d+)\n", str(request.prompt))
        rngs = [random.Random(request.seed + i) for i in range(request.n)]
        said = [int(seen[-1] if seen else 0) + (rng.random() < P) for rng in rngs]
        return [Response(f"{one}", usage=Usage(1, 0, 1), seconds=0.1) for one in said]

    def most_prompt_tokens(self, request: Request) -> int:
        return 1


def heights(settings: dict[str, Any], problems: int = 200) -> list[float]:
    strategy = find_strategy("refine")(selector=HEIGHT, **settings)
    found = sweep(simulated_problems(problems, 1), [strategy], [Budget(calls=10_000)], Hill(), scorer=HEIGHT)
    assert {one.samples for one in found} == {settings["chains"] * settings["steps"] * settings["candidates"]}
    return [TOP * float(one.grade or 0) for one in found]


@pytest.mark.parametrize(("steps", "candidates"), [(6, 1), (6, 3), (12, 2)])
def test_a_chain_climbs_by_the_best_of_its_candidates(steps: int, candidates: int) -> None:
    """Every step goes up with a chance of 1 - (1-p)^K: a binomial of L."""
    found = heights({"chains": 1, "steps": steps, "candidates": candidates})
    up = 1 - (1 - P) ** candidates
    error = math.sqrt(steps * up * (1 - up) / len(found))
    assert np.mean(found) == pytest.approx(steps * up, abs=ERRORS * error)


def test_chains_are_apart_and_the_best_of_them_answers() -> None:
    one, four = (np.mean(heights({"chains": c, "steps": 6, "candidates": 1})) for c in (1, 4))
    assert four > one + 0.5


@pytest.mark.parametrize("choice", ["puct", "rpucg", "balance"])
def test_other_choices_climb_too(choice: str) -> None:
    assert np.mean(heights({"chains": 1, "steps": 12, "candidates": 2, "choice": choice}, 60)) > 2


def test_on_a_model_that_sees_nothing_it_is_best_of_n() -> None:
    strategy = find_strategy("refine")(selector=simulated_verifier(0, 0), chains=2, steps=2, candidates=2)
    found = sweep(simulated_problems(300), [strategy], [Budget(calls=8)], Simulator(World(success=0.15)), scorer=EXACT)
    expected = 1 - 0.85**8
    error = math.sqrt(expected * (1 - expected) / 300)
    assert np.mean([one.grade for one in found]) == pytest.approx(expected, abs=ERRORS * error)


def history(*nodes: tuple[float, int, float], expansions: int = 6) -> History:
    return History([Node(Response(f"{grade}"), grade, shown, child) for grade, shown, child in nodes], expansions)


def test_puct_is_its_formula() -> None:
    """Three nodes: 0.5 never shown, 0.9 shown often, 0.1 whose child is the best of all."""
    held = history((0.5, 0, -math.inf), (0.9, 5, 0.6), (0.1, 1, 0.95))
    root = 0.8 * math.sqrt(7)
    scores = [0.5 + root * (2 / 6), 0.9 + root * (3 / 6) / 6, 0.95 + root * (1 / 6) / 2]
    assert puct(held, random.random) is held.nodes[int(np.argmax(scores))]
    held.nodes[0].shown = 9
    scores[0] = 0.5 + root * (2 / 6) / 10
    assert puct(held, random.random) is held.nodes[int(np.argmax(scores))]


def test_balance_draws_its_bands() -> None:
    held = history(*[(1 - i / 10, 0, -math.inf) for i in range(10)])
    rng = random.Random(0)
    ranks = np.bincount([held.nodes.index(balance(held, rng.random)) for _ in range(4000)], minlength=10) / 4000
    elite, middle, rest = 0.7 / 2, 0.2 / 5, 0.1 / 10
    expected = [(i < 2) * elite + (1 <= i < 6) * middle + rest for i in range(10)]
    assert ranks == pytest.approx(expected, abs=ERRORS * math.sqrt(0.25 / 4000))
    assert best_of(held, rng.random) is held.nodes[0]
    single = history((0.3, 0, -math.inf))
    assert balance(single, rng.random) is single.nodes[0]
    assert len(choose(balance, held, rng.random, 4)) == 4


def grown() -> History:
    """0.2 -> 0.9 -> 0.3, and 0.5 by itself, in the order in which they came."""
    held = History()
    root = held_node(held, (), 0.2)
    child = held_node(held, (root,), 0.9)
    held_node(held, (), 0.5)
    held_node(held, (child,), 0.3)
    return held


def held_node(history: History, parents: tuple[Node, ...], grade: float) -> Node:
    history.commit(parents, Response(f"{grade}"), grade)
    return history.nodes[-1]


def test_worth_is_handed_up_from_the_newest_to_the_oldest() -> None:
    held = grown()
    assert worth(held.nodes) == pytest.approx([0.72, 0.9, 0.5, 0.3])
    deep = held_node(held, (held.nodes[3],), 2.0)
    assert worth(held.nodes) == pytest.approx([2 * 0.8**3, 2 * 0.8**2, 0.5, 1.6, 2.0])
    assert deep.parents == (held.nodes[3],)


def test_rpucg_is_its_formula() -> None:
    """Percentile ranks by hand: of worths 0.72, 0.9, 0.5, 0.3 and of grades 0.2, 0.9, 0.5, 0.3; T is 4."""
    held = grown()
    root = math.sqrt(5)
    scores = [2 / 4 + 0, 3 / 4 + 3 / 4 * root / 2, 1 / 4 + 2 / 4 * root, 0 + 1 / 4 * root]
    assert scores == pytest.approx([0.5, 1.5885, 1.3680, 0.5590], abs=1e-4)
    assert rpucg(held, random.random) is held.nodes[1]
    held.nodes[1].shown = 2  # 0.75 + 0.75 * 2.236 / 3 = 1.309
    assert rpucg(held, random.random) is held.nodes[2]


def test_rpucg_shows_no_parent_and_no_child_of_what_it_shows() -> None:
    held = grown()
    assert choose(rpucg, held, random.random, 4) == [held.nodes[1], held.nodes[2]]
    assert choose(puct, held, random.random, 9) != choose(best_of, held, random.random, 2)
    assert len(choose(puct, held, random.random, 9)) == 4


def test_several_earlier_answers_are_shown_and_all_are_credited() -> None:
    strategy = find_strategy("refine")(selector=HEIGHT, chains=1, steps=4, candidates=1, choice="best", shown=2)
    prompts: list[str] = []

    @dataclass(frozen=True)
    class Listens(Hill):
        async def sample(self, request: Request) -> Sequence[Response]:
            prompts.append(str(request.prompt))
            return await super().sample(request)

    sweep(simulated_problems(1, 1), [strategy], [Budget(calls=9)], Listens(), scorer=HEIGHT)
    assert [prompt.count("An earlier answer") for prompt in prompts] == [0, 1, 2, 2]


def test_a_choice_that_there_is_not_is_refused() -> None:
    strategy = find_strategy("refine")(selector=HEIGHT, choice="pucct")
    with pytest.raises(Refused, match="puct"):
        sweep(simulated_problems(1), [strategy], [Budget(calls=4)], Hill())
