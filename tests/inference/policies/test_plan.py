"""Plans of test time where the truth is known: what is promised is what it comes to, and the best is not missed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeAlias

import numpy as np
import pytest

from allometry.costs import Price
from allometry.inference.policies import (
    Goal,
    Known,
    Life,
    allocate,
    break_even,
    kinds_of,
    make_table,
    may_be_best,
    plan_table,
    plan_test_time,
    tell_plan,
    ways,
)
from allometry.inference.policies.rules import Rule
from allometry.inference.policies.table import Array, Table
from allometry.inference.sweeps import Outcome
from allometry.notices import Refused

Draw: TypeAlias = Callable[..., Table]
Swept: TypeAlias = Callable[..., list[Outcome]]

NOTHING = Known({})


def test_what_was_chosen_does_not_look_better_than_it_is(draw: Draw) -> None:
    """Twenty cells that are all right half the time: the one that is chosen looks better on what it was chosen on."""
    naive, ours, held, kept = [], [], [], []
    for seed in range(100):
        table = draw(np.full(20, 0.5), np.linspace(10, 200, 20), spread=0.5, seed=seed)
        other = draw(np.full(20, 0.5), np.linspace(10, 200, 20), spread=0.5, seed=1000 + seed)
        plan = plan_table(table, Goal(target=0.5), known=NOTHING)
        promised, cell = plan.promise, plan.choice.cell
        naive.append(plan.naive - 0.5)
        ours.append(promised.accuracy.value - 0.5)
        held.append(promised.accuracy.low <= 0.5 <= promised.accuracy.high)
        cost = promised.costs["generated_tokens"]
        kept.append(cost.low <= other.meters["generated_tokens"][cell].mean() <= cost.high)
    assert np.mean(naive) > 0.01
    assert abs(np.mean(ours)) < np.mean(naive) / 2
    assert np.mean(held) >= 0.85
    assert np.mean(kept) >= 0.7  # the mean of other problems has an error of its own


def test_the_best_is_among_those_that_may_be_it(draw: Draw) -> None:
    level = np.linspace(0.4, 0.6, 10)
    found = [
        may_be_best(table.grades[..., 0], table.codes)
        for table in (draw(level, np.ones(10), seed=s) for s in range(60))
    ]
    assert np.mean([one[-1] for one in found]) >= 0.85
    assert np.mean([one[0] for one in found]) < 0.1  # 20 points below


def test_the_cheapest_of_those_not_told_apart_is_recommended(draw: Draw) -> None:
    table = draw(np.array([0.3, 0.6, 0.61, 0.9]), np.array([1.0, 10.0, 100.0, 1000.0]), problems=300, seed=5)
    plan = plan_table(table, Goal(budget=200), known=NOTHING)
    assert plan.choice.cell == 1
    assert set(plan.choice.alike) == {1, 2}
    told = tell_plan(plan)
    assert "not told from the best: s2" in told.sentence
    assert [row["is"] for row in told.rows] == ["", "recommended", "most accurate", ""]
    assert plan_table(table, Goal(budget=5000), known=NOTHING).choice.cell == 3


def test_a_target_is_reached_at_the_least_cost(draw: Draw) -> None:
    table = draw(np.array([0.3, 0.6, 0.65, 0.9]), np.array([1.0, 10.0, 100.0, 1000.0]), problems=400, seed=5)
    plan = plan_table(table, Goal(target=0.5), known=NOTHING)
    assert (plan.choice.cell, plan.sure) == (1, 1)
    with pytest.raises(Refused, match=r"no cell reaches 99.0%: the most is \d\d\.\d%, by s3"):
        plan_table(table, Goal(target=0.99), known=NOTHING)
    with pytest.raises(Refused, match="the least is"):
        plan_table(table, Goal(budget=0.5), known=NOTHING)


def _seen(table: Table, value: Array) -> Table:
    seen = table.seen.copy()
    seen[0] = value
    return replace(table, seen=seen)


def test_a_rule_that_saves_is_kept_and_one_of_noise_is_not(draw: Draw) -> None:
    """The first cell knows when it is right; asked first, it saves the second for the other problems."""
    level, cost = np.array([0.6, 0.9]), np.array([10.0, 1000.0])
    kept = 0
    for seed in range(20):
        table = draw(level, cost, problems=300, seed=seed)
        noise = np.random.default_rng(seed).random(table.grades.shape[1:])
        plan = plan_table(_seen(table, noise), Goal(budget=5000), known=NOTHING)
        kept += plan.rule is not None
    assert kept <= 2
    plan = plan_table(_seen(table, table.grades[0]), Goal(target=0.85), known=NOTHING)
    assert plan.rule == Rule("agreement", 1.0, 0, 1)
    assert plan.rule_gain is not None
    assert plan.rule_gain.low > 300
    assert plan.promise.costs["generated_tokens"].high < plan.constant.costs["generated_tokens"].low


def test_a_rule_costs_what_it_asks_twice(draw: Draw) -> None:
    table = draw(np.array([0.5, 0.9]), np.array([10.0, 100.0]), seed=1)
    plan = plan_table(_seen(table, table.grades[0]), Goal(target=0.85), known=NOTHING)
    first, second = table.meters["generated_tokens"]
    spent = np.where(table.grades[0] >= 1, first, first + second)
    assert plan.rule is not None
    assert plan.promise.costs["generated_tokens"].value == pytest.approx(spent.mean(), rel=0.02)


def test_what_is_known_before_can_decide(draw: Draw) -> None:
    table = draw(np.array([0.5, 0.5]), np.array([10.0, 10.0]), problems=300, seed=2)
    long = np.arange(300) % 2 == 1
    grades = np.stack([np.where(long, 0.0, 1.0), np.where(long, 1.0, 0.0)])[..., None]
    plan = plan_table(replace(table, grades=grades), Goal(budget=100), known=Known({"prompt_length": 10.0 + 10 * long}))
    assert plan.rule == Rule("prompt_length", 20.0, 1, 0)
    assert plan.promise.accuracy.value == pytest.approx(1.0)


def test_classes_share_a_budget(draw: Draw) -> None:
    table = draw(np.array([0.5, 0.5]), np.array([10.0, 100.0]), problems=400, seed=2)
    hard = np.arange(400) % 4 == 0
    grades = np.stack([np.where(hard, 0.0, 1.0), np.ones(400)])[..., None]
    found = allocate(
        replace(table, grades=grades),
        {p: "hard" if h else "easy" for p, h in zip(table.problems, hard, strict=True)},
        Goal(budget=50),
    )
    assert found.cells == {"easy": 0, "hard": 1}
    assert found.accuracy.value == 1.0
    assert found.cost.high < 50
    assert found.gain.low > 0.15


def test_oracles_are_never_recommended_and_kinds_never_mixed(swept: Swept) -> None:
    outcomes = swept("greedy", "self_consistency", "best_of_n(selector=exact)", "best_of_n(selector=judged)")
    assert kinds_of(outcomes) == ("rule", "learned")
    with pytest.raises(Refused, match="kinds rule, learned, which are never mixed"):
        make_table(outcomes)
    plan = plan_test_time(outcomes, Goal(budget=1000), kind="rule")
    assert {cell.selector for cell in plan.table.cells} == {"none", "majority"}
    assert any("a bound and no method" in one for one in plan.table.left_out)
    learned = make_table(outcomes, kind="learned")
    assert {cell.selector for cell in learned.cells} == {"none", "judged"}


def test_failed_calls_count_and_are_told(swept: Swept) -> None:
    plan = plan_test_time(swept("self_consistency", failures=0.05), Goal(budget=1000))
    told = tell_plan(plan)
    assert any(notice.code == "not-answered" for notice in told.notices)
    assert sum(one.failed for one in plan.table.ended) > 0


def test_money_and_training_are_counted(swept: Swept) -> None:
    weak, strong = swept("self_consistency", success=0.3), swept("greedy", success=0.9)
    engines = (weak[0].engine, strong[0].engine)
    with pytest.raises(Refused, match="no money"):
        plan_test_time([*weak, *strong], Goal(target=0.2, unit="money"))
    price = Price(date=date(2026, 11, 1), source="a test", prompt=0.0, generated=2.0)
    paid = plan_test_time([*weak, *strong], Goal(target=0.2, unit="money"), price=price).promise.costs
    assert paid["money"].value == pytest.approx(2e-6 * paid["generated_tokens"].value)
    life = Life({engines[0]: 1e9, engines[1]: 1e12}, 1e3)
    with pytest.raises(Refused, match="took to train is not told"):
        plan_test_time([*weak, *strong], Goal(target=0.2), life=Life({engines[0]: 1.0}, 10))
    plan = plan_test_time([*weak, *strong], Goal(target=0.2, unit="life_flops"), life=life)
    assert plan.cell.engine == engines[0]
    both = ways(plan.table, life, plan.goal)
    assert [plan.table.cells[way.cell].engine for way in both] == [engines[0], engines[1]]
    many = Life(life.trained, 1e12)
    assert break_even(*both) is None or break_even(*both) == pytest.approx(
        1e12 / (both[0].flops - both[1].flops), rel=0.01
    )
    assert (
        plan_test_time([*weak, *strong], Goal(target=0.2, unit="life_flops"), life=many)
        .promise.costs["life_flops"]
        .value
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [({}, "a target or a budget"), ({"target": 1.5}, "no accuracy"), ({"budget": -1.0}, "no budget"),
     ({"target": 0.5, "budget": 3.0}, "not both"), ({"target": 0.5, "unit": "tokens"}, "no unit")],
)  # fmt: skip
def test_goals_that_cannot_be_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(Refused, match=said):
        Goal(**settings)


def test_too_few_problems_are_refused(swept: Swept) -> None:
    with pytest.raises(Refused, match="12 problems or groups of them in common"):
        plan_test_time(swept("greedy", problems=12), Goal(budget=1000))
