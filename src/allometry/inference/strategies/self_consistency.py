"""Self-consistency: samples vote, each alike or by a weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from allometry.inference.calls import Allowance, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, draw, grading
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader, Vote, confidence, tally

Weight = Grader | Callable[[Response], float]


def _needs(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return ("logprobs",) if arguments["weight"] is confidence else ()


@strategy(needs=_needs, rule="majority")
async def self_consistency(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    samples: Positive | None = None,
    vote: Vote | None = None,
    weight: Weight | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
    prefix: str = "",
) -> Answer:
    """As many samples as the budget holds, and the answer that most of them, or the heaviest, give.

    Use it where answers can be compared but not checked. It tends to the mode: where the most common answer is wrong,
    more samples make it surely wrong.
    Arguments: `vote` is what of a response counts (by default the answer that the problem reads out of its text);
    responses whose vote is None, and those cut off before an answer, do not vote. `weight` is a grader, a function of
    a response, or None for one each; `confidence` needs log-probabilities. `samples` bounds N, `tokens` each sample.
    Source: Wang et al. 2022, arXiv 2203.11171; weights: Li et al. 2022, arXiv 2206.02336 (recalled).
    """
    request = ask(problem, tokens, temperature=temperature, prefix=prefix, logprobs=weight is confidence)
    found = await draw(engine, request, samples, grading(weight, problem, request, engine))
    return await elect(problem, engine, found, vote, weight)


async def elect(
    problem: Problem, engine: Scope, found: Sequence[Response], vote: Vote | None, weight: Weight | None
) -> Answer:
    """The response that stands for the answer with most weight; the first response where nobody votes."""
    return by_weight(problem, found, vote, await _weights(engine, found, weight)) if found else Answer(None, 0)


def by_weight(problem: Problem, found: Sequence[Response], vote: Vote | None, weights: Sequence[float]) -> Answer:
    """The same with the weights as they are."""
    votes = [vote(response) if vote is not None else problem.read(response.content) for response in found]
    winner, sums = tally(votes, weights)
    return Answer(found[winner or 0], len(found), sums)


async def _weights(engine: Scope, found: Sequence[Response], weight: Weight | None) -> Sequence[float]:
    if weight is None:
        return [1.0] * len(found)
    if isinstance(weight, Grader):
        return [1.0] if len(found) == 1 else await engine.grade(weight, found)
    return [weight(response) for response in found]
