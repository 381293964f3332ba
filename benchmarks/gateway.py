"""What a gateway adds to a call, and whether it holds 200 streams: an engine that costs nothing, the server a process of its own.

The same questions are answered by `policy.answer` in this process, then through the gateway over one connection that
is kept, by a bare HTTP client and by the official one, in turn. The official client's own time is in the last.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from _report import Report
from allometry.inference.calls import Engine, Request, Response
from allometry.inference.engines import find_engine
from allometry.inference.gateway import Gateway, Settings, run_gateway
from allometry.inference.policies import Leaf, Policy
from allometry.notices import Interval

CALLS, STREAMS, ROUNDS = 300, 200, 5
WORLD = "success = [2.0, 2.0]\nwrong = 5\n"
BOUND = 5.0  # milliseconds


def make_policy(home: Path) -> Policy:
    (home / "world.toml").write_text(WORLD)
    engine = find_engine(f"simulator:{home / 'world.toml'}")
    leaf = Leaf(
        'self_consistency(samples=null, vote=null, weight=null, tokens=null, temperature=0.8, prefix="")',
        "vote",
        "calls=4",
    )
    one = Interval(4.0, 4.0, 4.0)
    policy = Policy((leaf,), None, "a benchmark", Interval(0.5, 0.4, 0.6), {"calls": one}, 0.9, 100, 1, engine.profile.identity,
                    "exact", "exact outcome", "rule", "whole", 64, "0")  # fmt: skip
    policy.save(home / "policy.json")
    return policy


def body(i: int) -> dict[str, Any]:
    return {"model": "policy", "messages": [{"role": "user", "content": f"simulated problem {i}"}], "seed": i}


def milliseconds(ask: Callable[[int], Any]) -> np.ndarray:
    for i in range(20):
        ask(i)
    found = []
    for i in range(CALLS):
        begun = time.perf_counter()
        ask(i)
        found.append(1000 * (time.perf_counter() - begun))
    return np.array(found)


def direct(policy: Policy, home: Path) -> np.ndarray:
    engine, loop = find_engine(f"simulator:{home / 'world.toml'}"), asyncio.new_event_loop()
    return milliseconds(lambda i: loop.run_until_complete(policy.answer(tuple(body(i)["messages"]), engine, seed=i)))


def bare(port: int) -> np.ndarray:
    line = http.client.HTTPConnection("127.0.0.1", port)

    def ask(i: int) -> None:
        line.request("POST", "/v1/chat/completions", json.dumps(body(i)), {"Content-Type": "application/json"})
        reply = line.getresponse()
        held = json.loads(reply.read())
        assert reply.status == 200, held

    return milliseconds(ask)


def official(url: str) -> np.ndarray:
    from openai import OpenAI

    with OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        return milliseconds(lambda i: client.chat.completions.create(**body(i)))


async def streams(url: str) -> tuple[int, float]:
    """How many of the streams ended whole, all begun at once, and the seconds until the last did."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=60) as client:

        async def whole(i: int) -> bool:
            found = [chunk async for chunk in await client.chat.completions.create(**body(i), stream=True)]
            text = "".join(chunk.choices[0].delta.content or "" for chunk in found)
            return bool(text) and found[-1].choices[0].finish_reason == "stop"

        begun = time.perf_counter()
        ended = await asyncio.gather(*(whole(i) for i in range(STREAMS)), return_exceptions=True)
        return sum(one is True for one in ended), time.perf_counter() - begun


class Slow:
    """An engine that takes its time and nothing else."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.profile = engine, replace(engine.profile, virtual=False)
        self.most_prompt_tokens = engine.most_prompt_tokens

    async def sample(self, request: Request) -> Sequence[Response]:
        await asyncio.sleep(3)
        return await self._engine.sample(request)


def held_open(policy: Policy, home: Path) -> tuple[int, int]:
    """How many streams a gateway had under way at one moment, by its own count, and how many of them then ended whole."""
    engine = Slow(find_engine(f"simulator:{home / 'world.toml'}"))
    ready: queue.Queue[tuple[str, Callable[[], None]]] = queue.Queue()
    gateway = Gateway(policy, {"main": engine}, Settings("policy"))
    thread = threading.Thread(target=run_gateway, args=(gateway, "127.0.0.1", 0, lambda *told: ready.put(told)))
    thread.start()
    url, stop = ready.get(timeout=30)
    try:
        return asyncio.run(hold(port_of(url), gateway))
    finally:
        stop()
        thread.join()


async def hold(port: int, gateway: Gateway) -> tuple[int, int]:
    async def begin(i: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        text = json.dumps({**body(i), "stream": True}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n%b" % (len(text), text))  # fmt: skip
        await reader.readuntil(b"data: ")
        return reader, writer

    opened = await asyncio.gather(*(begin(i) for i in range(STREAMS)))
    under_way = gateway.told()["requests"]["under_way"]
    rest = await asyncio.gather(*(reader.read() for reader, _ in opened))
    for _, writer in opened:
        writer.close()
    return under_way, sum(b"[DONE]" in one for one in rest)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def main() -> None:
    report = Report("gateway")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        policy = make_policy(home)
        words = [
            "serve",
            str(home / "policy.json"),
            "--engine",
            f"simulator:{home / 'world.toml'}",
            "--port",
            "0",
            "--json",
        ]
        code = "from allometry.cli import main; main()"
        with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            try:
                measure(report, policy, home, url)
            finally:
                server.terminate()
        report(f"status of the server after SIGTERM: {server.returncode}")
    report.write()


def measure(report: Report, policy: Policy, home: Path, url: str) -> None:
    port = port_of(url)
    ways: dict[str, Callable[[], np.ndarray]] = {
        "policy.answer": lambda: direct(policy, home), "gateway, bare client": lambda: bare(port),
        "gateway, official client": lambda: official(url),
    }  # fmt: skip
    found: dict[str, list[np.ndarray]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(way())
    report(f"{ROUNDS} rounds of {CALLS} calls each way, in turn; milliseconds a call")
    report(f"{'':26}{'p50':>8}{'p95':>8}")
    quantiles = {name: np.quantile(np.concatenate(times), [0.5, 0.95]) for name, times in found.items()}
    for name, (half, most) in quantiles.items():
        report(f"{name:26}{half:8.2f}{most:8.2f}")
    for name in list(ways)[1:]:
        added = quantiles[name] - quantiles["policy.answer"]
        report(
            f"{name} adds {added[0]:.2f} at p50, {added[1]:.2f} at p95: {'under' if added.max() < BOUND else 'NOT under'} {BOUND:g}"
        )
    under_way, ended = held_open(policy, home)
    report(
        f"of {STREAMS} streams on an engine that takes 3 s: {under_way} under way at one moment, {ended} ended whole"
    )
    for attempt in range(3):
        done, seconds = asyncio.run(streams(url))
        report(
            f"{STREAMS} streams of the official client at once, try {attempt + 1}: {done} ended whole, {STREAMS - done} errors, {seconds:.2f} s"
        )


if __name__ == "__main__":
    main()
