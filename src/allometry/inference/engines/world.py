"""A world with known truth, for simulators: how hard problems are, how errors hang together, how long answers are."""

from __future__ import annotations

import math
import random
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
from allometry.notices import Refused

PROBLEM = re.compile(r"simulated problem (\d+)")
SHOWN_PROBLEM = "simulated problem {}"
ANSWER = "answer "


@dataclass(frozen=True)
class World:
    """What is true of simulated problems and of the answers to them.

    Arguments: `success` is the chance that an answer is right, one number for all problems, or (a, b) for chances that
    follow Beta(a, b) over problems. `wrong` counts the wrong answers there are, of which the k-th is drawn in
    proportion to k**-lean. With chance `correlation` an answer is not drawn but is the one answer that the problem
    suggests to everybody. Answers of `steps` steps succeed when every step does, each with chance
    success**(1/steps); every step, and the line with the answer, takes `step_tokens`. Without steps, right and wrong
    answers have normal lengths `right_tokens` and `wrong_tokens` (mean, sd). With `thinking` (mean, sd, scale), t
    tokens of thinking come before the answer, and it is right with chance success * (1 - exp(-t/scale)).
    `confidence` (right, wrong, sd) are mean log-probabilities, of what is written and of a text that is scored. A call
    takes `wait` seconds and then `tokens_per_second`; it fails when one of its samples does, each with chance
    `failures`.

    >>> World(success=0.5).success_of(17)
    0.5
    """

    seed: int = 0
    success: float | tuple[float, float] = 0.5
    wrong: int = 1
    lean: float = 0.0
    correlation: float = 0.0
    steps: int = 0
    step_tokens: int = 8
    right_tokens: tuple[float, float] = (40.0, 0.0)
    wrong_tokens: tuple[float, float] = (40.0, 0.0)
    thinking: tuple[float, float, float] | None = None
    confidence: tuple[float, float, float] = (-0.2, -0.4, 0.1)
    wait: float = 0.0
    tokens_per_second: float = 100.0
    failures: float = 0.0

    def __post_init__(self) -> None:
        for name in ("correlation", "failures"):
            _check(0 <= getattr(self, name) <= 1, f"{name}={getattr(self, name)} is no share")
        beta = isinstance(self.success, tuple)
        _check(all(v > 0 for v in self.success) if isinstance(self.success, tuple) else 0 <= self.success <= 1,
               f"success={self.success} is neither {'a pair above 0' if beta else 'a share'} nor a Beta(a, b)")  # fmt: skip
        _check(
            self.wrong >= 1 and self.steps >= 0 and self.step_tokens >= 1, "wrong, steps or step_tokens is too small"
        )
        _check(self.tokens_per_second > 0 and self.wait >= 0, "tokens_per_second and wait are times that pass")
        _check(self.thinking is None or not self.steps, "a world has steps or thinking, not both")

    def success_of(self, problem: int) -> float:
        """The chance that an answer to a problem is right."""
        return self.success if not isinstance(self.success, tuple) else _chance(self.seed, problem, self.success)

    def draw(self, problem: int, rng: random.Random, share: float = 1.0) -> int:
        """The number of an answer: 0 is right, others are wrong. `share` scales the chance of success."""
        own, common = rng.random(), rng.random()
        if common < self.correlation:
            rng = _rng(self.seed, problem, "suggested")
            own = rng.random()
        if own < share * self.success_of(problem):
            return 0
        return rng.choices(range(1, self.wrong + 1), _weights(self.wrong, self.lean))[0]

    def lengths_of(self, answer: int) -> tuple[float, float]:
        """Mean and standard deviation of the length of an answer."""
        return self.wrong_tokens if answer else self.right_tokens

    def thought(self, tokens: int) -> float:
        """The share of its chance of success that an answer has after so many tokens of thinking."""
        return 1.0 if self.thinking is None else -math.expm1(-tokens / self.thinking[2])


def right_answer(problem: int) -> str:
    """The right answer to a problem.

    >>> right_answer(17), shown_answer(17, 2)
    ('17', '17.2')
    """
    return shown_answer(problem, 0)


def shown_answer(problem: int, answer: int) -> str:
    return f"{problem}.{answer}" if answer else str(problem)


def read_world(path: str | Path) -> tuple[World, dict[str, Any]]:
    """The world of a TOML file, and what else the file holds (shape, price).

    Errors: `Refused` for files that cannot be read, unknown names and numbers that cannot be.
    """
    try:
        held = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refused("bad-simulator", f"the world cannot be read: {error}", str(path), "give a TOML file") from None
    others: dict[str, Any] = {name: held.pop(name) for name in ("shape", "price") if name in held}
    return _world(held, str(path)), others


def _world(held: Mapping[str, Any], where: str) -> World:
    known = [f.name for f in fields(World)]
    for name in held:
        if name not in known:
            near = ", ".join(nearest_names(name, known))
            raise Refused("unknown-field", f"a world has no {name!r}", where, f"the nearest are {near}")
    try:
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in held.items()}
        return World(**values)
    except TypeError as error:
        raise Refused("bad-simulator", f"the world holds a value of the wrong kind: {error}", where) from None


def _check(true: bool, message: str) -> None:
    if not true:
        raise Refused("bad-simulator", message, "the simulated world")


@lru_cache(maxsize=4096)
def _chance(seed: int, problem: int, beta: tuple[float, float]) -> float:
    return _rng(seed, problem, "success").betavariate(*beta)


def _rng(*parts: object) -> random.Random:
    return random.Random(":".join(map(str, parts)))


@lru_cache(maxsize=64)
def _weights(wrong: int, lean: float) -> list[float]:
    return [k**-lean for k in range(1, wrong + 1)]
