"""Plan search: observations on a problem, combinations of them, and a solution for each combination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, combinations, cycle, islice

from allometry.inference.calls import Allowance, Meter, Prompt, Request, Response, Scope
from allometry.inference.strategies._chain import UNPLANNED, plain_answer, plan_request, room_for_plans
from allometry.inference.strategies._drawing import ask, grading, one, wave
from allometry.inference.strategies._prompts import behind, filled, numbered
from allometry.inference.strategies.arguments import Natural, Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader

OBSERVE = (
    "\n\nObservations on this that may help to solve it, at most {most}, each on its own. One a line, numbered, and "
    "nothing else.\n"
)
SOLVE = "\n\nObservations:\n{observations}\nA solution that makes use of them:\n"
# Published: observations of a problem, how many are combined, and the temperature.
OBSERVATIONS, COMBINED, TEMPERATURE = 10, 2, 0.9


@strategy()
async def plan_search(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    selector: Grader,
    observations: Positive = OBSERVATIONS,
    combined: Natural = COMBINED,
    samples: Positive | None = None,
    observe: str = OBSERVE,
    solve: str = SOLVE,
    plan_tokens: Positive | None = None,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """A solution for each combination of a few observations, and the one that the selector grades highest.

    Use it in place of `best_of_n` where samples of a model are too much alike and a check is at hand: ideas differ more
    when asked for than solutions do. Not where solutions differ anyway: the observations cost tokens and buy nothing.
    Arguments: of `observations` at most, all sets of up to `combined` are taken, none first, then smaller before larger,
    each put behind the prompt by `solve` (the empty set is the prompt alone); behind the last it begins anew. `samples`
    bounds the solutions, by default as many as the budget holds. Observations have `plan_tokens`, by default as many as an
    answer. Without any that can be read it is best-of-N.
    Source: Wang et al. 2024, arXiv 2409.03733 (one layer of observations; there a second is derived from each
    combination, and solutions pass through sketches in words and in pseudocode).
    """
    plain = ask(problem, tokens, temperature=temperature)
    asked = plan_request(plain, observe, observations, plan_tokens)
    seen, why, said = list[str](), UNPLANNED, None
    if room_for_plans(engine, asked, plain, 1):
        said = await one(engine, asked)
        seen = numbered("" if said is None else said.content, observations)
        why = "" if seen else "no observations could be read"
    sets = chain.from_iterable(combinations(seen, size) for size in range(min(combined, len(seen)) + 1))
    posed = [replace(plain, prompt=_with(problem, solve, chosen)) for chosen in sets]
    found = await _solve(engine, posed, samples, grading(selector, problem, plain, engine))
    if not found:
        return await plain_answer(engine, plain, why, said)
    grades = [1.0] if len(found) == 1 else await engine.grade(selector, found)
    return Answer(found[max(range(len(found)), key=lambda i: grades[i])], len(found), why=why)


def _with(problem: Problem, solve: str, chosen: Sequence[str]) -> Prompt:
    listed = "".join(f"- {observation}\n" for observation in chosen)
    return behind(problem.prompt, filled(solve, observations=listed) if chosen else "")


async def _solve(engine: Scope, posed: Sequence[Request], samples: int | None, beside: Meter) -> list[Response]:
    """A whole answer to each request in turn, until the budget holds no more, or so many are drawn."""
    found: list[Response] = []
    turn, longest = cycle(posed), max(posed, key=lambda request: engine.worst(request).prompt_tokens)
    most = samples or (None if engine.bounded else len(posed))
    while count := wave(engine, longest, most and most - len(found), apart=True, beside=beside, held=len(found)):
        begun, bound = engine.now(), engine.affordable(longest)
        found += [response for response in await engine.map(one, islice(turn, count)) if response is not None]
        if most is None and bound is None and engine.now() == begun:
            break  # only time bounds it, and none passes
    return found
