"""Before a sweep begins, endpoints are found able to do this or that, and models of this machine are waited for."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.calls import MAIN, Engine
from allometry.inference.engines.batcher import Batcher
from allometry.inference.engines.endpoint import FORMS, Endpoint, Form
from allometry.inference.strategies import Strategy
from allometry.inference.sweeps.episode import Setting
from allometry.inference.tasks import Problem


async def learn_abilities(setting: Setting, strategies: Sequence[Strategy], problems: Sequence[Problem]) -> None:
    """Learn of each endpoint what it can do with the prompts that it will be given, from the records or by a probe.

    The main one is given the problems, and so is one that a strategy asks for by role, such as a draft; others, such
    as judges, are given messages. Models of this machine know what they
    can do; their start is waited for, so that it is in no time to an answer.
    Errors: `Refused` where one gives no answer.
    """
    asked = {_form(problem) for problem in problems}
    posed = {MAIN, *(role for strategy in strategies for role in strategy.roles)}
    for role, engine in setting.engines.items():
        if isinstance(engine, Batcher):
            await engine.ready()
        if isinstance(engine, Endpoint):
            needs = {need for strategy in strategies for need in strategy.needs} if role in posed else ()
            for form in FORMS:
                if form in asked if role in posed else form == "chat":
                    await engine.learn(setting.records, form, needs)


async def learn_unknown(setting: Setting, strategies: Sequence[Strategy], problem: Problem) -> None:
    """The same for one problem, where an endpoint that was asked before is not asked again.

    Use it where problems come one at a time and records are not kept between them.
    """
    if any(not _known(engine, role, problem) for role, engine in setting.engines.items()):
        await learn_abilities(setting, strategies, (problem,))


def _known(engine: Engine, role: str, problem: Problem) -> bool:
    if isinstance(engine, Batcher):
        return False  # it says itself whether it has begun
    return not isinstance(engine, Endpoint) or engine.knows(_form(problem) if role == MAIN else "chat")


def _form(problem: Problem) -> Form:
    return "text" if isinstance(problem.prompt, str) else "chat"
