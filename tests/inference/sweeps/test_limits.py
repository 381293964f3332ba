"""What a whole sweep may take is never exceeded: every strategy and unit, several engines, seeds and judges together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import Price, Shape
from allometry.inference.calls import Abilities, Budget, Ledger, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator, World
from allometry.inference.strategies import Maker, Strategy, find_strategy, list_strategies
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import find_grader

JUDGE = find_grader("judge")
SIMPLE = {"end": "\n", "final": "\nanswer ", "opening": ""}
ARGUMENTS: dict[str, dict[str, Any]] = {"self_consistency": {"weight": JUDGE}, "budget_forcing": SIMPLE}


def made(maker: Maker) -> Strategy:
    """With a judge wherever a grader must be."""
    lacking = {name: JUDGE for name, p in maker.parameters.items() if p.default is p.empty}
    return maker(**lacking, **ARGUMENTS.get(maker.name, {}))


STRATEGIES = [made(maker) for maker in list_strategies().values()]
PROBLEMS = simulated_problems(2, 40)
UNITS = ("generated_tokens", "calls", "flops", "money")


@dataclass(frozen=True)
class Judge:
    """An engine that likes longer answers, in as many tokens as it was allowed, or in four."""

    shape: Shape
    price: Price
    talks: bool

    @property
    def profile(self) -> Profile:
        return Profile("judge", Abilities(n=True, seed=True), self.shape, self.price, virtual=True)

    async def sample(self, request: Request) -> Sequence[Response]:
        tokens = request.max_tokens if self.talks else 4
        usage = Usage(self.most_prompt_tokens(request), 0, tokens)
        return [Response(f"Score: {usage.prompt % 11}", usage=usage, seconds=0.0)] * request.n

    def most_prompt_tokens(self, request: Request) -> int:
        return len(str(request.prompt))


def engines(shape: Shape, price: Price, talks: bool) -> list[dict[str, Any]]:
    """Two of different accuracies that share a judge."""
    worlds = World(success=(1, 1), steps=3, failures=0.05), World(success=0.8, right_tokens=(15, 8))
    judge = Judge(shape, price, talks)
    return [
        {"main": Simulator(world, shape, price), "judge": judge, "draft": Simulator(shape=shape, price=price)}
        for world in worlds
    ]


@pytest.mark.parametrize("unit", UNITS)
@settings(max_examples=4)
@given(share=st.floats(0.001, 1.5), seeds=st.integers(1, 2), talks=st.booleans())
def test_one_limit_of_two_engines_seeds_and_judges(
    unit: str, share: float, seeds: int, talks: bool, shape: Shape, price: Price
) -> None:
    """Judges score too; the whole is told by running without a limit."""

    def run(limit: Ledger) -> float:
        for roles in engines(shape, price, talks):
            sweep(PROBLEMS, STRATEGIES, [Budget(80), Budget(1200)], roles, scorer=JUDGE, seeds=seeds, limit=limit)
        return float(getattr(limit.spent, unit))

    whole = run(Ledger(None))
    most = max(1.0, share * whole) if unit in ("generated_tokens", "calls") else share * whole
    used = run(Ledger(Budget(**{unit: most})))
    assert used <= most * (1 + 1e-12)
    assert used == pytest.approx(whole) if share > 1.3 else used > 0 or share < 0.3


@pytest.mark.parametrize("strategy", [s for s in STRATEGIES if s.roles or s.graders], ids=lambda s: s.label)
@settings(max_examples=40)
@given(unit=st.sampled_from(UNITS), share=st.floats(0.01, 2), talks=st.booleans())
def test_a_problem_and_its_judge_keep_within_one_budget(
    strategy: Strategy, unit: str, share: float, talks: bool, shape: Shape, price: Price
) -> None:
    [roles, _] = engines(shape, price, talks)
    of_most = {"generated_tokens": 3000.0, "calls": 40.0, "flops": 5e8, "money": 0.02}[unit]
    limit = max(1.0, share * of_most) if unit in ("generated_tokens", "calls") else share * of_most
    for outcome in sweep(PROBLEMS[:1], [strategy], [Budget(**{unit: limit})], roles):
        assert getattr(outcome.meter, unit) <= limit * (1 + 1e-12)


def test_the_smallest_limit_asks_for_nothing(shape: Shape, price: Price) -> None:
    [roles, _] = engines(shape, price, True)
    swept = sweep(PROBLEMS, [find_strategy("greedy")()], [Budget(80)], roles, limit=Budget(money=1e-12))
    assert (len(swept), swept.paid.calls, swept.complete) == (0, 0, False)
