"""At most five small calls find out what a server can do; what they found is recorded and not asked again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from allometry.inference import Budget, Problem, Records, find_strategy, read_budgets, sweep
from allometry.inference.calls import ABILITIES, wait
from allometry.inference.records import read_lines
from allometry.notices import Refused

pytestmark = pytest.mark.servers
OF_FORM = {
    "chat": frozenset(ABILITIES) - {"scored"},
    "text": frozenset(ABILITIES) - {"tools", "schema", "reasoning"},
}
FOLLOWS: dict[str, set[str]] = {"stop": {"stop_reason"}, "usage": {"cached"}, "logprobs": {"scored"}}
PROBLEMS = [Problem(f"{i}", ({"role": "user", "content": f"q{i}"},), answer="7", sample_tokens=20) for i in range(3)]
RAW = [replace(problem, prompt=f"raw {i}") for i, problem in enumerate(PROBLEMS)]


def found(engine: Any) -> set[str]:
    return {name for name in ABILITIES if getattr(engine.profile.abilities, name)}


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("lacking", ["", *ABILITIES])
@pytest.mark.parametrize("form", ["chat", "text"])
def test_what_a_server_can_do_is_found_as_it_is(
    form: str, lacking: str, stream: bool, serve: Any, endpoint: Any
) -> None:
    whole = serve().able
    server = serve(able=whole - {lacking})
    engine = endpoint(server, stream=stream)
    wait(engine.learn(Records(), form))
    assert len(server.bodies) <= 5
    assert sum(body["max_tokens"] * body.get("n", 1) for body in server.bodies) <= 160
    expected = OF_FORM[form] - {lacking}
    if form == "text":
        expected |= {"continuation"}  # a prefix of raw text is a part of the prompt
    expected -= FOLLOWS.get(lacking, set())
    if form == "chat" and lacking in ("n", "logprobs"):
        expected -= {"tools"}  # a call went into what was refused
    assert found(engine) == expected
    assert set(engine.profile.abilities.mend) == set(ABILITIES) - expected
    assert all(engine.profile.abilities.mend.values())


def test_a_server_that_can_do_nothing_is_found_so(serve: Any, endpoint: Any) -> None:
    server = serve(able=frozenset())
    engine = endpoint(server)
    wait(engine.learn(Records(), "chat"))
    assert found(engine) == set()
    assert len(server.bodies) <= 5


def test_what_is_needed_is_tried_first(serve: Any, endpoint: Any) -> None:
    server = serve()
    server.able -= {"n"}
    engine = endpoint(server)
    wait(engine.learn(Records(), "chat"))
    assert "not tried within 5 calls" in engine.profile.abilities.mend["tools"]
    wait(engine.learn(Records(), "chat", ["tools"]))
    assert engine.profile.abilities.tools


def test_a_server_that_names_the_bound_otherwise(serve: Any, endpoint: Any) -> None:
    server = serve(limit="max_completion_tokens")
    engine = endpoint(server)
    wait(engine.learn(Records(), "chat"))
    assert "max_completion_tokens" in server.bodies[-1]
    assert {"n", "logprobs", "seed", "stop"} <= found(engine)


def test_a_second_run_does_not_probe_and_a_replay_needs_no_server(serve: Any, endpoint: Any, tmp_path: Path) -> None:
    server, strategies = serve(), [find_strategy("greedy")(), find_strategy("self_consistency")(samples=3)]

    def run(engine: Any) -> list[Any]:
        with Records(tmp_path) as records:
            return list(sweep(PROBLEMS, strategies, [Budget(80)], engine, records=records))

    first = run(endpoint(server))
    asked = len(server.bodies)
    (line,) = [line for line in read_lines(tmp_path) if line["kind"] == "probe"]
    held = json.loads(line["result"])
    assert (held["version"], held["form"], held["calls"]) == (1, "chat", 5)
    assert [replace(one, response=None) for one in run(endpoint(server))] == [
        replace(one, response=None) for one in first
    ]
    assert len(server.bodies) == asked
    server.url = "http://127.0.0.1:9/v1"
    assert len(run(endpoint(server, attempts=1))) == len(first)


def test_a_mismatch_is_refused_before_the_sweep_and_probed_again_once_mended(
    serve: Any, endpoint: Any, tmp_path: Path
) -> None:
    server = serve()
    server.able -= {"continuation"}
    strategies = [find_strategy("budget_forcing")()]
    for _ in range(2):
        with (
            Records(tmp_path) as records,
            pytest.raises(Refused, match=r"needs continuation.*use a server that goes on"),
        ):
            sweep(PROBLEMS, strategies, [Budget(80)], endpoint(server), records=records)
    assert len(server.bodies) == 10
    server.able |= {"continuation"}
    with Records(tmp_path) as records:
        assert len(sweep(PROBLEMS, strategies, [Budget(80)], endpoint(server), records=records)) == 3


def test_messages_and_raw_text_in_one_sweep_are_both_probed(serve: Any, endpoint: Any) -> None:
    server = serve()
    server.able -= {"scored"}
    engine = endpoint(server)
    problems = [replace(problem, id=f"raw {problem.id}") for problem in RAW]
    swept = sweep([*PROBLEMS, *problems], [find_strategy("greedy")()], read_budgets("40"), engine)
    assert {outcome.state for outcome in swept} == {"answered"}
    assert found(engine) == OF_FORM["chat"] & OF_FORM["text"]


def test_a_wrong_key_is_said_before_the_sweep(serve: Any, endpoint: Any) -> None:
    server = serve(fault=lambda number, body: "401")
    with pytest.raises(Refused, match=r"answered 401.*give its key by the environment"):
        sweep(PROBLEMS, [find_strategy("greedy")()], [Budget(80)], endpoint(server))
    assert len(server.bodies) == 1
