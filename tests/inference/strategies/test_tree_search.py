"""Tree searches: shares, the integer programme against brute force, and A* against a search that knows less."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import Budget, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator, World
from allometry.inference.engines.simulator import ALL
from allometry.inference.strategies import find_strategy
from allometry.inference.strategies._balance import balanced
from allometry.inference.strategies._pruning import keep, newest, nodes_of
from allometry.inference.strategies._steps import START, Path
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT, grader, simulated_verifier
from allometry.notices import Refused


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(1, 40), st.floats(0.01, 2))
def test_shares_give_the_whole_width_out_and_more_to_better_ones(grades: list[float], width: int, t: float) -> None:
    shares = balanced(grades, width, t)
    assert sum(shares) == width
    assert all(share >= 0 for share in shares)
    ranked = [share for _, share in sorted(zip(grades, shares, strict=True), key=lambda pair: -pair[0])]
    assert all(a >= b - 1 for a, b in pairwise(ranked))


def test_shares_of_two_are_their_softmax() -> None:
    assert balanced([0.2, 0.2 + 0.2 * np.log(3)], 8, 0.2) == [2, 6]
    assert balanced([0.5, 0.9], 7, 1e-6) == [0, 7]


def tree(rng: random.Random, depth: int = 3) -> list[Path]:
    """Leaves of a small random tree."""
    level = [START]
    for step in range(depth):
        level = [
            Path(f"{path.text}{rng.choice('abc')}\n", None, path, step + 1, step + 1)
            for path in level for _ in range(rng.randint(1, 2 if step else 3))
        ]  # fmt: skip
    return rng.sample(level, min(len(level), 8))


def value(paths: list[Path], kept: Sequence[int], shares: list[float], shared: float, variety: float) -> float:
    chosen = [paths[i] for i in kept]
    kinds = {newest(path) for path in paths}
    nodes = {id(node) for path in chosen for node in path.trail()} | {id(START)}
    whole = {id(node) for path in paths for node in path.trail()} | {id(START)}
    covered = {newest(path) for path in chosen}
    return sum(shares[i] for i in kept) - shared * len(nodes) / len(whole) + variety * len(covered) / len(kinds)


@pytest.mark.parametrize("seed", range(25))
def test_what_is_kept_is_the_optimum_of_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    paths = tree(rng)
    raw = [rng.random() for _ in paths]
    shares = [one / sum(raw) for one in raw]
    shared, variety = rng.choice([0.0, 0.5, 1.0, 3.0]), rng.choice([0.0, 0.3, 1.5])
    best = max(
        value(paths, kept, shares, shared, variety)
        for count in range(1, len(paths) + 1)
        for kept in combinations(range(len(paths)), count)
    )
    found = keep(paths, shares, shared, variety)
    assert value(paths, found, shares, shared, variety) == pytest.approx(best, abs=1e-9)


def test_nodes_are_counted_once() -> None:
    first = Path("a\n", parent=START)
    second, third = Path("a\nb\n", parent=first), Path("a\nc\n", parent=first)
    assert len(nodes_of([second, third])) == 3
    assert [newest(path) for path in (first, second)] == ["a", "b"]
    assert keep([second, third], [0.5, 0.5], 0.0, 0.0) == [0, 1]
    assert len(keep([second, third], [0.5, 0.5], 50.0, 0.0)) == 1
    with pytest.raises(Refused, match="weigh 0 or more"):
        keep([second], [1.0], -1.0, 0.0)


def test_ets_holds_fewer_nodes_and_is_as_often_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the same width on simulated steps whose verifier errs."""
    world, verifier = World(success=0.3, steps=4, step_tokens=8), simulated_verifier(0.1, 0.1)
    graded = grader("soft", "learned", lambda p, r: 0.3 + 0.4 * float(verifier.check(p, r)))  # type: ignore[misc]
    from allometry.inference.strategies import _steps

    held: list[int] = []
    grow = _steps.Walk.grow

    async def counting(walk: Any, plan: Any) -> Any:
        held.append(len(nodes_of([path for path, count in plan if count])))
        return await grow(walk, plan)

    monkeypatch.setattr(_steps.Walk, "grow", counting)
    right, nodes = {}, {}
    for name, settings_ in (("rebase", {}), ("ets", {"shared": 1.0, "variety": 0.3})):
        held.clear()
        strategy = find_strategy(name)(verifier=graded, samples=12, **settings_)
        found = sweep(simulated_problems(40, 40), [strategy], [Budget(480)], Simulator(world), scorer=EXACT)
        right[name] = np.mean([outcome.grade for outcome in found])
        nodes[name] = np.mean(held)
    assert nodes["ets"] < nodes["rebase"]
    assert right["ets"] > right["rebase"] - 4 * np.sqrt(0.5 / 40)


