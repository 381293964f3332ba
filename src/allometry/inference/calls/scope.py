"""What a strategy is given as its engine: the model and everything else it may use, bound to its place in the tree."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from allometry.inference.calls.driver import Driver
from allometry.inference.calls.engine import Abilities, Engine
from allometry.inference.calls.meter import Meter, meter_call
from allometry.inference.calls.place import Place
from allometry.inference.calls.request import Request, Response, Usage
from allometry.inference.calls.threads import Join, Sampling, Thread
from allometry.inference.calls.tools import Tool
from allometry.inference.calls.traffic import worst_case
from allometry.notices import Refused

Item = TypeVar("Item")
Result = TypeVar("Result")
MAIN = "main"
NOTHING = Meter()


class Posed(Protocol):
    """A problem, as far as its answer can be hidden."""

    def blind(self) -> Any: ...


class Judging(Protocol):
    """Something that grades responses; only where it is an `oracle` is it shown the answer."""

    @property
    def name(self) -> str: ...

    @property
    def oracle(self) -> bool: ...

    def grade(self, problem: Any, responses: Sequence[Response], engine: Scope) -> Awaitable[Sequence[float]]: ...


class Scope:
    """An engine bound to a place in a strategy's call tree.

    Everything a strategy may do goes through it: sample, grade, run tools, begin threads, draw random numbers, look at
    the clock. It is what makes a strategy repeatable, so nothing else may be waited for.
    """

    def __init__(
        self, driver: Driver, place: Place, engines: Mapping[str, Engine], problem: Posed, role: str = MAIN
    ) -> None:
        self._driver, self._place, self._engines, self._problem, self._role = driver, place, engines, problem, role
        if role not in engines:
            raise Refused("no-engine", f"the strategy needs an engine for {role!r}", "engines", f"give {role}=ENGINE")
        self._engine = engines[role]

    # ---- what is there

    @property
    def abilities(self) -> Abilities:
        """What the engine can do."""
        return self._engine.profile.abilities

    @property
    def random(self) -> random.Random:
        """Random numbers that depend on this place alone."""
        return self._place.random

    @property
    def path(self) -> tuple[int, ...]:
        """Where in the call tree this is."""
        return self._place.path

    def now(self) -> float:
        """Seconds since the strategy began, at its last answer."""
        return self._driver.clock.now

    def on(self, role: str) -> Scope:
        """The same place on another engine: the draft of a target, a judge.

        Errors: `Refused` where no engine was given for that role.
        """
        return Scope(self._driver, self._place, self._engines, self._problem, role)

    # ---- what can be afforded

    @property
    def bounded(self) -> bool:
        """Whether there is any limit to what may be spent here."""
        return self._driver.ledger.budget is not None

    def worst(self, request: Request, *, more: int = 0) -> Meter:
        """The most that a request may take; `more` are tokens of its prompt that are still to be written."""
        return worst_case(self._engine.profile, request, self._engine.most_prompt_tokens(request) + more)

    def affordable(
        self, request: Request, *, apart: bool = False, beside: Meter = NOTHING, held: int = 0
    ) -> int | None:
        """How many samples of a request the budget is sure to hold now; None where no limit bounds it.

        In one request they share the prompt; with `apart` each is a call of its own. `beside` is set aside for each of
        them, such as what grading it may take, and for `held` samples that are there already.
        """
        found = self._samples_within_budget(request, apart, beside, held)
        profile = self._engine.profile
        if profile.most_samples is None or apart:
            return found
        drawn = self._place.drawn(self._driver.record.family(self._place, profile.identity, request).key)
        left = max(0, profile.most_samples(request) - drawn)
        return left if found is None else min(found, left)

    def fits(self, requests: Iterable[Request], *, beside: Meter = NOTHING) -> bool:
        """Whether the budget is sure to hold all of these requests at the same time, and what is set aside `beside`."""
        return self._driver.ledger.fits(sum(map(self.worst, requests), beside))

    def longest(self, request: Request, *, then: int = 0) -> int:
        """The most tokens a sample of a request may have, up to its `max_tokens`, for the budget to be sure to hold it.

        With `then`, a further call that goes on behind the sample with so many tokens is to fit as well.
        """
        prompt = self._engine.most_prompt_tokens(request)
        left = self._driver.ledger.left("generated_tokens") / request.n - then
        low, high = 0, request.max_tokens if left >= request.max_tokens else max(0, math.floor(left))
        if high and self._fits(replace(request, max_tokens=high), prompt, then):
            return high
        while low < high:
            middle = (low + high + 1) // 2
            fits = self._fits(replace(request, max_tokens=middle), prompt, then)
            low, high = (middle, high) if fits else (low, middle - 1)
        return low

    def _fits(self, request: Request, prompt: int, then: int) -> bool:
        profile = self._engine.profile
        worst = worst_case(profile, request, prompt)
        if then:
            worst += meter_call(profile, [Usage(prompt + request.max_tokens, 0, then)])
        return self._driver.ledger.fits(worst)

    def _samples_within_budget(self, request: Request, apart: bool, beside: Meter, held: int) -> int | None:
        ledger, profile = self._driver.ledger, self._engine.profile
        prompt = self._engine.most_prompt_tokens(request)
        single = worst_case(profile, replace(request, n=1), prompt)
        one = single if beside is NOTHING else single + beside * (held + 1)
        if not ledger.fits(one):
            return 0
        prompts = apart or profile.together is not None  # then a further sample may need a prompt of its own
        two = single + single if prompts else worst_case(profile, replace(request, n=2), prompt)
        more = ledger.multiples(one, two if beside is NOTHING else two + beside * (held + 2))
        return None if more is None else 1 + more

    # ---- what can be done

    async def sample(self, request: Request) -> list[Response]:
        """The samples of a request, in order; further samples of the same request here go on where these end.

        Errors: `Exhausted` where the budget may not hold the call, `CallFailed` where it gave no answer.
        """
        return await Sampling(self._engine, request, self._place)

    async def grade(self, grader: Judging, responses: Sequence[Response]) -> list[float]:
        """What a grader says of responses, one number for each. Its own calls count."""
        problem = self._problem if grader.oracle else self._problem.blind()
        grades = list(await grader.grade(problem, responses, self._inner()))
        if len(grades) != len(responses):
            raise Refused("bad-grader", f"{len(grades)} grades came for {len(responses)} responses", grader.name)
        if not all(math.isfinite(grade) for grade in grades):
            raise Refused("bad-grader", "a grade is not finite", grader.name, "give numbers from 0 to 1")
        return grades

    async def tool(self, name: str, arguments: Mapping[str, Any], run: Callable[..., Any]) -> Any:
        """What a tool returns for its arguments (JSON in, JSON out); on replay what it returned then.

        Use it for whatever is not a model and not a pure function of the responses: tests that are run, searches.
        """
        tool = Tool(name, arguments, run, virtual=self._engine.profile.virtual)
        found = await Sampling(tool, tool.request, self._place, tool=True)
        return json.loads(found[0].content)

    def spawn(self, work: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Thread:
        """Begin `work(engine, *arguments)` beside this; waiting for what comes back gives its result."""
        return self._driver.spawn(work(self._inner(), *arguments))

    async def map(
        self, work: Callable[[Scope, Item], Coroutine[Any, Any, Result]], items: Iterable[Item]
    ) -> list[Result]:
        """`work(engine, item)` of all items at the same time; the results in their order.

        When one raises, the others are stopped and it is raised here.
        """
        threads = [self.spawn(work, item) for item in items]
        await Join(threads, len(threads))
        return [thread.result for thread in threads]

    async def first(
        self, count: int, work: Callable[[Scope, Item], Coroutine[Any, Any, Result]], items: Iterable[Item]
    ) -> list[Result]:
        """The results of the first `count` to end, in the order in which they did; the others are stopped.

        What the stopped ones had used by then is counted.
        """
        threads = [self.spawn(work, item) for item in items]
        finished = await Join(threads, min(count, len(threads)))
        return [thread.result for thread in finished]

    def _inner(self) -> Scope:
        return Scope(self._driver, self._place.child(), self._engines, self._problem, self._role)
