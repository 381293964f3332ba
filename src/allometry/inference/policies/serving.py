"""Answering by a policy: the first leaf, what is seen, and the second where that is called for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from allometry.inference.calls import MAIN, Budget, Engine, Ledger, Message
from allometry.inference.records import Records, characters
from allometry.inference.strategies import Strategy, find_strategy
from allometry.inference.sweeps.episode import Outcome, Setting, check, play
from allometry.inference.sweeps.learning import learn_unknown
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import check_problems
from allometry.notices import Refused

if TYPE_CHECKING:
    from allometry.inference.policies.policy import Policy, Served, Split

GREEDY = "greedy"
WITH_TOOLS = "greedy, for tools are never voted on"


async def answer(
    policy: Policy, asked: str | Sequence[Message] | Problem, engine: Engine | Mapping[str, Engine],
    tools: Sequence[Mapping[str, Any]], score: float | None, tokens: int | None, seed: int, records: Records | None,
    other_engine: bool,
) -> Served:  # fmt: skip
    """`Policy.answer`."""
    engines = dict(engine) if isinstance(engine, Mapping) else {MAIN: engine}
    problem = _posed(policy, asked, tools, tokens)
    _check_engine(policy, engines, other_engine)
    setting = Setting(engines, records or Records(), None, seed, Ledger(None))
    if problem.tools or _holds_tools(problem):
        greedy = find_strategy(GREEDY)()
        await learn_unknown(setting, (greedy,), problem)
        return _served([await play(greedy, problem, None, setting)], WITH_TOOLS, None, setting)
    await learn_unknown(setting, policy.strategies, problem)
    _check_leaves(policy, problem, setting)
    if policy.split is not None and policy.split.on != "agreement":
        return await _told_before(policy, policy.split, _known(policy.split.on, problem, score), problem, setting)
    first = await _play(policy, 0, problem, setting)
    if policy.split is None:
        return _served([first], _name(policy, 0), None, setting)
    value = first.votes[0] / first.samples if first.votes and first.samples else None
    if value is not None and value >= policy.split.at_least:
        return _served([first], _name(policy, 0), value, setting)
    second = await _play(policy, 1, problem, setting)
    # what was there before stands where the second came to nothing
    order = [first, second] if second.response is not None else [second, first]
    shared = policy.strategies[0].identity == policy.strategies[1].identity
    return _served(order, _name(policy, 1 if second.response is not None else 0), value, setting, shared=shared)


async def _told_before(policy: Policy, split: Split, value: float, problem: Problem, setting: Setting) -> Served:
    """The answer of the leaf that what is known beforehand calls for."""
    leaf = 0 if value >= split.at_least else 1
    return _served([await _play(policy, leaf, problem, setting)], _name(policy, leaf), value, setting)


async def _play(policy: Policy, leaf: int, problem: Problem, setting: Setting) -> Outcome:
    strategy, budget = policy.strategies[leaf], policy.budgets[leaf]
    return await play(strategy, problem, budget, setting)


def _served(
    outcomes: Sequence[Outcome], leaf: str, seen: float | None, setting: Setting, *, shared: bool = False
) -> Served:
    """The last of the outcomes, with what all of them took; of samples that are used again only once."""
    from allometry.inference.policies.policy import Served

    last = outcomes[-1]
    waited = outcomes[-1:] if shared else outcomes
    meter = replace(
        setting.paid.spent, seconds=sum(o.meter.seconds for o in waited),
        critical_path_tokens=sum(o.meter.critical_path_tokens for o in waited),
    )  # fmt: skip
    content = None if last.response is None else last.response.content
    return Served(content, last.response, leaf, last.state, last.why, seen, last.votes, meter)


def _posed(policy: Policy, asked: str | Sequence[Message] | Problem, tools: Sequence[Mapping[str, Any]], tokens: int | None) -> Problem:  # fmt: skip
    if isinstance(asked, Problem):
        return replace(asked.blind(), tools=tuple(tools) or asked.tools, sample_tokens=tokens or asked.sample_tokens)
    if not asked:
        raise Refused("no-prompt", "nothing is asked", "the prompt", "give a text or messages")
    if tokens is not None and tokens < 1:
        raise Refused("bad-value", f"{tokens} tokens hold no answer", "tokens", "give a number from 1")
    return policy.problem(asked if isinstance(asked, str) else tuple(asked), tools, tokens)


def _check_engine(policy: Policy, engines: Mapping[str, Engine], other: bool) -> None:
    if MAIN not in engines:
        raise Refused("no-engine", "there is no main engine", "engines", f"give {MAIN}=ENGINE")
    found = engines[MAIN].profile.identity
    if found != policy.engine and not other:
        raise Refused("other-engine", f"the policy was measured on {policy.engine}, and this is {found}", "the engine",
                      "use that one, or allow another: what was promised then holds no more")  # fmt: skip


def _check_leaves(policy: Policy, problem: Problem, setting: Setting) -> None:
    """Refuse what could not be run, before anything is spent."""
    for strategy, budget in zip(policy.strategies, policy.budgets, strict=True):
        _check_leaf(strategy, budget, problem, setting)


def _check_leaf(strategy: Strategy, budget: Budget | None, problem: Problem, setting: Setting) -> None:
    check(strategy, budget, setting)
    for grader in strategy.graders:
        check_problems(grader, (problem,))


def _known(on: str, problem: Problem, score: float | None) -> float:
    if on == "prompt_length":
        return float(characters(problem.prompt))
    if score is None or score != score:
        raise Refused("no-score", "the policy's rule looks at a score, and none is given", "score", "give score=NUMBER")
    return score


def _holds_tools(problem: Problem) -> bool:
    """Whether the conversation is one with tools already."""
    if isinstance(problem.prompt, str):
        return False
    return any(message.get("role") == "tool" or message.get("tool_calls") for message in problem.prompt)


def _name(policy: Policy, leaf: int) -> str:
    held = policy.leaves[leaf]
    return f"{held.label} at {held.budget or 'no budget'}"
