"""Blended self-consistency: samples vote until two tests together, one quick and one strict, say who wins."""

from __future__ import annotations

from allometry.inference.calls import Allowance, Scope
from allometry.inference.strategies._checks import positive, shares
from allometry.inference.strategies._drawing import TEMPERATURE, ask
from allometry.inference.strategies._stopping import MOST, certainty, draw_until, evenness
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Vote


@strategy(rule="majority")
async def blend_self_consistency(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    sure: float = 0.95,
    strict: float | None = None,
    at_once: int = 1,
    samples: int | None = None,
    vote: Vote | None = None,
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
    prefix: str = "",
) -> Answer:
    """Samples one after another until the doubt that is left, of a quick test and a strict one, is 1 - sure at most.

    The quick test is that of `adaptive_self_consistency`. The strict one is the ratio of prior and posterior at an even
    split: however often it looks, it is wrong about two answers in 1 - sure of cases at most, on every single question.
    Use it in place of `adaptive_self_consistency` where questions that are nearly even matter: it draws more on those.
    Not where a budget is small: the strict test needs eight samples that agree.
    Arguments: `strict` is the weight of the strict test, from 0 (the quick one alone) to 1; by default it grows with
    the samples drawn, from 0 to 1 at `samples`, or at 40 without. Others are those of `adaptive_self_consistency`.
    Source: arXiv 2511.12309 and, for the strict test, arXiv 2109.05047 (recalled). Of the first only that it blends these
    two tests, the quick one early and the strict one late, was seen. Provisional: the weight is ours, and it is a rule for one question,
    where the paper shares one budget out among many.
    """
    positive(samples=samples, at_once=at_once)
    shares(sure=sure, strict=strict)
    request = ask(problem, tokens, temperature=temperature, prefix=prefix)

    def clear(first: int, second: int, drawn: int) -> bool:
        weight = min(1.0, drawn / (samples or MOST)) if strict is None else strict
        return (1 - weight) * (1 - certainty(first, second)) + weight * evenness(first, second) <= 1 - sure

    found = await draw_until(problem, engine, request, clear, most=samples, at_once=at_once, vote=vote)
    return await elect(problem, engine, found, vote, None)
