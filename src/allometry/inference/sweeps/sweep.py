"""Strategies at budgets on the same problems: run, resumed, and summed up in rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar

from allometry.inference.calls import MAIN, NUMBERS, Budget, Engine, Place, wait
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.episode import Outcome, Setting, check, episode_key, play, recorded
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

Result = TypeVar("Result")
# Problems under way at the same time: what a batching engine can use, assumed.
AT_ONCE = 64


@dataclass(frozen=True)
class Row:
    """What one strategy came to at one budget: means per problem, and how many ended in which way.

    `accuracy` counts answers that are right, of all problems; `truncated`, `unaffordable` and `failed` are those of
    which it cannot be said that they are wrong. `oracle` marks a selector that saw the answer.
    """

    strategy: str
    engine: str
    budget: float
    unit: str
    seed: int
    problems: int
    accuracy: float | None
    truncated: int
    unaffordable: int
    failed: int
    selector: str
    scorer: str
    oracle: bool
    meter: Mapping[str, float | None]


async def asweep(
    problems: Sequence[Problem],
    strategies: Sequence[Strategy],
    budgets: Sequence[Budget],
    engine: Engine | Mapping[str, Engine],
    *,
    scorer: Grader | None = None,
    records: Records | None = None,
    seed: int = 0,
    at_once: int = AT_ONCE,
    tick: Callable[[int], None] = lambda done: None,
) -> list[Outcome]:
    """Every strategy at every budget on every problem, in that order; what is recorded is not run again.

    Use it inside an event loop; `sweep` is the same elsewhere. `engine` is one, or several by role ("main", "judge").
    Budgets are per problem and are run from the smallest, so that samples of a smaller one are used by a larger one.
    `tick` is called with 1 after each episode.
    Errors: `Refused` before the first call for what cannot be run on these engines.
    """
    engines = dict(engine) if isinstance(engine, Mapping) else {MAIN: engine}
    setting = Setting(engines, records or Records(), scorer, seed)
    for strategy in strategies:
        for budget in budgets:
            check(strategy, budget, setting)
    slots = asyncio.Semaphore(at_once)

    async def group(strategy: Strategy, problem: Problem) -> dict[Budget, Outcome]:
        async with slots:
            found = {budget: await _once(strategy, problem, budget, setting, tick) for budget in _rising(budgets)}
        setting.records.forget(Place.root(seed, problem.id, strategy.identity).group)
        return found

    cells = [(s, p) for s in range(len(strategies)) for p in range(len(problems))]
    found = dict(zip(cells, await _all([group(strategies[s], problems[p]) for s, p in cells]), strict=True))
    return [found[s, p][budget] for s in range(len(strategies)) for budget in budgets for p in range(len(problems))]


async def _all(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all; when one raises, the others are stopped and that one's error is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return [task.result() for task in running]


def sweep(*arguments: Any, **settings: Any) -> list[Outcome]:
    """`asweep` for code that is not asynchronous; it also works where an event loop runs (notebooks)."""
    return wait(asweep(*arguments, **settings))


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """One row for each strategy, engine, budget and seed, in the order in which they first come."""
    order: dict[tuple[Any, ...], int] = {}
    for outcome in outcomes:
        order.setdefault(_cell(outcome), len(order))
    ranked = sorted(outcomes, key=lambda outcome: order[_cell(outcome)])
    return [_row(list(of_cell)) for _, of_cell in groupby(ranked, key=_cell)]


async def _once(
    strategy: Strategy, problem: Problem, budget: Budget, setting: Setting, tick: Callable[[int], None]
) -> Outcome:
    outcome = recorded(episode_key(strategy, problem, budget, setting), setting)
    if outcome is None:
        outcome = await play(strategy, problem, budget, setting)
    tick(1)
    return outcome


def _rising(budgets: Sequence[Budget]) -> list[Budget]:
    return sorted(budgets, key=lambda budget: tuple(budget.items()))


def _cell(outcome: Outcome) -> tuple[Any, ...]:
    return (outcome.strategy, outcome.engine, outcome.budget, outcome.seed, outcome.scorer, outcome.selector)


def _row(outcomes: list[Outcome]) -> Row:
    first, count = outcomes[0], len(outcomes)
    unit, _, limit = first.budget.partition(",")[0].partition("=")
    states = [outcome.state for outcome in outcomes]
    return Row(
        first.strategy, first.engine, float(limit) if limit else 0.0, unit, first.seed, count,
        sum(outcome.grade or 0.0 for outcome in outcomes) / count if first.scorer else None,
        states.count("truncated"), states.count("unaffordable"), states.count("failed"),
        first.selector, first.scorer, first.oracle, {name: _mean(outcomes, name) for name in NUMBERS},
    )  # fmt: skip


def _mean(outcomes: Sequence[Outcome], name: str) -> float | None:
    values = [getattr(outcome.meter, name) for outcome in outcomes]
    return None if None in values else sum(values) / len(values)
