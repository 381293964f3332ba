"""Answers that are written step by step: paths of steps, growing them within a budget, and searching level by level."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from allometry.inference.calls import NOTHING, Meter, Request, Response, Scope
from allometry.inference.strategies._drawing import WAVE, ask, grading
from allometry.inference.strategies.strategy import Answer
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

NEEDS = ("continuation", "stop", "stop_reason")
"""What an engine must be able to do: go on from a prefix, end at a stop text, and tell that from an answer's own end."""
DEPTH = 8
"""Steps that an answer is taken to have while none has ended: assumed; it only sizes the first round of a search."""
MOST_STEPS = 64


@dataclass(frozen=True, eq=False)
class Path:
    """Steps from the start of an answer: `text` holds them with their stop texts; `grade` is what a verifier says.

    `response` is the last sample with the whole text as its content, None before the first step; `tokens` and `steps`
    count from the start.
    """

    text: str = ""
    response: Response | None = None
    parent: Path | None = None
    steps: int = 0
    tokens: int = 0
    grade: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether the answer ended by itself: no step goes on from it."""
        one = self.response
        return one is not None and not self.cut and one.stopped_by is None

    @property
    def cut(self) -> bool:
        """Whether its last step was cut off, by a bound or by the end of the time."""
        return self.response is not None and self.response.truncated

    def trail(self) -> Iterator[Path]:
        """The path and its beginnings, without the empty one, the longest first."""
        path = self
        while path.parent is not None:
            yield path
            path = path.parent

    def shown(self) -> Response:
        """The whole text as a response, as graders read it."""
        if self.response is None:
            raise ValueError("a path without steps is no response")
        return replace(self.response, stopped_by=None)


START = Path()
Plan: TypeAlias = Sequence[tuple[Path, int]]
"""Which paths to go on from, best first, and how many next steps to draw for each."""
Spread: TypeAlias = Callable[[Sequence[Sequence[Path]], int], Plan]
"""From the next steps drawn, in groups as they were planned, and the width that is left: what to go on from."""


@dataclass
class Walk:
    """Grows paths of one problem: draws next steps within the budget and has them graded.

    A step ends at `stop`. Nothing bounds it but what is left of the `tokens` of a whole answer; where the budget does
    not hold so much for every step at once, the bound is halved, down to the longest step seen (`longest`), and only
    then are fewer steps drawn. What a bound cut off is gone on from.
    """

    problem: Problem
    engine: Scope
    verifier: Grader
    stop: str
    tokens: int | None
    temperature: float
    longest: int = 0
    deepest: int = 0

    def request(self, path: Path, count: int = 1, tokens: int | None = None) -> Request:
        """What asks for next steps of a path."""
        left = self.whole - path.tokens
        bound = left if tokens is None else min(left, tokens)
        return ask(self.problem, bound, n=count, temperature=self.temperature, stop=(self.stop,), prefix=path.text)

    @property
    def whole(self) -> int:
        """The tokens a whole answer may have."""
        return self.tokens or self.problem.sample_tokens

    def open(self, path: Path) -> bool:
        """Whether a step may go on from a path."""
        return not path.ended and path.tokens < self.whole and path.steps < MOST_STEPS

    def room(self) -> int | None:
        """How many whole answers, written in steps and each step graded, the budget holds; None where nothing bounds them.

        Every step is a call of its own, which reads the text before it again.
        """
        depth, whole = self.deepest or DEPTH, self.request(START)
        again = self.engine.worst(self.request(START, tokens=1)) * (depth - 1)
        return self.engine.affordable(whole, apart=True, beside=again + self._grading(whole) * depth)

    def endless(self, begun: float) -> bool:
        """Whether nothing would end a search that goes on, having begun at a time: no limit, or time that stands still."""
        return self.room() is None and (not self.engine.bounded or self.engine.now() == begun)

    async def grow(self, plan: Plan) -> list[list[Path]]:
        """Graded next steps of each path of a plan, as many as the budget holds, the first paths first."""
        wanted = [(path, count) for path, count in plan if count and self.open(path)]
        asked = self._within_budget(wanted)
        found = await self.engine.map(_sample, [request for _, request in asked])
        children = [[self._child(path, one) for one in ones] for (path, _), ones in zip(asked, found, strict=True)]
        return await self._graded(children)

    def _within_budget(self, plan: Plan) -> list[tuple[Path, Request]]:
        if not plan:
            return []
        bound = max(self.whole - path.tokens for path, _ in plan)
        least = min(bound, self.longest or max(1, bound // 4))
        while not self._fit(asked := self._asked(plan, bound)):
            if bound == least:
                return self._fewer(plan, least)
            bound = max(least, bound // 2)
        return asked

    def _fewer(self, plan: Plan, bound: int) -> list[tuple[Path, Request]]:
        """As many steps as fit; where none was ever drawn and none fits, one that is cut off."""
        low, high = 0, sum(count for _, count in plan) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._fit(self._asked(_first(plan, middle), bound)) else (low, middle - 1)
        if low or self.longest:
            return self._asked(_first(plan, low), bound)
        tokens = self.engine.longest(self.request(plan[0][0]))
        return self._asked(plan[:1], tokens, 1) if tokens else []

    def _asked(self, plan: Plan, bound: int, most: int | None = None) -> list[tuple[Path, Request]]:
        return [(path, self.request(path, most or count, bound)) for path, count in plan]

    def _fit(self, asked: Sequence[tuple[Path, Request]]) -> bool:
        beside = sum((self._grading(request) * request.n for _, request in asked), NOTHING)
        return self.engine.fits((request for _, request in asked), beside=beside)

    def _grading(self, request: Request) -> Meter:
        return grading(self.verifier, self.problem, request, self.engine)

    def _child(self, path: Path, one: Response) -> Path:
        text = path.text + one.content + (one.stopped_by or "")
        used = one.usage.generated
        self.longest = max(self.longest, used, 1)
        child = Path(text, replace(one, content=text), path, path.steps + 1, path.tokens + used)
        if child.ended:
            self.deepest = max(self.deepest, child.steps)
        return child

    async def _graded(self, groups: Sequence[Sequence[Path]]) -> list[list[Path]]:
        found = [child.shown() for group in groups for child in group]
        takes = sum((self._grading(self.request(START)) for _ in found), NOTHING)
        if not found or (takes is not NOTHING and not self.engine.fits((), beside=takes)):
            return [list(group) for group in groups]  # the time is over: nobody can be asked
        grades = iter(await self.engine.grade(self.verifier, found))
        return [[replace(child, grade=next(grades)) for child in group] for group in groups]


async def _sample(engine: Scope, request: Request) -> list[Response]:
    return await engine.sample(request)


def _first(plan: Plan, count: int) -> Plan:
    """The first so many steps of a plan.

    >>> [many for _, many in _first([(START, 3), (START, 2)], 4)]
    [3, 1]
    """
    kept: list[tuple[Path, int]] = []
    for path, many in plan:
        if count > 0:
            kept.append((path, min(many, count)))
        count -= many
    return kept


async def search(walk: Walk, plan: Plan, width: int, spread: Spread) -> list[Path]:
    """Level by level from a plan: those that ended, and those that could not go on. Each that ends takes one of the width."""
    found: list[Path] = []
    while plan:
        groups = await walk.grow(plan)
        if not any(groups):
            return found + [path for path, _ in plan if path is not START]
        found += [path for group in groups for path in group if not walk.open(path)]
        width -= sum(path.ended for group in groups for path in group)
        plan = spread([[path for path in group if walk.open(path)] for group in groups], width) if width > 0 else ()
    return found


async def in_rounds(walk: Walk, samples: int | None, find: Callable[[int], Awaitable[Sequence[Path]]]) -> Answer:
    """Search as wide as the budget holds, again with what is left of it, and the best of all that was found.

    With `samples` there is one round of that width. It ends with an answer that the verifier gives the highest grade
    there is, 1: none can be better.
    """
    found: list[Path] = []
    while True:
        begun, room = walk.engine.now(), walk.room()
        grown = await find(samples or (WAVE if room is None else max(room, 0 if found else 1)))
        found += grown
        if samples or not grown or walk.endless(begun) or any(path.ended and path.grade >= 1 for path in grown):
            return best(found)


def best(paths: Sequence[Path]) -> Answer:
    """The path that ended with the highest grade, the first of equals; where none ended, the best unfinished one."""
    ended = [path for path in paths if path.ended]
    chosen = max(ended or paths, key=lambda path: path.grade, default=None)
    if chosen is None:
        return Answer(None, 0)
    response = chosen.shown()
    if not chosen.ended and not response.truncated:
        response = replace(response, finish="length")
    return Answer(response, len(ended) or len(paths))
