"""The figures of a policy, held against what its gateway answers: costs, accuracy, and the baseline."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from allometry.inference.engines import Simulator, World
from allometry.inference.policies import Policy, Split
from allometry.notices import Interval

pytestmark = pytest.mark.servers
Running = Any
Start = Callable[..., Running]


def _many(running: Running, count: int) -> list[Any]:
    with running.client() as client:
        return [
            client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"simulated problem {i}"}])
            for i in range(count)
        ]


def test_a_kept_promise_is_no_drift_and_a_broken_one_is(begin: Start, made: Callable[..., Policy]) -> None:
    for engine, calls, drift in (
        (Simulator(World(success=0.5)), 5.0, []),
        (Simulator(World(success=0.5)), 4.0, ["calls"]),
    ):
        running = begin(engine, made(engine, costs={"calls": Interval(calls, calls, calls), "generated_tokens": Interval(200.0, 150.0, 250.0)}))  # fmt: skip
        _many(running, 100)
        told = running.told()
        assert (told["answers"], told["looks"], told["drifted"]) == (100, 1, drift)
        assert told["costs"][0]["measured"]["value"] == 5


def test_what_the_promise_was_not_made_for_is_not_held_against_it(begin: Start) -> None:
    running = begin()
    assert not running.ask(max_tokens=8).allometry["promised"]
    assert not running.ask(tools=[running.tool]).allometry["promised"]
    assert running.ask(max_tokens=64).allometry["promised"]
    assert running.told()["answers"] == 1


def test_scores_of_users_are_held_against_the_accuracy(begin: Start) -> None:
    running = begin()
    for i, found in enumerate(_many(running, 20)):
        assert running.raw(json.dumps({"id": found.id, "score": i % 2}), "/v1/policy/scores")[0] == 200
    assert running.raw(json.dumps({"id": found.id, "score": 1}), "/v1/policy/scores")[0] == 404
    assert running.raw(json.dumps({"id": found.id, "score": 2}), "/v1/policy/scores")[0] == 400
    told = running.told()
    assert (told["scores"], told["accuracy"]["measured"]["value"]) == (20, 0.5)
    assert told["accuracy"]["difference"]["low"] < 0 < told["accuracy"]["difference"]["high"]


def test_a_share_is_answered_by_the_baseline_too(
    begin: Start, fake: Any, made: Callable[..., Policy], until: Callable[..., Any]
) -> None:
    engine = fake()
    running = begin(engine, made(engine, "calls=1", "calls=3", split=Split("agreement", 0.5)), share=1.0)
    _many(running, 5)
    told = until(lambda: (found := running.told())["baseline"]["answers"] == 5 and found)
    baseline = told["baseline"]
    assert (baseline["agreement"]["value"], baseline["calls"]) == (1.0, 15)
    assert (baseline["saved"]["calls"]["value"], told["costs"][0]["measured"]["value"]) == (2.0, 1.0)
