"""How hard a problem looks to a model that decides by itself whether to think: one forward pass a problem."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from allometry.data.sampling.asking import ask
from allometry.inference.calls import Budget, Engine, Ledger, Meter, Request, Scope, check_needs, wait
from allometry.inference.records import Records
from allometry.inference.tasks import Problem
from allometry.notices import Refused

NAME = "think_score"
END_OF_THINKING = "</think>"
AT_ONCE = 64


@dataclass(frozen=True)
class ThinkScores:
    """`scores` by problem id, 1 - P(end of thinking); `paid` is what was asked; `why` says why some are missing."""

    scores: dict[str, float]
    paid: Meter = field(default_factory=Meter)
    why: str = ""

    def hard(self, threshold: float = 0.5) -> list[str]:
        """The problems about which the model would rather think: those whose score is above a half."""
        return [name for name, score in self.scores.items() if score > threshold]


def think_scores(
    problems: Sequence[Problem],
    engine: Engine,
    *,
    end: str = END_OF_THINKING,
    records: Records | None = None,
    limit: Budget | None = None,
    tick: Callable[[int], None] = lambda done: None,
) -> ThinkScores:
    """1 - P(the answer begins with the end of thinking), for each problem: high where a model would think.

    Use it to sort a large pool by difficulty at the price of its prompts, with an adaptive-thinking model behind an
    engine that scores a given text; `think_score` makes the score of a log-probability that you have. It is no
    measurement of difficulty: hold it against pass rates with `separation`.
    Errors: `Refused` for an engine that cannot score a text, before anything is asked.
    Source: Pei et al. 2025, ScaleDiff (QizhiPei/ScaleDiff), as the catalogue of its code gives it: the top token is
    the end of thinking or not; the continuous score is 1 - P(</think>), which for a text of several tokens is the product of theirs.
    """
    if not problems:
        raise Refused("no-problems", "there are no problems to score", "think_scores", "give one or more")
    check_needs(engine.profile, ("scored", "continuation"), "a one-token score")
    kept = records or Records()
    kept.hide(engine.profile.secrets)
    return wait(_all(problems, engine, end, kept, Ledger(limit), tick))


def think_score(logprob: float) -> float:
    """The score of a log-probability, in nats, of the end of thinking.

    >>> think_score(-0.6931471805599453)
    0.5
    """
    if not logprob <= 0:
        raise Refused("bad-logprob", f"{logprob:g} is no log-probability", "think_score", "give a number of 0 or below")
    return -math.expm1(logprob)


async def _all(
    problems: Sequence[Problem], engine: Engine, end: str, kept: Records, paid: Ledger, tick: Callable[[int], None]
) -> ThinkScores:
    scores, whys, slots = dict[str, float](), list[str](), asyncio.Semaphore(AT_ONCE)

    async def one(problem: Problem) -> None:
        async def look(scope: Scope) -> None:
            request = Request(problem.prompt, max_tokens=0, prefix=end, scored=True, temperature=0.0)
            (found,) = await scope.sample(request)
            scores[problem.id] = think_score(min(0.0, sum(found.prefix_logprobs)))

        async with slots:
            why = await ask(look, NAME, problem, engine, kept, 0, paid)
        whys.extend([why] if why else [])
        tick(1)

    async with asyncio.TaskGroup() as tasks:
        for problem in problems:
            tasks.create_task(one(problem))
    ordered = {problem.id: scores[problem.id] for problem in problems if problem.id in scores}
    return ThinkScores(ordered, paid.spent, whys[0] if whys else "")
