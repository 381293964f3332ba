"""Sampling to targets from an engine: exact counts, every sample on record, gone on with after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from allometry.inference.calls import (
    MAIN,
    Budget,
    CallFailed,
    Driver,
    Engine,
    Halted,
    Ledger,
    Meter,
    Place,
    Recorder,
    Request,
    Response,
    Scope,
    digest,
    wait,
)
from allometry.inference.records import Records
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader, check_problems
from allometry.notices import Refused

STRATEGY = "rejection_sampling"
RIGHT = 0.5
"""An answer is right from this grade on: graders of outcomes give 0 or 1."""
TEMPERATURE = 0.8
AT_ONCE = 64


@dataclass(frozen=True)
class Query:
    """One query as it was sampled: `right` answers, their numbers among its `trials`, and the target they were drawn to."""

    problem: Problem
    target: int
    trials: int
    right: tuple[Response, ...] = ()
    numbers: tuple[int, ...] = ()
    why: str = ""

    @property
    def met(self) -> bool:
        return len(self.right) >= self.target


@dataclass(frozen=True)
class Sampled:
    """All queries; `paid` is what was really asked of the engine, `why` says why some were not begun or not ended."""

    queries: tuple[Query, ...]
    paid: Meter = field(default_factory=Meter)
    why: str = ""

    @property
    def complete(self) -> bool:
        """Whether every query met its target or its cap."""
        return not self.why and not any(query.why for query in self.queries)


@dataclass(frozen=True)
class Sampling:
    """What is asked, and where it is kept: settings that all queries share.

    `tokens` bounds an answer (by default what its problem says); `limit` is for everything drawn with this, and may be
    a ledger that other calls share. What is in `records` is not asked again.
    """

    engine: Engine
    scorer: Grader
    records: Records = field(default_factory=Records)
    seed: int = 0
    temperature: float = TEMPERATURE
    tokens: int | None = None
    limit: Budget | Ledger | None = None
    at_once: int = AT_ONCE

    def __post_init__(self) -> None:
        if self.scorer.roles:
            raise Refused("needs-judge", f"the grader {self.scorer.name} asks another engine", "the scorer",
                          "choose one that checks answers by itself")  # fmt: skip
        self.records.hide(self.engine.profile.secrets)


def draw_to_targets(
    problems: Sequence[Problem],
    targets: Sequence[int],
    cap: int,
    sampling: Sampling,
    tick: Callable[[int], None] = lambda done: None,
) -> Sampled:
    """Answers of each problem until `targets` of them are right, or `cap` are drawn.

    As many are asked for at a time as are still missing, so that no query gets more right answers than its target and
    none takes more trials than one by one. The samples of a smaller target or cap are the first of a larger one's: with
    the same records they are not asked again. `tick` is called with 1 after each query.
    Errors: `Refused` before anything is asked for targets that do not go with the problems, for problems that cannot be
    graded. A call that fails leaves its query unfinished; the limit ends everything; both are told, and can be gone on
    with.
    Source: Tong et al. 2024, arXiv 2407.13690, Alg. 1; the authors' code draws one right answer more than its target.
    """
    if len(problems) != len(targets) or not problems:
        raise Refused(
            "bad-targets", f"{len(targets)} targets are for {len(problems)} problems", "targets", "give one each"
        )
    if cap < 1 or min(targets) < 0:
        raise Refused("bad-cap", "targets and cap must be counts, the cap 1 or more", "cap", "give a number from 1 up")
    check_problems(sampling.scorer, problems)
    return wait(_all(problems, targets, cap, sampling, tick))


async def _all(
    problems: Sequence[Problem], targets: Sequence[int], cap: int, sampling: Sampling, tick: Callable[[int], None]
) -> Sampled:
    limit = sampling.limit
    paid = limit if isinstance(limit, Ledger) else Ledger(limit)
    slots, halts = asyncio.Semaphore(sampling.at_once), list[str]()

    async def one(problem: Problem, target: int) -> Query:
        async with slots:
            query = await _query(problem, target, cap, sampling, paid)
        if query.why:
            halts.append(query.why)
        tick(1)
        return query

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one(problem, target)) for problem, target in zip(problems, targets, strict=True)]
    return Sampled(tuple(task.result() for task in running), paid.spent, halts[0] if halts else "")


async def _query(problem: Problem, target: int, cap: int, sampling: Sampling, paid: Ledger) -> Query:
    name = sampling.engine.profile.identity
    episode = digest(STRATEGY, name, problem.id, str(sampling.seed)).hex()[:32]
    recorder = Recorder(sampling.records, episode, problem.id, STRATEGY, sampling.seed)
    place = Place.root(sampling.seed, problem.id, STRATEGY)
    driver = Driver(recorder, Ledger(None), paid)
    state = Query(problem, target, 0)

    async def draw() -> None:
        nonlocal state
        scope = Scope(driver, place, {MAIN: sampling.engine}, problem)
        while not state.met and state.trials < cap:
            state = await _wave(state, cap, scope, sampling)

    try:
        await driver.run(draw())
    except Halted as halted:
        state = replace(state, why=str(halted))
    except CallFailed as failed:
        state = replace(state, why=f"a call failed: {failed.reason}")
    finally:
        sampling.records.forget(place.group)
    return state


async def _wave(state: Query, cap: int, scope: Scope, sampling: Sampling) -> Query:
    """As many samples more as right answers are missing."""
    problem = state.problem
    count = min(state.target - len(state.right), cap - state.trials)
    request = Request(
        problem.prompt, max_tokens=sampling.tokens or problem.sample_tokens, n=count,
        temperature=sampling.temperature, tools=problem.tools,
    )  # fmt: skip
    found = await scope.sample(request)
    grades = await scope.grade(sampling.scorer, found)
    right = [i for i, grade in enumerate(grades) if grade >= RIGHT]
    return replace(
        state, trials=state.trials + count, right=(*state.right, *(found[i] for i in right)),
        numbers=(*state.numbers, *(state.trials + i for i in right)),
    )  # fmt: skip


def pilot(
    problems: Sequence[Problem], trials: int, sampling: Sampling, tick: Callable[[int], None] = lambda done: None
) -> Sampled:
    """So many samples of each problem, whatever is right: pass rates to make targets of.

    With the same records these are the first samples of `draw_to_targets`, so nothing is paid twice.
    """
    return draw_to_targets(problems, [trials + 1] * len(problems), trials, sampling, tick)
