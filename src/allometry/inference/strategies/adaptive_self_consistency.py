"""Adaptive self-consistency: samples vote, and drawing ends when it is clear who will win."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._checks import positive, shares
from allometry.inference.strategies._drawing import TEMPERATURE, ask
from allometry.inference.strategies._stopping import certainty, draw_until
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote


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
    positive(samples=samples, at_once=at_once)
    shares(sure=sure)
    request = ask(problem, tokens, temperature=temperature, prefix=prefix)
    found = await draw_until(
        problem, engine, request, lambda first, second, drawn: certainty(first, second) >= sure,
        most=samples, at_once=at_once, vote=vote,
    )  # fmt: skip
    return await elect(problem, engine, found, vote, None)
