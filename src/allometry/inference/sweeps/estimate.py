"""What a sweep would take, before anything is asked of a model: its strategies run against an engine that pretends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from allometry.inference.calls import (
    ABILITIES,
    NUMBERS,
    Abilities,
    Budget,
    CallFailed,
    Engine,
    Meter,
    Profile,
    Request,
    Response,
    Scope,
    Usage,
)
from allometry.inference.records import Line
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.sweep import sweep
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

HALF = 0.5
"""The share of its longest that an answer is expected to take while none was measured: assumed."""


_EVERY: Any = dict.fromkeys(ABILITIES, True)


@dataclass(frozen=True)
class Length:
    """The share of the longest answer that answers take, and where that is from."""

    share: float = HALF
    why: str = "assumed: answers take half of their longest"


@dataclass(frozen=True)
class Estimate:
    """What a sweep would take: as expected, by the length of answers, and where every answer is as long as it may be.

    The worst is the larger of both, number by number. It is no bound on calls and on what their prompts take: answers
    that are shorter than expected leave room for more of them.
    """

    expected: Meter
    worst: Meter
    length: Length


def measured_length(lines: Iterable[Line], engine: str) -> Length:
    """The length of the answers that an engine gave, by the lines of a records folder; assumed where it gave none."""
    used = asked = samples = 0
    for line in lines:
        if line["kind"] == "sample" and line["engine"] == engine:
            used += line["generated_tokens"]
            asked += json.loads(line["parameters"])["max_tokens"]
            samples += 1
    if not asked:
        return Length()
    return Length(used / asked, f"measured: {samples} recorded answers took {used / asked:.0%} of their longest")


def measured_pace(lines: Iterable[Line], engine: str) -> float | None:
    """Seconds a generated token of the problems that an engine ran side by side; None where none is on record."""
    seconds = tokens = 0.0
    for line in lines:
        if line["kind"] == "episode" and (told := json.loads(line["result"]))["engine"] == engine:
            seconds += told["meter"]["seconds"]
            tokens += told["meter"]["generated_tokens"]
    return seconds / tokens if tokens else None


def estimate(
    problems: Sequence[Problem],
    strategies: Sequence[Strategy],
    budgets: Sequence[Budget],
    engine: Engine | Mapping[str, Engine],
    *,
    scorer: Grader | None = None,
    seeds: int = 1,
    length: Length | None = None,
) -> Estimate:
    """What `sweep` would take with the same arguments, without a call.

    Use it before a sweep that costs money. Judges are asked too, of an engine that pretends as well; graders that are
    functions are not run. Seconds are not estimated: they hang on what else the server does. Nor is it known what an
    endpoint can do before it was asked, so what it lacks is not refused here.
    Errors: those of `sweep` otherwise, before its first call.

    >>> from allometry.inference.engines import Simulator
    >>> from allometry.inference.strategies import find_strategy
    >>> from allometry.inference.tasks import simulated_problems
    >>> found = estimate(simulated_problems(3), [find_strategy("greedy")()], [Budget(64)], Simulator())
    >>> found.expected.generated_tokens, found.worst.generated_tokens
    (96, 192)
    """
    taken = length or Length()
    expected, worst = (
        sweep(
            problems,
            [_blind(strategy) for strategy in strategies],
            budgets,
            _pretending(engine, share),
            scorer=None if scorer is None else _unasked(scorer),
            seeds=seeds,
        ).paid
        for share in (taken.share, 1.0)
    )
    return Estimate(expected, _larger(expected, worst), taken)


def _larger(one: Meter, other: Meter) -> Meter:
    """The larger of both, number by number."""
    pairs = ((name, getattr(one, name), getattr(other, name)) for name in NUMBERS)
    numbers: dict[str, Any] = {name: None if a is None or b is None else max(a, b) for name, a, b in pairs}
    return Meter(**numbers, estimated=other.estimated)


def _pretending(engine: Engine | Mapping[str, Engine], share: float) -> Engine | dict[str, Engine]:
    if isinstance(engine, Mapping):
        return {role: _Pretender(one, share) for role, one in engine.items()}
    return _Pretender(engine, share)


@dataclass(frozen=True)
class _Pretender:
    """An engine of the same abilities and prices, whose answers hold nothing and take a share of their longest."""

    engine: Engine
    share: float
    profile: Profile = field(init=False)

    def __post_init__(self) -> None:
        # what an endpoint can do is found out by asking; whether it takes n says what a prompt costs
        able = replace(Abilities(**_EVERY), n=self.engine.profile.abilities.n)
        object.__setattr__(self, "profile", replace(self.engine.profile, abilities=able, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        tokens = max(1, round(self.share * request.max_tokens)) if request.max_tokens else 0
        usage = Usage(self.most_prompt_tokens(request), 0, tokens)
        finish: Any = "stop" if tokens < request.max_tokens else "length"
        return [Response(finish=finish, usage=usage, logprobs=(0.0,) * request.logprobs, seconds=0.0)] * request.n

    def most_prompt_tokens(self, request: Request) -> int:
        return self.engine.most_prompt_tokens(request)


def _blind(strategy: Strategy) -> Strategy:
    arguments = {n: _unasked(v) if isinstance(v, Grader) else v for n, v in strategy.arguments.items()}
    return replace(strategy, arguments=arguments)


def _unasked(grader: Grader) -> Grader:
    """A grader that gives all the same grade: it asks engines what it would ask, and runs no function of its own."""

    async def alike(problem: Problem, responses: Sequence[Response], engine: Scope) -> list[float]:
        if grader.roles or grader.check is None:
            with suppress(CallFailed):  # a judge that pretends says nothing
                await grader.grade(problem, responses, engine)
        return [0.0] * len(responses)

    return replace(grader, grade=alike)