DEPTH, BRANCH = 4, 3


@dataclass(frozen=True)
class Tree:
    """A virtual engine whose k-th sample of any step is its k-th child."""

    profile: Profile = field(default_factory=lambda: Profile("tree", ALL, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        last = request.prefix.count("\n") == DEPTH - 1
        usage = Usage(1, 0, 1)
        return [Response(f"{i}", stopped_by=None if last else "\n", usage=usage, seconds=0.1) for i in range(request.n)]

    def most_prompt_tokens(self, request: Request) -> int:
        return 1


def falling(seed: int) -> dict[str, float]:
    """Grades that fall along every path: the cost to come is never less than it was said to be."""
    rng, grades = random.Random(seed), {"": 1.0}
    level = [""]
    for _ in range(DEPTH):
        level = [f"{path}{i}" for path in level for i in range(BRANCH)]
        grades |= {path: grades[path[:-1]] * rng.uniform(0.5, 1) for path in level}
    return grades


def costs(grades: dict[str, float]) -> dict[str, float]:
    """The cost so far of each path: rises of 1 - grade behind its first step."""
    found = dict.fromkeys(grades, 0.0)
    for path in sorted(grades, key=len):
        if len(path) > 1:
            found[path] = found[path[:-1]] + max(0.0, grades[path[:-1]] - grades[path])
    return found


def uniform_cost(grades: dict[str, float]) -> tuple[str, int]:
    """Best-first by the cost so far alone: the answer of least whole cost, and how many places were gone on from."""
    so_far, queue, expanded = costs(grades), [(0.0, "")], 0
    while True:
        _, path = heapq.heappop(queue)
        if len(path) == DEPTH:
            return path, expanded
        expanded += 1
        for child in (f"{path}{i}" for i in range(BRANCH)):
            ends = 1 - grades[child] if len(child) == DEPTH else 0.0
            heapq.heappush(queue, (so_far[child] + ends, child))


@pytest.mark.parametrize("seed", range(20))
def test_a_star_goes_on_from_no_more_than_best_first_and_finds_the_least(seed: int, run: Any) -> None:
    grades = falling(seed)
    verifier = grader("falling", "learned", lambda problem, response: grades[response.content.replace("\n", "")])

    async def solve(problem: Any, engine: Any, budget: Any) -> Any:
        return await find_strategy("a_star")(verifier=verifier, branch=BRANCH).run(problem, engine, budget)

    outcome = run(solve, Tree())
    best, expanded = uniform_cost(grades)
    assert outcome.response.content.replace("\n", "") == best
    assert DEPTH <= outcome.meter.calls / BRANCH <= expanded


def test_with_a_perfect_check_a_star_is_depth_first() -> None:
    """Each step is paid for once where the first samples are right."""
    strategy = find_strategy("a_star")(verifier=simulated_verifier(0, 0), branch=1)
    world = World(success=1.0, steps=4, step_tokens=8)
    found = sweep(simulated_problems(5, 40), [strategy], [Budget(400)], Simulator(world), scorer=EXACT)
    assert {(outcome.grade, outcome.meter.calls) for outcome in found} == {(1.0, 5)}
