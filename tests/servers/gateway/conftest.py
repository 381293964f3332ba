"""A gateway of an engine without a will of its own; without the servers and serve extras its tests are not collected."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, cast

import pytest

from allometry.inference.calls import Abilities, CallFailed, Profile, Request, Response, Usage, prompt_bound
from allometry.inference.gateway import Gateway, Keys, Settings, run_gateway
from allometry.inference.policies import Leaf, Policy, Split
from allometry.notices import Interval

collect_ignore_glob = (
    [] if all(map(find_spec, ("openai", "xllamacpp", "gguf", "starlette", "uvicorn"))) else ["test_*.py"]
)
VOTE = 'self_consistency(samples=null, vote=null, weight=null, tokens=null, temperature=0.8, prefix="")'
ASKED = [{"role": "user", "content": "simulated problem 7"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": "it"}'}}


@dataclass
class Fake:
    """An engine whose every answer is the same, or a fault; `cancelled` counts calls that were stopped."""

    text: str = "four"
    seconds: float = 0.0
    failure: str = ""
    breaks: bool = False
    cancelled: int = 0
    asked: list[Request] = field(default_factory=list)
    profile: Profile = field(
        default_factory=lambda: Profile("fake", Abilities(n=True, seed=True, tools=True, usage=True))
    )

    async def sample(self, request: Request) -> Sequence[Response]:
        self.asked.append(request)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure:
            raise CallFailed(self.failure)
        if self.breaks:
            raise KeyError("sk-secret of the engine")
        calls = (CALL,) if request.tools else ()
        one = Response("" if calls else self.text, tool_calls=calls, finish="tool_calls" if calls else "stop",
                       usage=Usage(3, 0, 5))  # fmt: skip
        return [one] * request.n

    def most_prompt_tokens(self, request: Request) -> int:
        return prompt_bound(request)


def policy_for(on: Any, *budgets: str, split: Split | None = None, **changed: Any) -> Policy:
    fields: dict[str, Any] = {
        "leaves": tuple(Leaf(VOTE, "vote", budget) for budget in budgets or ("calls=5",)), "split": split,
        "goal": "a test", "accuracy": Interval(0.5, 0.4, 0.6), "costs": {"calls": Interval(5.0, 5.0, 5.0)}, "level": 0.9,
        "problems": 60, "seeds": 1, "engine": on.profile.identity, "scorer": "exact", "scorer_kind": "exact outcome",
        "selector_kind": "rule", "reader": "whole", "sample_tokens": 64, "records": "0", "made_by": "a test",
    }  # fmt: skip
    return Policy(**{**fields, **changed})


@dataclass
class Running:
    """A gateway that is served, and how it is asked."""

    gateway: Gateway
    url: str
    stop: Callable[[], None]
    thread: threading.Thread
    asked = ASKED
    tool = TOOL

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2].partition("/")[0])

    def client(self, key: str = "none", **more: Any) -> Any:
        from openai import OpenAI

        return OpenAI(base_url=self.url, api_key=key, max_retries=0, **more)

    def ask(self, **more: Any) -> Any:
        """The answer, or the chunks of a stream."""
        with self.client() as client:
            found = client.chat.completions.create(model="m", messages=ASKED, **more)
            return list(found) if more.get("stream") else found

    def raw(
        self, body: bytes | str, path: str = "/v1/chat/completions", **headers: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, object and headers of a POST."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            line.request("POST", path, body, {"Content-Type": "application/json", **headers})
            reply = line.getresponse()
            return reply.status, json.loads(reply.read()), {name.lower(): value for name, value in reply.getheaders()}
        finally:
            line.close()

    def told(self) -> dict[str, Any]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        line.request("GET", "/v1/policy")
        found: dict[str, Any] = json.loads(line.getresponse().read())
        line.close()
        return found


Start = Callable[..., Running]


@pytest.fixture(scope="module")
def begin() -> Iterator[Start]:
    begun: list[Running] = []

    def start(engine: Any = None, policy: Policy | None = None, keys: Keys | None = None, **settings: Any) -> Running:
        engine = engine or Fake()
        gateway = Gateway(policy or policy_for(engine), {"main": engine}, Settings("m", **settings), keys)
        ready: list[tuple[str, Callable[[], None]]] = []
        come = threading.Event()

        def tell(url: str, stop: Callable[[], None]) -> None:
            ready.append((url, stop))
            come.set()

        thread = threading.Thread(target=run_gateway, args=(gateway, "127.0.0.1", 0, tell, 2), daemon=True)
        thread.start()
        assert come.wait(20)
        begun.append(Running(gateway, *ready[0], thread))
        return begun[-1]

    yield start
    for one in begun:
        one.stop()
    for one in begun:
        one.thread.join(10)
        assert not one.thread.is_alive()


@pytest.fixture(scope="module")
def plain(begin: Start) -> Running:
    """A gateway of an engine that always answers."""
    return begin()


def wait_until(true: Callable[[], Any]) -> Any:
    """What the function gives once it is true, or at last after ten seconds."""
    end = time.monotonic() + 10
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


@pytest.fixture
def fake() -> type[Fake]:
    return Fake


@pytest.fixture
def made() -> Callable[..., Policy]:
    return policy_for


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    return wait_until


@pytest.fixture
def at() -> Callable[[str], Running]:
    """A gateway that another process serves, by its address."""
    return lambda url: Running(cast(Gateway, None), url, lambda: None, threading.current_thread())
