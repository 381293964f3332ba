"""Adaptive self-consistency: samples vote, and drawing ends when it is clear who will win."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace

from allometry.inference.calls import Allowance, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one, wave, whole
from allometry.inference.strategies._stopping import certainty
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote

# Where no budget bounds them, so many samples are drawn at most: as in the paper's own settings.
MOST = 40


@strategy(rule="majority")
async def adaptive_self_consistency(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    sure: float = 0.95,
    at_once: int = 1,
    samples: int | None = None,
    vote: Vote | None = None,
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
    prefix: str = "",
) -> Answer:
    """Samples one after another until the first answer is more common than the second with a chance of `sure`.

    Use it in place of `self_consistency` where questions differ: easy ones end after four samples that agree, and what
    they leave is worth more on the others. Not where latency matters more than samples; `at_once` draws several before
    each look. A stop is wrong about the more common answer in 1 - sure of cases at most where every share of votes is
    as likely beforehand and two answers compete; on questions that are nearly even it is more often wrong.
    Arguments: `samples` bounds N; others are those of `self_consistency`.
    Source: Aggarwal et al. 2023, arXiv 2305.11860, the Beta criterion and its threshold (seen in the authors' code).
    """
    request = ask(problem, tokens, temperature=temperature, prefix=prefix)
    most = MOST if samples is None and engine.affordable(request) is None else samples
    found: list[Response] = []
    while count := wave(engine, request, at_once if most is None else min(at_once, most - len(found))):
        found += await whole(engine, replace(request, n=count))
        if _clear([vote(r) if vote is not None else problem.read(r.content) for r in found], sure):
            break
    if not found and (single := await one(engine, request)) is not None:
        found.append(single)
    return await elect(problem, engine, found, vote, None)


def _clear(votes: Sequence[Hashable | None], sure: float) -> bool:
    """Whether the first answer is that surely ahead of the second; those that did not vote do not count."""
    counts = [count for _, count in Counter(v for v in votes if v is not None).most_common(2)]
    return bool(counts) and certainty(counts[0], counts[1] if len(counts) > 1 else 0) >= sure
