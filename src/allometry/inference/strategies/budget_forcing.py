"""Budget forcing: thinking is cut where the budget ends, or made to go on, and an answer is then asked for."""

from __future__ import annotations

from dataclasses import replace

from allometry.inference.calls import Allowance, Request, Response, Scope
from allometry.inference.strategies._drawing import ask, one
from allometry.inference.strategies.arguments import Natural, Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem


@strategy(needs=("continuation", "stop"))
async def budget_forcing(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    opening: str = "<think>\n",
    end: str = "</think>",
    final: str = "\n\nFinal Answer:",
    wait: str = "\nWait",
    waits: Natural = 0,
    thinking: Positive | None = None,
    answer_tokens: Positive = 32,
    temperature: Temperature = 0.0,
) -> Answer:
    """One chain of thinking of as many tokens as the budget holds, then an answer.

    Use it to scale one chain in length. Thinking that ends by itself is taken as it is, or `waits` times told to go
    on by `wait` while tokens are left.
    Arguments: `opening` and `end` are what the model puts around its thinking, `final` what makes it answer, with
    `answer_tokens` set aside for that; `thinking` bounds the thinking besides the budget. Where `end` is empty nothing
    tells thinking from answer: what ended by itself is the answer.
    Source: Muennighoff et al. 2025, arXiv 2501.19393, section 3.1.
    """
    asked = ask(problem, thinking, temperature=temperature, stop=(end,) if end else (), prefix=opening)
    text, used = await _think(engine, asked, answer_tokens, wait, waits)
    if not end and used is not None and not used.truncated:
        return Answer(replace(used, content=text))
    answer = await one(engine, replace(asked, prefix=text + end + final, stop=(), max_tokens=answer_tokens))
    if answer is None and used is not None:
        # it may have ended its thinking, but an answer it has not given
        answer = replace(used, finish="length")
    return Answer(answer)


async def _think(engine: Scope, asked: Request, answer: int, wait: str, waits: int) -> tuple[str, Response | None]:
    """The text of the thinking, and its last response."""
    text, left, found = asked.prefix, asked.max_tokens, None
    for go_on in range(waits + 1):
        request = replace(asked, prefix=text + (wait if go_on else ""), max_tokens=max(1, left))
        tokens = engine.longest(request, then=answer)
        if not tokens or left < 1:
            break
        found = (await engine.sample(replace(request, max_tokens=tokens)))[0]
        text, left = request.prefix + found.content, left - found.usage.generated
        if found.truncated:
            break
    return text, found
