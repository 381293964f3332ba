"""A policy as a file that anybody may have written, and answering by it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import Abilities, Profile, Request, Response, Usage
from allometry.inference.engines import Simulator, World
from allometry.inference.policies import Goal, Leaf, Policy, Split, hold, plan_test_time, policy_of, tell_held
from allometry.inference.records import Records
from allometry.inference.tasks import find_task, simulated_problems
from allometry.notices import Interval, Refused

VOTE = 'self_consistency(samples=null, vote=null, weight=null, tokens=null, temperature=0.8, prefix="")'
WORLD = World(success=0.5, wrong=3)
ENGINE = Simulator(WORLD)


def made(*budgets: str, split: Split | None = None, strategy: str = VOTE, **changed: Any) -> Policy:
    fields: dict[str, Any] = {
        "leaves": tuple(Leaf(strategy, "vote", budget) for budget in budgets), "split": split, "goal": "a test",
        "accuracy": Interval(0.5, 0.4, 0.6), "costs": {"calls": Interval(5.0, 4.0, 6.0)}, "level": 0.9, "problems": 60,
        "seeds": 1, "engine": ENGINE.profile.identity, "scorer": "exact", "scorer_kind": "exact outcome",
        "selector_kind": "rule", "reader": "whole", "sample_tokens": 64, "records": "0", "made_by": "a test",
    }  # fmt: skip
    return Policy(**{**fields, **changed})


def test_a_policy_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    policy = made("calls=5", "calls=9", split=Split("agreement", 0.6))
    assert Policy.load(policy.save(tmp_path / "policy.json")) == policy
    assert not list(tmp_path.glob("*.partial"))


def _changed(held: dict[str, Any], path: str, value: object) -> None:
    *way, last = path.split(".")
    for name in way:
        held = held[int(name) if name.isdigit() else name]
    held[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("version", 2, "version 2, and this program reads 1"), ("format", "other", "no policy"), ("extra", 1, "unknown field 'extra'"),
        ("leaves.0.strategy", "gredy(tokens=null)", "no strategy is called 'gredy'"),
        ("leaves.0.strategy", "greedy(tokens=null, width=3)", "cannot have tokens='null, width=3'"),
        ("leaves.0.strategy", "mine.py:search(width=3)", "is code of a file or module"),
        ("leaves.0.strategy", VOTE.replace("weight=null", "weight=there is none"), "needs the grader"),
        ("leaves.0.strategy", VOTE.replace("weight=null", "weight=mine.py:grade"), "is code"),
        ("leaves.0.strategy", VOTE.replace("weight=null", "weight=os:system"), "is code of a file or module"),
        ("leaves.0.strategy", VOTE.replace("vote=null", 'vote="os:system"'), "is code"),
        ("leaves.0.strategy", VOTE.replace("weight=null", "weight=exact"), "sees the answers"),
        ("leaves.0.budget", "tokens=5", "'tokens' is no unit"), ("leaves.0.budget", "calls=1:9:+2", "is a series"), ("leaves", [], "a list of one or two"),
        ("rule", {"on": "mood", "at_least": 1}, "cannot look at 'mood'"),
        ("rule", {"on": "score", "at_least": 1}, "do not go with a rule"),
        ("accuracy.value", float("nan"), "NaN is no number"), ("accuracy.value", 1.5, "not within its interval"),
        ("accuracy.low", 0.55, "not within its interval"), ("level", 2, "no share"), ("seeds", True, "no whole number"),
        ("costs", {"smiles": {"value": 1, "low": 1, "high": 1}}, "'smiles' is no meter"),
        ("reader", "os:system", "is code"), ("reader", "hole", "hole"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_policy_is_refused_in_one_sentence(
    tmp_path: Path, path: str, value: object, said: str
) -> None:
    file = made("calls=5").save(tmp_path / "policy.json")
    held = json.loads(file.read_text())
    _changed(held, path, value)
    file.write_text(json.dumps(held))
    with pytest.raises(Refused, match=re.escape(said)) as refused:
        Policy.load(file)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"format": 1, "format": 2}', "[" * 100_000, "\udcff"])
def test_what_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(Refused):
        Policy.load(file)
    with pytest.raises(Refused, match="cannot be read"):
        Policy.load(tmp_path / "none.json")


def test_one_leaf_answers_everything_and_says_what_it_took() -> None:
    [problem] = simulated_problems(1)
    served = made("calls=5").answer_sync(problem, ENGINE)
    assert served.content is not None
    assert served.content.startswith("answer 0")
    assert (served.leaf, served.state, served.meter.calls) == ("vote at calls=5", "answered", 5)
    assert served.meter.generated_tokens == 200
    assert made("calls=5").answer_sync("simulated problem 7", ENGINE).content is not None


def test_the_second_leaf_goes_on_from_the_samples_of_the_first() -> None:
    policy = made("calls=3", "calls=9", split=Split("agreement", 1.0))
    served = [policy.answer_sync(problem, ENGINE) for problem in simulated_problems(20)]
    kept = [one for one in served if one.seen == 1.0]
    others = [one for one in served if one.seen is not None and one.seen < 1.0]
    assert {one.meter.calls for one in kept} == {3}
    assert {one.meter.calls for one in others} == {9}  # three of them were there
    assert {one.leaf for one in others} == {"vote at calls=9"}
    assert kept
    assert others


def test_what_a_policy_does_is_what_it_was_measured_to_do(swept: Callable[..., list[Any]]) -> None:
    """Answers and costs one by one are those that the plan took from the sweep."""
    outcomes = swept("self_consistency")
    plan = plan_test_time(outcomes, Goal(target=0.3))
    policy = policy_of(plan, sample_tokens=64, reader="whole")
    engine = Simulator(World(success=(2.0, 2.0), wrong=3))
    right = cost = 0.0
    for problem in simulated_problems(60):
        served = policy.answer_sync(problem, engine)
        right += served.content == f"answer {problem.answer}"
        cost += served.meter.generated_tokens
    measured = plan.table.grades[plan.choice.cell].mean()
    if plan.rule is None:
        assert right / 60 == pytest.approx(measured)
        assert cost / 60 == plan.table.meters["generated_tokens"][plan.choice.cell].mean()
    assert policy.accuracy.low <= right / 60 <= policy.accuracy.high


def test_rules_look_at_the_prompt_and_at_scores() -> None:
    long = made("calls=9", "calls=1", split=Split("prompt_length", 25))
    assert long.answer_sync("please: simulated problem 7", ENGINE).meter.calls == 9
    assert long.answer_sync("simulated problem 7", ENGINE).meter.calls == 1
    scored = made("calls=9", "calls=1", split=Split("score", 0.5))
    assert scored.answer_sync("simulated problem 7", ENGINE, score=0.9).meter.calls == 9
    with pytest.raises(Refused, match="none is given"):
        scored.answer_sync("simulated problem 7", ENGINE)


class Caller:
    """An engine that calls tools."""

    profile = Profile(ENGINE.profile.identity, Abilities(n=True, tools=True), virtual=True)

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def sample(self, request: Request) -> Sequence[Response]:
        self.requests.append(request)
        call = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
        return [Response(tool_calls=(call,), finish="tool_calls", usage=Usage(5, 0, 7), seconds=1.0)] * request.n

    def most_prompt_tokens(self, request: Request) -> int:
        return 9


@pytest.mark.parametrize("messages", [
    [{"role": "user", "content": "add"}],
    [{"role": "user", "content": "add"}, {"role": "assistant", "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "3"}],
])  # fmt: skip
def test_calls_of_tools_pass_through_untouched(messages: list[dict[str, Any]]) -> None:
    engine = Caller()
    tools = [{"type": "function", "function": {"name": "add"}}] if len(messages) == 1 else []
    served = made("calls=5").answer_sync(messages, engine, tools=tools)
    assert served.response is not None
    assert served.response.tool_calls[0]["function"]["name"] == "add"
    assert served.leaf.startswith("greedy")
    [request] = engine.requests
    assert (request.temperature, request.n, len(request.tools)) == (0.0, 1, len(tools))
    assert request.prompt == tuple(messages)


def test_many_are_answered_at_once_as_they_are_one_by_one() -> None:
    policy, problems = made("calls=3", "calls=9", split=Split("agreement", 1.0)), simulated_problems(30)

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(policy.answer(problem, ENGINE) for problem in problems))

    assert asyncio.run(all_of_them()) == [policy.answer_sync(problem, ENGINE) for problem in problems]


def test_another_engine_a_lacking_check_and_nothing_are_refused() -> None:
    other = Simulator(World(success=0.9))
    with pytest.raises(Refused, match="was measured on"):
        made("calls=5").answer_sync("simulated problem 1", other)
    assert made("calls=5").answer_sync("simulated problem 1", other, other_engine=True).content is not None
    checked = made(
        "calls=5", strategy='best_of_n(selector=countdown steps, samples=null, tokens=null, temperature=0.8, prefix="")'
    )
    assert checked.graders == ("countdown steps",)
    assert checked.needs_data()
    with pytest.raises(Refused, match="no data to check it by"):
        checked.answer_sync("C1,2,3>6:", ENGINE)
    with pytest.raises(Refused, match="nothing is asked"):
        made("calls=5").answer_sync("", ENGINE)
    with pytest.raises(Refused, match="main engine"):
        made("calls=5").answer_sync("simulated problem 1", {"judge": ENGINE})


def test_a_call_that_fails_is_an_answer_that_says_so() -> None:
    failing = Simulator(World(success=0.5, wrong=3, failures=1.0))
    policy = made("calls=3", "calls=9", split=Split("agreement", 1.0), engine=failing.profile.identity)
    served = policy.answer_sync("simulated problem 1", failing)
    assert (served.content, served.state, served.why) == (None, "failed", "the simulated call failed")


def test_the_checked_answer_is_given_where_the_problem_brings_its_data() -> None:
    [problem] = find_task("countdown").problems(1, difficulty=3)
    engine = Caller()
    policy = made(
        "calls=2", strategy='best_of_n(selector=countdown steps, samples=null, tokens=null, temperature=0.8, prefix="")'
    )
    assert policy.answer_sync(problem, engine).state == "answered"


def test_answers_may_be_kept(tmp_path: Path) -> None:
    with Records(tmp_path / "kept") as records:
        made("calls=3").answer_sync("simulated problem 1", ENGINE, records=records)
        assert len(records.episodes) == 1


def test_a_promise_is_held_against_other_problems(swept: Callable[..., list[Any]]) -> None:
    outcomes = swept("self_consistency", "greedy", problems=200)
    half = {f"{i}" for i in range(0, 200, 2)}
    ours, others = ([o for o in outcomes if (o.problem in half) is which] for which in (True, False))
    policy = policy_of(plan_test_time(ours, Goal(target=0.4)), sample_tokens=64, reader="whole")
    found = {one.name: one for one in hold(policy, others)}
    assert found["accuracy"].kept
    assert "kept" in tell_held(policy, list(found.values())).sentence
    boasting = replace(policy, accuracy=Interval(0.99, 0.98, 1.0))
    assert not hold(boasting, others)[0].kept
    assert tell_held(boasting, hold(boasting, others)).sentence == "not kept: accuracy"
    with pytest.raises(Refused, match="made from these very records"):
        hold(policy, ours)
    with pytest.raises(Refused, match="was not run on"):
        hold(policy, swept("greedy", budgets="calls=2"))
