"""When a gateway says that a policy is not what it promised: known truth, drawn."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.inference.calls import Meter
from allometry.inference.engines import Simulator, World
from allometry.inference.gateway import Watch
from allometry.inference.gateway.gateway import baseline_of
from allometry.inference.policies import Leaf, Policy, Split
from allometry.inference.sweeps import mean_interval
from allometry.notices import Interval

VOTE = 'self_consistency(samples=null, vote=null, weight=null, tokens=null, temperature=0.8, prefix="")'
ENGINE = Simulator(World(success=0.5))


def made(costs: dict[str, Interval], *leaves: Leaf, split: Split | None = None) -> Policy:
    return Policy(
        leaves or (Leaf(VOTE, "vote", "calls=5"),), split, "a test", Interval(0.7, 0.65, 0.75), costs, 0.9, 60, 1,
        ENGINE.profile.identity, "exact", "exact outcome", "rule", "whole", 64, "0",
    )  # fmt: skip


def drawn(chance: np.random.Generator, count: int, times: float = 1.0) -> list[float]:
    """Costs with a long tail, as those of questions are."""
    return list(times * np.ceil(chance.lognormal(5.0, 0.7, count)))


def promised(chance: np.random.Generator) -> Policy:
    names = ("generated_tokens", "calls")
    made_on = {name: drawn(chance, 300) for name in names}
    groups = [f"{i}" for i in range(300)]
    return made({name: mean_interval(values, groups, 0.9) for name, values in made_on.items()})


def answer(watch: Watch, chance: np.random.Generator, count: int, times: float = 1.0) -> int:
    """So many answers; how many looks said drift."""
    found = 0
    for i, (tokens, calls) in enumerate(zip(drawn(chance, count, times), drawn(chance, count), strict=True)):
        if watch.count(Meter(calls=int(calls), generated_tokens=int(tokens)), f"{watch.looks}/{i}"):
            found += bool(watch.look())
    return found


def test_a_policy_that_keeps_its_promise_is_hardly_ever_said_to_drift() -> None:
    chance = np.random.default_rng(0)
    assert sum(answer(Watch(promised(chance)), chance, 1000) for _ in range(40)) <= 4  # of 400 looks, which overlap


def test_costs_that_grow_by_half_are_found_and_named() -> None:
    chance = np.random.default_rng(1)
    for _ in range(10):
        watch = Watch(promised(chance))
        assert answer(watch, chance, 1000, 1.5)
        assert watch.drift == ("generated_tokens",)


def test_one_prompt_over_and_over_says_nothing_of_others() -> None:
    watch = Watch(made({"calls": Interval(5.0, 5.0, 5.0)}))
    for _ in range(100):
        watch.count(Meter(calls=9), "the same")
    assert watch.look() == ()
    assert watch.told()["costs"][0]["measured"]["why"]


def test_accuracy_is_held_against_the_promise_where_somebody_scored() -> None:
    for right, drift in ((0.7, ()), (0.3, ("accuracy",))):
        watch = Watch(made({}))
        for i in range(200):
            watch.score(float(i % 10 < 10 * right), f"{i}")
        assert watch.look() == drift
        assert watch.told()["accuracy"]["measured"]["value"] == pytest.approx(right)


def test_only_the_last_answers_are_looked_at() -> None:
    watch = Watch(made({"calls": Interval(5.0, 4.9, 5.1)}), window=50, look=50)
    for calls in (9, 5):
        for i in range(50):
            watch.count(Meter(calls=calls), f"{i}")
        assert watch.look() == (("calls",) if calls == 9 else ())


def test_the_baseline_is_the_longer_way_of_a_rule_and_else_one_sample() -> None:
    leaves = Leaf(VOTE, "vote", "calls=1"), Leaf(VOTE, "vote", "calls=9")
    assert baseline_of(made({}, *leaves, split=Split("agreement", 0.6))).leaves == leaves[1:]
    [alone] = baseline_of(made({}, leaves[0])).leaves
    assert (alone.label, alone.budget) == ("greedy", "")
