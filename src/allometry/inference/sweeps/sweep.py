"""Strategies at budgets on the same problems: run, resumed, and summed up in rows."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeVar, overload

from allometry.inference.calls import MAIN, NUMBERS, Budget, Engine, Halted, Ledger, Meter, Place, wait
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.episode import Outcome, Setting, check, play, recorded
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader, check_problems
from allometry.notices import Refused

Result = TypeVar("Result")
# Problems under way at the same time: what a batching engine can use, assumed.
AT_ONCE = 64


@dataclass(frozen=True)
class Row:
    """What one strategy came to at one budget: means per problem, and how many ended in which way.

    `accuracy` counts answers that are right, of all problems; `truncated`, `unaffordable` and `failed` are those of
    which it cannot be said that they are wrong. Rows of different kinds of selectors or scorers, and those of an
    `oracle`, which saw the answer, do not belong into one curve.
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
    selector_kind: str
    oracle: bool
    scorer: str
    scorer_kind: str
    meter: Mapping[str, float | None]


@dataclass(frozen=True)
class Swept(Sequence[Outcome]):
    """The outcomes of a sweep, and what was really asked of engines for them in this run.

    `paid` holds selection and scoring, and not what was in the records; it may hold calls that failed. The sweep is
    not `complete` where its limit was met (`why`): then outcomes are missing, and it can be gone on with.
    """

    outcomes: tuple[Outcome, ...]
    paid: Meter
    why: str = ""

    @property
    def complete(self) -> bool:
        return not self.why

    @overload
    def __getitem__(self, i: int) -> Outcome: ...

    @overload
    def __getitem__(self, i: slice) -> Sequence[Outcome]: ...

    def __getitem__(self, i: int | slice) -> Outcome | Sequence[Outcome]:
        return self.outcomes[i]

    def __len__(self) -> int:
        return len(self.outcomes)


async def asweep(
    problems: Sequence[Problem],
    strategies: Sequence[Strategy],
    budgets: Sequence[Budget],
    engine: Engine | Mapping[str, Engine],
    *,
    scorer: Grader | None = None,
    records: Records | None = None,
    seed: int = 0,
    limit: Budget | None = None,
    at_once: int = AT_ONCE,
    tick: Callable[[int], None] = lambda done: None,
) -> Swept:
    """Every strategy at every budget on every problem, in that order; what is recorded is not run again.

    Use it inside an event loop; `sweep` is the same elsewhere. `engine` is one, or several by role ("main", "judge").
    Budgets are per problem and are run from the smallest, so that samples of a smaller one are used by a larger one.
    `limit` is for the whole: no call is made whose worst case may exceed it, and what is there by then is returned.
    `tick` is called with 1 after each episode.
    Errors: `Refused` before the first call for what cannot be run on these engines.
    """
    engines = dict(engine) if isinstance(engine, Mapping) else {MAIN: engine}
    setting = Setting(engines, records or Records(), scorer, seed, Ledger(limit))
    _refuse_twice("problem", [problem.id for problem in problems])
    _refuse_twice("strategy", [strategy.identity for strategy in strategies])
    _refuse_twice("budget", [budget.as_text() for budget in budgets])
    for strategy in strategies:
        for budget in (*budgets, *([limit] if limit else [])):
            check(strategy, budget, setting)
    for grader in {*(one for strategy in strategies for one in strategy.graders), *([scorer] if scorer else [])}:
        check_problems(grader, problems)
    slots, halts = asyncio.Semaphore(at_once), list[str]()

    async def group(strategy: Strategy, problem: Problem) -> dict[Budget, Outcome]:
        found: dict[Budget, Outcome] = {}
        async with slots:
            for budget in _rising(budgets):
                try:
                    found[budget] = await _once(strategy, problem, budget, setting, tick)
                except Halted as halted:
                    halts.append(str(halted))
        setting.records.forget(Place.root(seed, problem.id, strategy.identity).group)
        return found

    cells = [(s, p) for s in range(len(strategies)) for p in range(len(problems))]
    async with _closing(setting.paid):
        found = dict(zip(cells, await _all([group(strategies[s], problems[p]) for s, p in cells]), strict=True))
    order = [(s, budget, p) for s in range(len(strategies)) for budget in budgets for p in range(len(problems))]
    outcomes = tuple(found[s, p][budget] for s, budget, p in order if budget in found[s, p])
    return Swept(outcomes, setting.paid.spent, halts[0] if halts else "")


@asynccontextmanager
async def _closing(paid: Ledger) -> AsyncIterator[None]:
    """Close a ledger when its time is over."""
    closing = None
    if paid.deadline < math.inf:
        closing = asyncio.get_running_loop().call_later(paid.deadline, setattr, paid, "closed", True)
    try:
        yield
    finally:
        if closing is not None:
            closing.cancel()


async def _all(work: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results of all; when one raises, the others are stopped and that one's error is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return [task.result() for task in running]


def sweep(
    problems: Sequence[Problem],
    strategies: Sequence[Strategy],
    budgets: Sequence[Budget],
    engine: Engine | Mapping[str, Engine],
    **settings: Any,
) -> Swept:
    """`asweep` for code that is not asynchronous; it also works where an event loop runs (notebooks)."""
    return wait(asweep(problems, strategies, budgets, engine, **settings))


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
    outcome = recorded(strategy, problem, budget, setting)
    if outcome is None:
        outcome = await play(strategy, problem, budget, setting)
    tick(1)
    return outcome


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    """Refuse two things of one name: their records could not be told apart."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Refused("twice", f"more than one {what} is {twice[0]!r}", "the sweep", "drop or rename all but one")


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
        first.selector, first.selector_kind, first.oracle, first.scorer, first.scorer_kind,
        {name: _mean(outcomes, name) for name in NUMBERS},
    )  # fmt: skip


def _mean(outcomes: Sequence[Outcome], name: str) -> float | None:
    values = [getattr(outcome.meter, name) for outcome in outcomes]
    return None if None in values else sum(values) / len(values)
