"""Propose, verify, refine: chains of answers, each drawn with an earlier one and its grade in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allometry.axes import nearest_names
from allometry.inference.calls import Allowance, Response, Scope
from allometry.inference.strategies._checks import positive
from allometry.inference.strategies._drawing import TEMPERATURE, ask, grading, one, whole
from allometry.inference.strategies._feedback import within_budget
from allometry.inference.strategies._history import CHOICES, History, Node, choose
from allometry.inference.strategies._prompts import behind, filled
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader
from allometry.notices import Refused

INSTRUCTION = "\n\nAn earlier answer, graded {grade} of 1:\n{answer}\n\nA better answer:\n"
# Steps of each chain where nothing else bounds them: assumed.
STEPS = 4


@strategy()
async def refine(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    selector: Grader,
    chains: int = 2,
    steps: int | None = None,
    candidates: int = 4,
    choice: str = "best",
    shown: int = 1,
    instruction: str = INSTRUCTION,
    tokens: int | None = None,
    temperature: float = TEMPERATURE,
) -> Answer:
    """C chains beside each other: at each of L steps draw K candidates, have them graded, and keep the best of them.

    From the second step on the model is shown an earlier answer of the chain and its grade.
    Use it where answers have grades between wrong and right and the model can mend what it sees: designs, programs,
    proofs. Not where a grade only says right or wrong: `best_of_n` then draws the same without the longer prompts.
    Arguments: C * L * K answers are graded in all: `chains` is C, `steps` L (by default until the budget ends),
    `candidates` K. `choice` is what is shown: the `best`, by `puct` or, by ranks alone, `rpucg`, or by `balance`
    between good and others; so many as `shown`. `instruction` is put behind the prompt for each, {answer} and {grade}
    filled in. It ends with an answer of the highest grade there is, 1.
    Errors: `Refused` for a choice that there is not.
    Source: arXiv 2604.19341 (split, choices puct, rpucg and balance with their constants).
    """
    positive(chains=chains, steps=steps, candidates=candidates, shown=shown)
    if choice not in CHOICES:
        near = ", ".join(nearest_names(choice, CHOICES))
        raise Refused("unknown-choice", f"nothing is chosen by {choice!r}", "refine", f"the nearest are {near}")
    request = ask(problem, tokens, temperature=temperature, n=candidates)
    beside = grading(selector, problem, request, engine)
    if steps is None and engine.affordable(request) is None:
        steps = STEPS
    histories, graded = [History() for _ in range(chains)], list[tuple[float, Response]]()
    while steps is None or histories[0].expansions < steps:
        parents = [
            choose(CHOICES[choice], chain, engine.random.random, shown) if chain.nodes else [] for chain in histories
        ]
        prompts = [_shown(instruction, each) for each in parents]
        asked = [replace(request, prompt=behind(problem.prompt, said) if said else problem.prompt) for said in prompts]
        asked = within_budget(engine, asked, beside)
        if not asked:
            break
        drawn = await engine.map(whole, asked)
        # the budget may not hold a step of every chain
        for history, each, found in zip(histories, parents, drawn, strict=False):
            graded += await _step(engine, selector, history, each, found)
        if any(grade >= 1 for grade, _ in graded):
            break
    if not graded:
        return Answer(await one(engine, request))
    return Answer(max(graded, key=lambda pair: pair[0])[1], len(graded))


async def _step(
    engine: Scope, selector: Grader, history: History, parents: Sequence[Node], found: Sequence[Response]
) -> list[tuple[float, Response]]:
    """Grade the candidates of one step and commit the best."""
    graded = [*zip(await engine.grade(selector, found), found, strict=True)]
    grade, response = max(graded, key=lambda pair: pair[0])
    history.commit(parents, response, grade)
    return graded


def _shown(instruction: str, parents: Sequence[Node]) -> str:
    """What is said of the answers that are shown."""
    return "".join(filled(instruction, grade=f"{one.grade:.2f}", answer=one.response.content) for one in parents)
