"""An endpoint over a server that answers, refuses, fails and hangs up."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from allometry.inference import Request
from allometry.inference.calls import CallFailed, Response, Stopped, Usage, meter_call, sample, wait
from allometry.inference.records import Records
from allometry.notices import Refused

pytestmark = pytest.mark.servers
CHAT = ({"role": "user", "content": "hi"},)
FORMS = pytest.mark.parametrize("prompt", [CHAT, "raw"], ids=["chat", "text"])
FAULTS = ("slow", "429", "500", "malformed", "html", "empty", "hangup", "half", "garbled")


def texts(found: list[Response]) -> list[str]:
    return [one.reasoning + one.content for one in found]


@FORMS
@pytest.mark.parametrize("stream", [True, False])
def test_samples_in_one_request_or_apart_are_the_same(prompt: Any, stream: bool, serve: Any, endpoint: Any) -> None:
    form = "text" if prompt == "raw" else "chat"
    together, apart = serve(), serve()
    one, other = endpoint(together, stream=stream), endpoint(apart, stream=stream)
    wait(one.learn(Records(), form))
    probed = len(together.bodies)
    request = Request(prompt, 20, n=3, seed=5)
    assert texts(sample(one, request)) == texts(sample(other, request))
    assert len(together.bodies) - probed == 1
    assert len(apart.bodies) == 3
    assert sorted(apart.seeds()) == [5, 6, 7]


def test_a_server_that_takes_fewer_samples_at_a_time_is_asked_for_fewer(serve: Any, endpoint: Any) -> None:
    server = serve(most_n=4)
    engine = endpoint(server)
    wait(engine.learn(Records(), "text"))
    server.bodies.clear()
    assert len(sample(engine, Request("raw", 20, n=13, seed=0))) == 13
    server.bodies.clear()
    sample(engine, Request("raw", 20, n=13, seed=100))
    assert sorted(body.get("n", 1) for body in server.bodies) == [1, 3, 3, 3, 3]
    assert sorted(server.seeds()) == list(range(100, 113))
    assert engine.profile.together == 3
    assert meter_call(engine.profile, [Usage(10, 0, 5)] * 13).prompt_tokens == 50


@FORMS
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_repeated_and_only_whole_samples_are_taken(
    fault: str, prompt: Any, serve: Any, endpoint: Any
) -> None:
    server = serve(fault=lambda number, body: fault if number < 2 else None)
    engine = endpoint(server, timeout=0.5 if fault == "slow" else 5.0)
    engine._learnt = dict.fromkeys(("chat", "text"), _able(n=True))
    request = Request(prompt, 20, n=2, seed=5)
    assert texts(sample(engine, request)) == texts(sample(endpoint(serve()), request))
    assert engine.faults.total() >= 1
    if fault == "429":
        assert server.times[1] - server.times[0] >= 0.3


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_that_do_not_end_are_a_failed_call_that_says_whether_it_may_be_paid(
    fault: str, serve: Any, endpoint: Any
) -> None:
    server = serve(fault=lambda number, body: fault)
    engine = endpoint(server, timeout=0.3, attempts=2)
    with pytest.raises(CallFailed, match="2 attempts") as failed:
        sample(engine, Request("raw", 20))
    assert failed.value.paid is (fault != "429")
    assert len(server.bodies) == 2


def test_refusals_are_not_repeated_and_cost_nothing(serve: Any, endpoint: Any) -> None:
    server = serve(fault=lambda number, body: "401")
    with pytest.raises(CallFailed, match="the server answered 401") as failed:
        sample(endpoint(server), Request("raw", 20))
    assert not failed.value.paid
    assert len(server.bodies) == 1


def test_nobody_there_is_a_failed_call_that_costs_nothing(serve: Any, endpoint: Any) -> None:
    server = serve()
    server.url = "http://127.0.0.1:9/v1"
    with pytest.raises(CallFailed, match="the connection to the server failed") as failed:
        sample(endpoint(server, attempts=2), Request("raw", 20))
    assert not failed.value.paid
    with pytest.raises(Refused, match="check that the server runs"):
        wait(endpoint(server, attempts=1).learn(Records(), "chat"))


def test_of_a_half_stream_the_finished_samples_are_kept(serve: Any, endpoint: Any) -> None:
    server = serve(fault=lambda number, body: "half" if number == 0 else None)
    engine = endpoint(server)
    engine._learnt = {"text": _able(n=True)}
    found = sample(engine, Request("raw", 20, n=4, seed=10))
    assert [f"#{10 + i}" in one.content for i, one in enumerate(found)] == [True] * 4
    assert server.bodies[1]["seed"] == 12
    assert server.bodies[1]["n"] == 2


def test_a_stopped_stream_says_what_it_had_become(serve: Any, endpoint: Any) -> None:
    server = serve(fault=lambda number, body: "stalled")
    engine = endpoint(server)
    send = engine._transport.send

    async def stop() -> Stopped:
        heard = asyncio.Event()

        async def sending(form: Any, body: Any, take: Any) -> None:
            await send(form, body, lambda event: (take(event), heard.set()))

        engine._transport.send = sending
        task = asyncio.create_task(engine.sample(Request(CHAT, 20, seed=5)))
        await heard.wait()
        task.cancel()
        with pytest.raises(Stopped) as stopped:
            await task
        return stopped.value

    (one,) = wait(stop()).responses
    assert one.content.startswith("<")
    assert one.finish == "cancelled"
    assert 0 < one.usage.generated < 20
    assert one.usage.estimated >= {"prompt", "generated"}
    assert server.hung_up.wait(2.0)


def test_at_most_so_many_requests_are_on_their_way(serve: Any, endpoint: Any) -> None:
    server = serve(latency=0.1)
    sample(endpoint(server, concurrency=2), Request("raw", 20, n=6))
    gaps = sorted(server.times)
    assert gaps[2] - gaps[0] >= 0.09
    assert gaps[4] - gaps[2] >= 0.09


def test_times_of_the_first_token_and_of_the_end(serve: Any, endpoint: Any) -> None:
    (one,) = sample(endpoint(serve(latency=0.1)), Request(CHAT, 20))
    assert one.first_token is not None
    assert one.seconds is not None
    assert 0.1 <= one.first_token <= one.seconds


def test_one_endpoint_in_several_event_loops(serve: Any, endpoint: Any) -> None:
    engine = endpoint(serve())

    async def ask() -> int:
        found = await engine.sample(Request("raw", 20))
        await engine.aclose()
        return len(found)

    assert [asyncio.run(ask()) for _ in range(2)] == [1, 1]


def test_without_the_package_it_says_what_to_install(
    serve: Any, endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(Refused, match=r'pip install "allometry\[openai\]"'):
        sample(endpoint(serve()), Request("raw", 20))


def _able(**abilities: bool) -> Any:
    from allometry.inference.calls import Abilities
    from allometry.inference.engines.endpoint.learn import Learnt
    from allometry.inference.engines.endpoint.ways import Ways

    return Learnt(Abilities(**abilities), Ways())
