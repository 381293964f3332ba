"""An engine with known truth on a virtual clock: for tests, for trying strategies out, for what theory predicts."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from allometry.costs import Price, Shape, find_shape
from allometry.costs.prices import read_price
from allometry.inference.calls import (
    Abilities,
    CallFailed,
    Finish,
    Profile,
    Request,
    Response,
    Usage,
    digest,
)
from allometry.inference.engines.world import ANSWER, PROBLEM, World, read_world, shown_answer
from allometry.notices import Refused

ALL = Abilities(
    n=True,
    seed=True,
    stop=True,
    stop_reason=True,
    logprobs=True,
    scored=True,
    continuation=True,
    usage=True,
    cached=True,
)
THOUGHT = "hm "
WORD = 64
# What a text of this world shows of being wrong.
_WRONG = re.compile(r"slip|answer \d+\.\d")


@dataclass(frozen=True)
class Simulator:
    """Answers "simulated problem N" as a world says, at once, with the seconds that it would have taken.

    Use it to see what a strategy does where the truth is known. It says nothing of real models. `shape` and `price`
    let FLOPs and money be counted; `abilities` can be taken away.

    >>> from allometry.inference.calls import sample
    >>> sample(Simulator(World(success=1.0)), Request("simulated problem 3", max_tokens=64))[0].content
    'answer 3'
    """

    world: World = field(default_factory=World)
    shape: Shape | None = None
    price: Price | None = None
    abilities: Abilities = ALL
    profile: Profile = field(init=False)

    def __post_init__(self) -> None:
        identity = f"simulator:{digest(repr(self.world)).hex()[:12]}"
        profile = Profile(identity, self.abilities, self.shape, self.price, virtual=True)
        object.__setattr__(self, "profile", profile)

    async def sample(self, request: Request) -> Sequence[Response]:
        problem = _problem(request)
        world = (self.world.seed << WORD) + problem << WORD
        rngs = [random.Random(world + request.seed + i) for i in range(request.n)]
        # by the samples, so that a call fails alike however it is divided
        if self.world.failures and any(rng.random() < self.world.failures for rng in rngs):
            raise CallFailed("the simulated call failed")
        prompt = self.most_prompt_tokens(request)
        return [self._response(request, self._draw(request, problem, rng), rng, prompt) for rng in rngs]

    def most_prompt_tokens(self, request: Request) -> int:
        """Exactly its words: a token of this world is a word."""
        return len(_text(request).split()) + len(request.prefix.split())

    def _draw(self, request: Request, problem: int, rng: random.Random) -> _Drawn:
        if self.world.steps:
            return _steps(self.world, request, problem, rng)
        if self.world.thinking is not None:
            return _thoughts(self.world, self.world.thinking, request, problem, rng)
        answer = self.world.draw(problem, rng)
        length = max(1, round(rng.gauss(*self.world.lengths_of(answer))))
        return _bounded(request, [ANSWER + shown_answer(problem, answer)], length, answer)

    def _response(self, request: Request, drawn: _Drawn, rng: random.Random, prompt: int) -> Response:
        world = self.world
        logprobs: tuple[float, ...] = ()
        scored: tuple[float, ...] = ()
        if request.logprobs:
            logprobs = self._sure(bool(drawn.answer), drawn.tokens, rng)
        if request.scored:
            scored = self._sure(_WRONG.search(request.prefix) is not None, len(request.prefix.split()), rng)
        return Response(
            drawn.content, finish=drawn.finish, stopped_by=drawn.stopped_by, logprobs=logprobs, prefix_logprobs=scored,
            usage=Usage(prompt, 0, drawn.tokens), seconds=world.wait + drawn.tokens / world.tokens_per_second,
            first_token=world.wait,
        )  # fmt: skip

    def _sure(self, errs: bool, tokens: int, rng: random.Random) -> tuple[float, ...]:
        """Log-probabilities of the tokens of a text by whether it is wrong, all the same."""
        right, wrong, sd = self.world.confidence
        return (rng.gauss(wrong if errs else right, sd),) * tokens


class _Drawn(NamedTuple):
    content: str
    tokens: int
    answer: int
    finish: Finish = "stop"
    stopped_by: str | None = None


def read_simulator(path: str | Path) -> Simulator:
    """The simulator of a TOML file: the fields of `World`, `shape` (a text that names one) and a `[price]`.

    Errors: `Refused` for what the file should not hold.
    """
    world, others = read_world(path)
    shape = find_shape(others["shape"]) if "shape" in others else None
    price = read_price(others["price"], str(path)) if "price" in others else None
    return Simulator(world, shape, price)


def _text(request: Request) -> str:
    prompt = request.prompt
    return prompt if isinstance(prompt, str) else " ".join(str(message.get("content")) for message in prompt)


def _problem(request: Request) -> int:
    found = PROBLEM.findall(_text(request))
    if not found:
        raise Refused("not-simulated", "the simulator knows simulated problems only", "the prompt",
                      "ask it 'simulated problem 1'")  # fmt: skip
    return int(found[-1])


def _steps(world: World, request: Request, problem: int, rng: random.Random) -> _Drawn:
    """The lines that are still to be written, and the answer they lead to."""
    done = [line for line in request.prefix.split("\n") if line]
    chance = world.success_of(problem) ** (1 / world.steps)
    slips = [rng.random() >= chance for _ in range(world.steps - len(done))]
    lines = [f"step {len(done) + i + 1}{' slip' if slip else ''}" for i, slip in enumerate(slips)]
    wrong = any(line.endswith("slip") for line in (*done, *lines))
    answer = rng.randint(1, world.wrong) if wrong else 0
    return _bounded(request, [*lines, ANSWER + shown_answer(problem, answer)], world.step_tokens, answer)


def _thoughts(
    world: World, thinking: tuple[float, float, float], request: Request, problem: int, rng: random.Random
) -> _Drawn:
    """Thoughts and then an answer; behind a prefix that asks for the answer, only that."""
    before = request.prefix.count(THOUGHT)
    if request.prefix.endswith(ANSWER):  # in the middle of the line with the answer
        answer = world.draw(problem, rng, world.thought(before))
        return _Drawn(shown_answer(problem, answer), 1, answer)
    whole = max(1, round(rng.gauss(thinking[0], thinking[1])))
    # in the middle of its thoughts it goes on to the length it was going to have; told to wait it thinks again
    more = max(1, whole - before) if request.prefix.endswith(THOUGHT) else whole
    if more >= request.max_tokens:
        return _Drawn(THOUGHT * request.max_tokens, request.max_tokens, 1, "length")
    answer = world.draw(problem, rng, world.thought(before + more))
    if "\n" in request.stop:
        return _Drawn(THOUGHT * more, more, answer, "stop", "\n")
    return _Drawn(THOUGHT * more + "\n" + ANSWER + shown_answer(problem, answer), more + 1, answer)


def _bounded(request: Request, lines: list[str], tokens: int, answer: int) -> _Drawn:
    """Lines of so many tokens each, up to the bound of the request and to its stop text."""
    stopped = "\n" if "\n" in request.stop and len(lines) > 1 else None
    wanted = lines[:1] if stopped else lines
    whole = request.max_tokens // tokens
    if whole < len(wanted):
        return _Drawn("".join(f"{line}\n" for line in wanted[:whole]), request.max_tokens, answer, "length")
    return _Drawn("\n".join(wanted), tokens * len(wanted), answer, "stop", stopped)
