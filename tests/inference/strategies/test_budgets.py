"""No strategy ever exceeds its budget, in any unit; what it cannot afford is said and not counted as wrong."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import Price, Shape
from allometry.inference.calls import MAIN, Abilities, Budget, Engine, wait
from allometry.inference.engines import Simulator, World
from allometry.inference.engines.simulator import ALL
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy, list_strategies
from allometry.inference.sweeps import Outcome
from allometry.inference.sweeps.episode import Setting, play
from allometry.inference.tasks import Problem, simulated_problems
from allometry.inference.verifiers import EXACT, confidence, same_answer, simulated_verifier

VERIFIER = simulated_verifier(0.1, 0.1)
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "best_of_n": [{"selector": VERIFIER}, {"selector": EXACT, "samples": 3}],
    "self_consistency": [{}, {"weight": VERIFIER}, {"weight": confidence, "samples": 5}],
    "first_finish": [{}, {"count": 3}, {"samples": 4}],
    "budget_forcing": [
        {"end": "\n", "final": "\nanswer ", "wait": "\nwait ", "waits": w, "opening": ""} for w in (0, 2)
    ],
    "no_thinking": [{"thought": "\nanswer "}],
    "beam": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "samples": 6, "branch": 2}],
    "backtracking": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "branch": 1, "threshold": 0.9}],
    "particle_filter": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "samples": 5, "odds": True}],
    "adaptive_self_consistency": [{}, {"sure": 0.8, "at_once": 3}, {"samples": 5}],
    "rebase": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "samples": 5, "balance": 1.0}],
    "ets": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "samples": 5, "variety": 0.0}],
    "a_star": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "branch": 2, "answers": 3}],
    "particle_gibbs": [{"verifier": VERIFIER}, {"verifier": VERIFIER, "samples": 6, "iterations": 2}],
    "blend_self_consistency": [{}, {"strict": 1.0, "at_once": 3}, {"samples": 5}],
    "refine": [{"selector": VERIFIER, "choice": c, "candidates": 2} for c in ("best", "puct", "rpucg", "balance")],
    "complexity_vote": [{}, {"share": 0.3, "samples": 5}],
    "mbr": [{}, {"utility": same_answer, "hedge": True}, {"utility": VERIFIER, "samples": 4, "evidence": 2}],
    "prune_redundant": [{}, {"compare": VERIFIER, "samples": 6}, {"compare": same_answer, "beginning": 3, "groups": 2}],
    "draft_target": [{}, {"samples": 3, "chunk": 4, "calibration": (-0.2, -0.3, -0.4)}],
    "turns": [{"selector": VERIFIER}, {"selector": EXACT, "batch": 3, "turns": 2}],
    "parallel_paths": [{}, {"opening": "think {path} ", "chunk": 4, "paths": 3}],
    "spawn_join": [{}, {"told": True, "depth": 2}],
    "fork_join": [{"form": "paths"}, {"told": True}],
    "plan_and_budget": [{}, {"schedule": "best"}],
    "selective": [{}, {"outlines": 0}],
    "plan_search": [{"selector": VERIFIER}, {"selector": EXACT, "samples": 3}],
    "dvts": [{"verifier": VERIFIER, "branch": 2}, {"verifier": VERIFIER, "samples": 6, "branch": 3}],
}
ALL_STRATEGIES = [make(**a) for name, make in list_strategies().items() for a in ARGUMENTS.get(name, [{}])]
WORLDS = {
    "plain": World(success=(1, 1), wrong=3, right_tokens=(20, 10), wrong_tokens=(30, 15), wait=0.05),
    "steps": World(success=(1, 1), steps=4, step_tokens=5, failures=0.1),
    "thinking": World(success=(1, 1), thinking=(15, 10, 10)),
}
LIMITS = {
    "generated_tokens": st.integers(1, 400),
    "calls": st.integers(1, 20),
    "flops": st.floats(1e4, 1e8),
    "money": st.floats(1e-6, 2e-3),
    "seconds": st.floats(0.01, 5),
}


def episode(
    strategy: Strategy,
    world: World,
    shape: Shape,
    price: Price,
    budget: Budget,
    takes_n: bool,
    together: int | None = None,
) -> Outcome:
    able = ALL if takes_n else Abilities(**{**ALL.__dict__, "n": False})
    engine = Simulator(world, shape, price, able)
    object.__setattr__(engine, "profile", replace(engine.profile, together=together))
    return wait(
        play(strategy, simulated_problems(1, 40)[0], budget, Setting(roles(strategy, engine), Records(), EXACT))
    )


def roles(strategy: Strategy, engine: Simulator) -> dict[str, Engine]:
    """The same engine for all that a strategy asks."""
    return dict.fromkeys((MAIN, *strategy.roles), engine)


@pytest.mark.parametrize("strategy", ALL_STRATEGIES, ids=lambda strategy: strategy.label)
@settings(max_examples=25)
@given(data=st.data(), world=st.sampled_from(sorted(WORLDS)), takes_n=st.booleans(), together=st.none() | st.integers(1, 4),
       units=st.lists(st.sampled_from(sorted(LIMITS)), min_size=1, max_size=3, unique=True))  # fmt: skip
def test_no_budget_is_ever_exceeded(
    strategy: Strategy,
    data: st.DataObject,
    world: str,
    takes_n: bool,
    together: int | None,
    units: list[str],
    shape: Shape,
    price: Price,
) -> None:
    budget = Budget(**{unit: data.draw(LIMITS[unit], unit) for unit in units})
    outcome = episode(strategy, WORLDS[world], shape, price, budget, takes_n, together)
    for unit, limit in budget.items():
        used = getattr(outcome.meter, unit)
        assert used <= limit * (1 + 1e-12), (unit, used, limit)
    if outcome.state == "unaffordable":
        assert outcome.grade is None
    assert outcome.state != "failed" or WORLDS[world].failures


TOLD = [s for s in ALL_STRATEGIES if {"plan", "observe", "merge"} & s.arguments.keys() or s.arguments.get("told")]


@pytest.mark.parametrize("strategy", TOLD, ids=lambda strategy: strategy.label)
@settings(max_examples=40)
@given(data=st.data(), seed=st.integers(0, 99), units=st.lists(st.sampled_from(sorted(LIMITS)), min_size=1, max_size=3, unique=True))  # fmt: skip
def test_nor_where_a_model_does_as_it_is_told(
    strategy: Strategy, data: st.DataObject, seed: int, units: list[str], speaking: Any, say: Any
) -> None:
    budget = Budget(**{unit: data.draw(LIMITS[unit], unit) for unit in units})
    problem = Problem(f"{seed}", "a problem", answer="1", sample_tokens=24, read=lambda text: text[-1:])
    outcome = wait(play(strategy, problem, budget, Setting({MAIN: speaking(say)}, Records(), EXACT)))
    assert all(getattr(outcome.meter, unit) <= limit * (1 + 1e-12) for unit, limit in budget.items())
    assert outcome.state in ("answered", "truncated", "unaffordable")
    assert (outcome.state == "unaffordable") == (outcome.meter.calls == 0)


@pytest.mark.parametrize("strategy", ALL_STRATEGIES, ids=lambda strategy: strategy.label)
def test_a_budget_that_holds_no_call_is_unaffordable_and_not_wrong(
    strategy: Strategy, shape: Shape, price: Price
) -> None:
    outcome = episode(strategy, WORLDS["plain"], shape, price, Budget(flops=1), True)
    assert (outcome.state, outcome.grade, outcome.meter.calls) == ("unaffordable", None, 0)


@pytest.mark.parametrize("strategy", ALL_STRATEGIES, ids=lambda strategy: strategy.label)
def test_an_answer_that_its_budget_cuts_off_is_truncated_and_not_wrong(
    strategy: Strategy, shape: Shape, price: Price
) -> None:
    outcome = episode(strategy, World(success=1.0), shape, price, Budget(5), True)
    assert outcome.state == "truncated"


@pytest.mark.parametrize("strategy", ALL_STRATEGIES, ids=lambda strategy: strategy.label)
def test_most_of_a_large_budget_of_tokens_is_used_by_what_draws_samples(
    strategy: Strategy, shape: Shape, price: Price
) -> None:
    outcome = episode(strategy, WORLDS["plain"], shape, price, Budget(2000), True)
    bounded = strategy.arguments.get("samples") or strategy.name in (
        "greedy",
        "budget_forcing",
        "first_finish",
        "refine",
        "turns",
        "draft_target",
        "parallel_paths",
        "spawn_join",
        "fork_join",
        "plan_and_budget",
        "selective",
    )
    # a search ends with the highest grade there is, an adaptive vote when it is clear who wins
    bounded = bounded or {"verifier", "sure"} & strategy.arguments.keys()
    assert bounded or outcome.meter.generated_tokens > 2000 - 40
    assert outcome.meter.generated_tokens > 0


@pytest.mark.parametrize("strategy", ALL_STRATEGIES, ids=lambda strategy: strategy.label)
def test_without_a_limit_every_strategy_ends(strategy: Strategy) -> None:
    outcome = wait(play(strategy, simulated_problems(1, 40)[0], None, Setting(roles(strategy, Simulator()), Records())))
    assert 1 <= outcome.meter.calls <= 64
    timeless = Simulator(World(tokens_per_second=math.inf))
    outcome = wait(
        play(strategy, simulated_problems(1, 40)[0], Budget(seconds=1), Setting(roles(strategy, timeless), Records()))
    )
    assert 1 <= outcome.meter.calls <= 64
