"""What the tests of this room share: a live engine that is a script, a shape, a price, and one way to run a strategy."""

from __future__ import annotations

import asyncio
import datetime
import random
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from allometry.costs import Price, Shape
from allometry.inference.calls import (
    MAIN,
    Abilities,
    Budget,
    CallFailed,
    Engine,
    Finish,
    Profile,
    Request,
    Response,
    Stopped,
    Usage,
    wait,
)
from allometry.inference.records import Records
from allometry.inference.strategies import Answer, strategy
from allometry.inference.sweeps import Outcome
from allometry.inference.sweeps.episode import Setting, play
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

# How fast a machine is decides no test.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

ALL = Abilities(n=True, seed=True, stop=True, stop_reason=True, continuation=True, usage=True)
WORDS = re.compile(r"\s*\S+")
SHAPE = Shape(layers=2, width=16, heads=2, head_size=8, ffn=32, vocab=64)
PRICE = Price(date=datetime.date(2026, 1, 1), source="a test", prompt=1.0, cached=0.25, generated=4.0)
PROBLEM = Problem("0", "simulated problem 0", answer="0", sample_tokens=16)


@dataclass
class Scripted:
    """A live engine: answers "text/seed" after real seconds, both functions of the prompt; keeps what it was asked.

    A negative delay fails instead. Stopped, it says how far it was, or nothing where it is `silent`.
    """

    delay: Callable[[str], float] = lambda prompt: 0.0
    tokens: Callable[[str], int] = lambda prompt: 4
    takes_n: bool = True
    silent: bool = False
    asked: list[Request] = field(default_factory=list)

    @property
    def profile(self) -> Profile:
        able = Abilities(n=self.takes_n, seed=True, stop=True, continuation=True)
        return Profile("scripted", able, SHAPE, PRICE, secrets=("sk-planted-in-the-engine",))

    async def sample(self, request: Request) -> Sequence[Response]:
        self.asked.append(request)
        prompt = str(request.prompt)
        found = [
            Response(f"{prompt}/{request.seed + i}", usage=Usage(len(prompt), 0, self.tokens(prompt)))
            for i in range(request.n)
        ]
        try:
            await asyncio.sleep(abs(self.delay(prompt)))
        except asyncio.CancelledError:
            if self.silent:
                raise
            raise Stopped([replace(one, content="", usage=Usage(len(prompt), 0, 1)) for one in found]) from None
        if self.delay(prompt) < 0:
            raise CallFailed("the script fails")
        return found

    def most_prompt_tokens(self, request: Request) -> int:
        return len(str(request.prompt)) + len(request.prefix)


@dataclass(frozen=True)
class Speaking:
    """A virtual engine that says what a function of prompt, prefix, bound and chance tells it to; a token is a word."""

    say: Callable[[str, str, int, random.Random], str]
    asked: list[Request] = field(default_factory=list)
    profile: Profile = field(default_factory=lambda: Profile("speaking", ALL, SHAPE, PRICE, virtual=True))

    async def sample(self, request: Request) -> Sequence[Response]:
        self.asked.append(request)
        return [self._said(request, random.Random(request.seed + i)) for i in range(request.n)]

    def most_prompt_tokens(self, request: Request) -> int:
        return len(f"{request.prompt}{request.prefix}".split())

    def _said(self, request: Request, rng: random.Random) -> Response:
        text, stop = self.say(str(request.prompt), request.prefix, request.max_tokens, rng), None
        for mark in request.stop:
            if mark in text:
                text, stop = text.partition(mark)[0], mark
        words = WORDS.findall(text)
        cut = len(words) > request.max_tokens
        used = min(max(1, len(words)), request.max_tokens)
        usage = Usage(self.most_prompt_tokens(request), 0, used)
        finish: Finish = "length" if cut else "stop"
        return Response(
            "".join(words[:used]), finish=finish, stopped_by=None if cut else stop, usage=usage, seconds=used / 100
        )


def say_all(prompt: str, prefix: str, tokens: int, rng: random.Random) -> str:
    """What a model says that plans, spawns and forks when it is told to, and now and then writes what nobody can read."""
    if "from 0 (routine)" in prompt.rpartition("\n\n")[2]:
        return rng.choice(["0.2", "0.9", "hard"])
    if re.search(r"One a line, numbered", prompt):
        return rng.choice(["1. [2] one\n2. [4] two\n3. three", "1. halve\n2. add", "none"])
    thought = "hm " * rng.randint(1, 6)
    if "spawn([" in prompt and rng.random() < 0.7:
        return thought + rng.choice(
            ['spawn(["left part", "right part"])', 'spawn(["one"])', "spawn([1, 2])", "spawn([[[])"]
        )
    if "join(" in prompt:
        return thought + rng.choice(['join("7")', "join(7)", "nothing"])
    if "<Outlines>" in prompt and not prefix.endswith(":") and rng.random() < 0.7:
        return thought + rng.choice(
            ["<Outlines><Outline>1: a</Outline><Outline>2: b</Outline></Outlines>", "</Outlines>"]
        )
    return f"{thought} answer {rng.randint(0, 2)}"


@pytest.fixture(scope="session")
def speaking() -> type[Speaking]:
    return Speaking


@pytest.fixture(scope="session")
def say() -> Callable[[str, str, int, random.Random], str]:
    return say_all


@pytest.fixture(scope="session")
def shape() -> Shape:
    return SHAPE


@pytest.fixture(scope="session")
def price() -> Price:
    return PRICE


@pytest.fixture(scope="session")
def scripted() -> type[Scripted]:
    return Scripted


Run = Callable[..., Outcome]


@pytest.fixture(scope="session")
def run() -> Run:
    """Run one async function (problem, engine, budget) as a strategy; returns the outcome of its episode."""

    def runs(
        solve: Callable[..., Awaitable[Any]],
        engine: Engine | Mapping[str, Engine],
        budget: Budget | None = None,
        *,
        records: Records | None = None,
        scorer: Grader | None = None,
        problem: Problem = PROBLEM,
        seed: int = 0,
    ) -> Outcome:
        engines = engine if isinstance(engine, dict) else {MAIN: engine}
        setting = Setting(engines, records or Records(), scorer, seed)

        async def solving(problem: Problem, engine: Any, budget: Any) -> Answer:
            found = await solve(problem, engine, budget)
            return found if isinstance(found, Answer) else Answer(None)

        return wait(play(strategy()(solving)(), problem, budget, setting))

    return runs
