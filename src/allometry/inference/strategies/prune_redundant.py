"""Pruning of redundant samples: of those that begin alike only one is written to its end, and votes for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from allometry.inference.calls import Allowance, Meter, Request, Response, Scope
from allometry.inference.strategies._checks import positive, shares
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one, wave
from allometry.inference.strategies._pairs import Compare, alike, comparing
from allometry.inference.strategies.self_consistency import by_weight
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote, overlap

# A beginning is this share of a whole answer, and so alike are two that are taken for one: assumed.
BEGINNING, THRESHOLD = 4, 0.5
# Each beginning is compared with so many groups at most, the largest, so that a judge's calls stay bounded: assumed.
LOOKS = 16


@dataclass(eq=False)
class Group:
    """Beginnings that are taken to lead to one answer: the first of them, and for how many it votes."""

    first: Response
    votes: int = 1
    whole: Response | None = None


@dataclass
class _Pruning:
    """What is drawn and compared, and what came of it; `ended` are answers that were over before they could be pruned."""

    problem: Problem
    engine: Scope
    request: Request
    look: Request
    compare: Compare
    takes: Meter
    threshold: float
    most: int | None
    groups: list[Group] = field(default_factory=list)
    ended: list[Response] = field(default_factory=list)
    drawn: int = 0

    async def draw(self, count: int) -> None:
        """Begin so many samples, and finish those that begin like no other."""
        begun = await self.engine.sample(replace(self.look, n=count))
        self.drawn += count
        fresh = [group for part in begun if (group := await self._joined(part)) is not None]
        await self._finish([group for group in fresh if group.whole is None and self._left(group.first) > 0])

    async def _joined(self, part: Response) -> Group | None:
        """The new group that a beginning opens; None where it is like an old one, or no more may be opened."""
        near = sorted(self.groups, key=lambda group: -group.votes)[:LOOKS]
        pairs = [(part, group.first) for group in near]
        found = await alike(self.engine, self.problem, self.compare, pairs, self.takes) if pairs else []
        best = max(range(len(near)), key=found.__getitem__, default=None)
        over = not part.truncated
        if best is not None and found[best] > self.threshold:
            near[best].votes += not over
            self.ended += [part] * over
            return None
        if self.most is not None and len(self.groups) >= self.most:
            self.ended += [part] * over
            return None
        self.groups.append(Group(part, whole=part if over else None))
        return self.groups[-1]

    async def _finish(self, groups: list[Group]) -> None:
        """Go on from beginnings to their ends, from as many as the budget holds."""
        rest = [self._rest(group.first) for group in groups]
        while rest and not self.engine.fits(rest):
            rest.pop()
        for group, more in zip(groups, await self.engine.map(_one, rest), strict=False):
            group.whole = replace(more, content=group.first.content + more.content)

    def _rest(self, part: Response) -> Request:
        return replace(self.request, prefix=part.content, max_tokens=self._left(part))

    def _left(self, part: Response) -> int:
        return self.request.max_tokens - part.usage.generated

    def answer(self, vote: Vote | None) -> Answer:
        """What most votes are for, each group's its size."""
        found = [(group.whole or group.first, group.votes) for group in self.groups] + [(one, 1) for one in self.ended]
        found.sort(key=lambda pair: pair[0].truncated)  # where nobody votes, one that ended stands for them
        elected = by_weight(self.problem, [one for one, _ in found], vote, [float(votes) for _, votes in found])
        return replace(elected, samples=self.drawn)


async def _one(engine: Scope, request: Request) -> Response:
    return (await engine.sample(request))[0]


@strategy(needs=("continuation",), rule="majority")
async def prune_redundant(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    compare: Compare = overlap,
    threshold: float = THRESHOLD,
    beginning: int | None = None,
    groups: int | None = None,
    samples: int | None = None,
    vote: Vote | None = None,
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """As many samples as the budget holds, of which those that begin alike are not finished; the rest vote for them.

    Use it in place of `self_consistency` where most samples come to the same answer: of N with G different ones a right
    comparison saves (N-G)(L-m)/(NL) of the tokens, of which a budget draws more samples. Not where beginnings say
    nothing of the end: what is wrongly taken for alike is a vote for the wrong answer.
    Arguments: `compare` says from two beginnings how likely they end in one answer: `overlap` of their text, a function
    (problem, one, other), or a grader that is shown both texts; above `threshold` they are one group. `beginning` is m,
    in tokens (a quarter of an answer's bound if not given). `groups` bounds how many there are: what is like none of
    them is dropped then. A group votes with its size; what ended within its beginning votes for itself. `samples`
    bounds N, `tokens` each.
    Source: arXiv 2510.08483: greedy groups by arrival. Votes by size are ours; so is the default comparison, where the
    paper trains a judge.
    """
    positive(beginning=beginning, groups=groups, samples=samples)
    shares(threshold=threshold)
    request = ask(problem, tokens, temperature=temperature)
    look = replace(request, max_tokens=min(request.max_tokens, beginning or -(-request.max_tokens // BEGINNING)))
    takes = comparing(compare, problem, look, engine)
    pruning = _Pruning(problem, engine, request, look, compare, takes, threshold, groups)
    end = replace(request, max_tokens=max(1, request.max_tokens - look.max_tokens))
    beside = engine.worst(end) + takes * min(groups or LOOKS, LOOKS)
    while count := wave(engine, look, None if samples is None else samples - pruning.drawn, apart=True, beside=beside):
        begun, bound = engine.now(), engine.affordable(look)
        await pruning.draw(count)
        if bound is None and samples is None and (not engine.bounded or engine.now() == begun):
            break  # nothing bounds it, or only time that stands still
    if not pruning.drawn:
        return Answer(await one(engine, request))
    return pruning.answer(vote)
