"""Strategies at budgets on the same problems: run, and gone on with after a kill."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar, overload

from allometry.inference.calls import MAIN, Budget, Engine, Halted, Ledger, Meter, Place, wait
from allometry.inference.records import Records
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.episode import Outcome, Setting, check, play, recorded
from allometry.inference.sweeps.learning import learn_abilities
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader, check_problems
from allometry.notices import Refused

Result = TypeVar("Result")
# Problems under way at the same time: what a batching engine can use, assumed.
AT_ONCE = 64


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
    seeds: int = 1,
    limit: Budget | Ledger | None = None,
    at_once: int = AT_ONCE,
    replay: bool = False,
    tick: Callable[[int], None] = lambda done: None,
) -> Swept:
    """Every strategy at every budget on every problem, in that order; what is recorded is not run again.

    Use it inside an event loop; `sweep` is the same elsewhere. `engine` is one, or several by role ("main", "judge").
    Budgets are per problem and are run from the smallest, so that samples of a smaller one are used by a larger one.
    All is run `seeds` times, from `seed` upwards. `limit` is for the whole (a ledger, for several sweeps together): no
    call is made whose worst case may exceed it, and what is there by then is returned. Recorded outcomes come without
    their texts, unless `replay` has the strategies run again on the recorded samples. `tick` is called with 1 after
    each episode.
    Errors: `Refused` before the first call for what cannot be run on these engines.
    """
    engines = dict(engine) if isinstance(engine, Mapping) else {MAIN: engine}
    paid = limit if isinstance(limit, Ledger) else Ledger(limit)
    kept = records or Records()
    settings = [Setting(engines, kept, scorer, seed + i, paid) for i in range(seeds)]
    _refuse_twice("problem", [problem.id for problem in problems])
    _refuse_twice("strategy", [strategy.identity for strategy in strategies])
    _refuse_twice("budget", [budget.as_text() for budget in budgets])
    await learn_abilities(settings[0], strategies, problems)
    _check_all(problems, strategies, [*budgets, *([paid.budget] if paid.budget else [])], settings[0])
    slots, halts = asyncio.Semaphore(at_once), list[str]()

    async def group(setting: Setting, strategy: Strategy, problem: Problem) -> dict[Budget, Outcome]:
        found: dict[Budget, Outcome] = {}
        async with slots:
            for budget in _rising(budgets):
                try:
                    found[budget] = await _once(strategy, problem, budget, setting, replay, tick)
                except Halted as halted:
                    halts.append(str(halted))
        kept.forget(Place.root(setting.seed, problem.id, strategy.identity).group)
        return found

    cells = list(product(range(len(strategies)), range(seeds), range(len(problems))))
    work = [group(settings[i], strategies[s], problems[p]) for s, i, p in cells]
    async with _closing(paid):
        found = dict(zip(cells, await _all(work), strict=True))
    order = product(range(len(strategies)), budgets, range(seeds), range(len(problems)))
    outcomes = tuple(found[s, i, p][budget] for s, budget, i, p in order if budget in found[s, i, p])
    return Swept(outcomes, paid.spent, halts[0] if halts else "")


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


async def _once(
    strategy: Strategy, problem: Problem, budget: Budget, setting: Setting, replay: bool, tick: Callable[[int], None]
) -> Outcome:
    outcome = None if replay else recorded(strategy, problem, budget, setting)
    if outcome is None:
        outcome = await play(strategy, problem, budget, setting)
    tick(1)
    return outcome


def _check_all(
    problems: Sequence[Problem], strategies: Sequence[Strategy], budgets: Sequence[Budget], setting: Setting
) -> None:
    """Refuse what cannot be run on these engines, or graded."""
    for strategy, budget in product(strategies, budgets):
        check(strategy, budget, setting)
    scorers = () if setting.scorer is None else (setting.scorer,)
    for grader in {*(one for strategy in strategies for one in strategy.graders), *scorers}:
        check_problems(grader, problems)


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    """Refuse two things of one name: their records could not be told apart."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Refused("twice", f"more than one {what} is {twice[0]!r}", "the sweep", "drop or rename all but one")


def _rising(budgets: Sequence[Budget]) -> list[Budget]:
    return sorted(budgets, key=lambda budget: tuple(budget.items()))
