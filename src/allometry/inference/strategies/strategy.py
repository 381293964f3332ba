"""What a strategy is, and how one is made: an async function (problem, engine, budget) with arguments of its own."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from allometry.axes import nearest_names
from allometry.inference.calls import Allowance, Response, Scope, canonical
from allometry.inference.strategies.arguments import check_argument
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader
from allometry.notices import Refused


@dataclass(frozen=True)
class Answer:
    """What a strategy settled on: a response (None where it could afford none), and how it came to it.

    `samples` were considered; `votes` are the weights of different answers, largest first. `figures` are what else the
    strategy has to tell of itself, by name. `why` tells where it is not what the strategy sets out to give: a plain
    answer, since what a model wrote could not be read.
    """

    response: Response | None
    samples: int = 1
    votes: tuple[float, ...] = ()
    figures: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    why: str = ""


Solve: TypeAlias = Callable[..., Awaitable[Answer]]
Needs: TypeAlias = Callable[[Mapping[str, Any]], tuple[str, ...]]


@dataclass(frozen=True)
class Strategy:
    """A strategy with its arguments: what a sweep runs.

    `needs` are abilities the engine must have, `roles` further engines by name. `selector` names what chooses among
    samples: a grader, or a rule of the strategy's own.
    """

    name: str
    arguments: Mapping[str, Any]
    changed: tuple[str, ...]
    solve: Solve = field(repr=False)
    needs: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    rule: str = "none"

    async def run(self, problem: Problem, engine: Scope, budget: Allowance) -> Answer:
        """The answer to one problem."""
        return await self.solve(problem, engine, budget, **self.arguments)

    @cached_property
    def identity(self) -> str:
        """The strategy with all of its arguments: samples are kept under it."""
        return self._shown(tuple(self.arguments))

    @cached_property
    def label(self) -> str:
        """The strategy with the arguments that are not the usual ones: what people read."""
        return self._shown(self.changed)

    @property
    def graders(self) -> tuple[Grader, ...]:
        """The graders among its arguments."""
        return tuple(value for value in self.arguments.values() if isinstance(value, Grader))

    @property
    def selector(self) -> str:
        """What chooses among samples, by name."""
        return "+".join(grader.name for grader in self.graders) or self.rule

    @property
    def selector_kind(self) -> str:
        """Of which kind that is; "rule" where no grader chooses."""
        return "+".join(dict.fromkeys(grader.kind for grader in self.graders)) or "rule"

    @property
    def oracle(self) -> bool:
        """Whether what chooses sees the answer."""
        return any(grader.oracle for grader in self.graders)

    def _shown(self, names: tuple[str, ...]) -> str:
        words = ", ".join(f"{name}={_shown(self.arguments[name])}" for name in names)
        return f"{self.name}({words})" if words else self.name


@dataclass(frozen=True)
class Maker:
    """A strategy without its arguments; called with them it gives a `Strategy`."""

    name: str
    solve: Solve = field(repr=False)
    needs: tuple[str, ...] | Needs = ()
    roles: tuple[str, ...] = ()
    rule: str = "none"

    @property
    def summary(self) -> str:
        """Its first sentence."""
        return (inspect.getdoc(self.solve) or "").split("\n")[0]

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Its arguments by name."""
        found = inspect.signature(self.solve).parameters
        return {name: p for name, p in found.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}

    def __call__(self, **given: Any) -> Strategy:
        """The strategy with these arguments.

        Errors: `Refused` for arguments that it does not have or lacks, and for values that they cannot have.
        """
        known = self.parameters
        for name in given:
            if name not in known:
                near = ", ".join(nearest_names(name, known)) or "none"
                raise Refused("unknown-argument", f"{self.name} has no argument {name!r}", mend=f"it has {near}")
        lacks = [name for name, p in known.items() if p.default is p.empty and name not in given]
        if lacks:
            raise Refused("missing-argument", f"{self.name} needs {', '.join(lacks)}", mend=f"give {lacks[0]}")
        arguments = {name: given.get(name, p.default) for name, p in known.items()}
        for name, value in given.items():
            check_argument(self.name, known[name], value)
            _check_verifier(self.name, name, value)
        changed = tuple(name for name, p in known.items() if name in given and given[name] != p.default)
        needs = self.needs(arguments) if callable(self.needs) else self.needs
        return Strategy(self.name, arguments, changed, self.solve, needs, self.roles, self.rule)


def strategy(
    *, needs: tuple[str, ...] | Needs = (), roles: tuple[str, ...] = (), rule: str = "none"
) -> Callable[[Solve], Maker]:
    """Make a strategy of an async function `(problem, engine, budget, *, arguments) -> Answer`.

    The function may wait for nothing but its engine, and takes time, random numbers and children from it alone; that
    is what makes it repeatable from its record. Its keyword-only parameters are its arguments.

    >>> @strategy()
    ... async def echo(problem, engine, budget, *, times=1):
    ...     return Answer(None)
    >>> echo(times=3).label
    'echo(times=3)'
    """

    def make(solve: Solve) -> Maker:
        if not inspect.iscoroutinefunction(solve):
            raise Refused("not-async", f"{solve.__name__} is no async function", "a strategy", "write async def")
        return Maker(solve.__name__, solve, needs, roles, rule)

    return make


def _check_verifier(strategy: str, argument: str, value: Any) -> None:
    """A search over steps that is graded by whole answers would drop every beginning, the right ones too."""
    if argument == "verifier" and isinstance(value, Grader) and value.whole:
        raise Refused("no-beginnings", f"{value.name} grades whole answers alone, and {strategy} has beginnings graded",
                      "--strategy", "leave verifier out where the task has its own, or give steps_so_far, or a judge")  # fmt: skip


def _shown(value: Any) -> str:
    if isinstance(value, Grader):
        return value.name
    if callable(value):
        home = value.__module__.partition(".")[0]
        return value.__qualname__ if home == __name__.partition(".")[0] else f"{value.__module__}:{value.__qualname__}"
    return value if isinstance(value, str) and value.isidentifier() else canonical(value)
