"""Parallel paths: several beginnings of an answer are written beside each other, and one answer is drawn from all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from allometry.inference.calls import Allowance, Request, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask, one, whole
from allometry.inference.strategies._prompts import behind, filled
from allometry.inference.strategies._threads import alike
from allometry.inference.strategies.arguments import Positive, Temperature
from allometry.inference.strategies.self_consistency import elect
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem

MERGE = "\n\nSeveral attempts at this, some of them unfinished:\n{paths}\n\nFrom all of them, the answer:\n"
SHOWN = "Attempt {path}:\n{text}\n"


def _needs(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return ("continuation",) if arguments["opening"] or arguments["chunk"] else ()


@strategy(needs=_needs, rule="merge")
async def parallel_paths(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    paths: Positive = 4,
    opening: str = "",
    chunk: Positive | None = None,
    merge: str = MERGE,
    shown: str = SHOWN,
    tokens: Positive | None = None,
    answer_tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """P paths written at the same time, none of which sees another, and one answer by a model that sees them all.

    Use it where one long chain gains little more, latency matters and the model can tell good attempts from bad. Not
    where it cannot: `self_consistency` then draws the same paths, and one more in place of the prompt with all of them.
    Arguments: `paths` is P; each begins with `opening`, {path} its number: the control token of a model that was trained
    to, such as '<think {path}>'. Paths are equally long, `tokens` at most and shorter where the budget asks for it;
    with `chunk` they are written so many tokens at a time and all end when the first does, at the cost of reading what
    is written again. `merge` is put behind the prompt with the {paths}, each as `shown` with its {path} and {text};
    `answer_tokens` bounds what is drawn then. Where the budget holds none, or no answer is in it, paths vote;
    an engine whose context does not hold all paths fails it.
    Source: ParaThinker, arXiv 2509.04475 (phases, ends of paths). Attention over the kept caches of the paths needs an
    engine of its own; here the paths are a prompt, read and counted once more.
    """
    asked = ask(problem, tokens, temperature=temperature, n=1)
    last = replace(asked, max_tokens=answer_tokens or asked.max_tokens, prompt=behind(problem.prompt, merge))
    begun = _begun(asked, opening, paths)
    bound = alike(engine, begun, last)
    if paths < 2 or not bound:
        return Answer(await one(engine, asked), why="the budget holds no paths and their merge" if paths > 1 else "")
    found = await _write(engine, begun, bound, chunk)
    texts = [filled(shown, path=str(i), text=response.content) for i, response in enumerate(found, 1)]
    answer = await one(engine, replace(last, prompt=behind(problem.prompt, filled(merge, paths="".join(texts)))))
    if answer is not None and problem.read(answer.content) is not None:
        return Answer(answer, len(found))
    why = "the budget held no merge" if answer is None else "no answer could be read in the merge"
    return replace(await elect(problem, engine, found, None, None), why=f"{why}: paths voted")


def _begun(asked: Request, opening: str, paths: int) -> list[Request]:
    """The requests of all paths; paths that begin alike are one, and share its prompt."""
    prefixes = [filled(opening, path=str(i + 1)) for i in range(paths)]
    return [replace(asked, prefix=prefix, n=prefixes.count(prefix)) for prefix in dict.fromkeys(prefixes)]


async def _write(engine: Scope, begun: Sequence[Request], bound: int, chunk: int | None) -> list[Response]:
    """Whole paths of a length, or as long as they are when the first ends."""
    step = min(bound, chunk or bound)
    drawn = await engine.map(whole, [replace(request, max_tokens=step) for request in begun])
    found = [response for responses in drawn for response in responses]
    written, asked = step, replace(begun[0], n=1)
    while written < bound and all(response.finish == "length" for response in found):
        step = min(step, bound - written)
        more = await engine.map(one, [replace(asked, prefix=response.content, max_tokens=step) for response in found])
        if all(response is None for response in more):
            break
        found = [new or old for new, old in zip(more, found, strict=True)]
        written += step
    return found
