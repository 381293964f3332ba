"""A small OpenAI-compatible server with faults on demand; without the servers extra these tests are not collected."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import Any

import pytest

collect_ignore_glob = (
    [] if all(map(find_spec, ("openai", "xllamacpp", "gguf"))) else ["test_*.py", "start_llama.py", "write_gguf.py"]
)
WORDS = ("ka", "7", "po", "1", "ru", "9", "si", "4", "te", "8", "mo", "2", "la")


def sample_text(prompt: str, seed: int) -> list[str]:
    """The tokens of a sample: a few words that hang on prompt and seed."""
    chance = random.Random(f"{prompt}/{seed}")
    return ["<", *chance.sample(WORDS, 8), f" #{seed}", ">"]


@dataclass
class Server:
    """What a server does and what it was asked.

    `fault` says by the number of a request and its body what goes wrong with it: a name below, or None. `able` are
    what it can do; `key` is what it wants to be given, and says back wherever it can.
    """

    fault: Callable[[int, dict[str, Any]], str | None] = lambda number, body: None
    able: frozenset[str] = frozenset({"n", "seed", "stop", "stop_reason", "logprobs", "usage", "cached", "continuation",
                                      "scored", "tools", "schema", "reasoning", "stream"})  # fmt: skip
    most_n: int = 128
    limit: str = "max_tokens"
    key: str = ""
    latency: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    given: Counter[int] = field(default_factory=Counter)
    hung_up: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def seeds(self) -> list[int]:
        """Of all samples that were asked for."""
        return [body["seed"] + i for body in self.bodies for i in range(body.get("n", 1))]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    made: Server
    lock = threading.Lock()

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.lock:
            number = len(self.made.bodies)
            self.made.bodies.append(body)
            self.made.times.append(time.monotonic())
            self.made.headers.append({name.lower(): value for name, value in self.headers.items()})
        time.sleep(self.made.latency)
        try:
            self._answer(self.made.fault(number, body), body)
        except (BrokenPipeError, ConnectionResetError):
            self.made.hung_up.set()
            self.close_connection = True

    def _answer(self, fault: str | None, body: dict[str, Any]) -> None:
        refused = self._refused(body)
        if fault == "slow":
            time.sleep(1.5)
        elif fault == "429":
            self._send(429, {"error": {"message": "slow down"}}, {"Retry-After": "0.3"})
        elif fault in ("500", "401"):
            said = f"{self.headers.get('authorization', '')} {self.headers.get('x-access', '')}"
            self._send(int(fault), {"error": {"message": f"broken, and your header was {said}"}}, {"X-Echo": said})
        elif fault == "malformed":
            self._raw(200, b'{"choices": [{"index": 0, "mess', "application/json")
        elif fault == "html":
            self._raw(200, b"<html>a proxy is down</html>", "text/html")
        elif fault == "empty":
            self._send(200, {"choices": []})
        elif fault == "hangup":
            self.close_connection = True
        elif refused:
            self._send(400, {"error": {"message": refused}})
        elif body.get("stream") and "stream" in self.made.able:
            self._stream(body, fault)
        else:
            self._send(200, self._whole(body))

    def _refused(self, body: dict[str, Any]) -> str:
        if self.made.key and self.headers.get("authorization") != f"Bearer {self.made.key}":
            return f"wrong key {self.headers.get('authorization')}"
        if self.made.limit not in body:
            return f"Unsupported parameter, use {self.made.limit} instead"
        if body.get("n", 1) > (self.made.most_n if "n" in self.made.able else 1):
            return "so large an n is not supported"
        if body.get("logprobs") and "logprobs" not in self.made.able:
            return "logprobs are not supported"
        return ""

    # ---- what is answered

    def _tokens(self, body: dict[str, Any], i: int) -> tuple[list[str], str, str | None]:
        """The tokens of a sample, why it ended and the stop text that ended it."""
        able, prompt = self.made.able, body.get("prompt") or json.dumps(body["messages"])
        seed = body.get("seed", 0) + i if "seed" in able else time.monotonic_ns() + i
        tokens, finish = sample_text(prompt, seed), "stop"
        if body.get("response_format") and "schema" in able:
            tokens = ['{"', "answer", '": "', "yes", '"}']
        if body.get("continue_final_message") and "continuation" in able:
            tokens = ["is", " it", "."]
        if len(tokens) > body[self.made.limit]:
            tokens, finish = tokens[: body[self.made.limit]], "length"
        text = "".join(tokens)
        stops = [stop for stop in body.get("stop", ()) if stop in text and "stop" in self.made.able]
        if stops:
            first = min(stops, key=text.index)
            return list(text[: text.index(first)]), "stop", first
        return tokens, finish, None

    def _choices(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for i in range(body.get("n", 1)):
            tokens, finish, stop = self._tokens(body, i)
            listed = [{"token": token, "logprob": -0.5} for token in tokens]
            choice = {
                "index": i,
                "finish_reason": finish,
                "tokens": tokens,
                "listed": listed if body.get("logprobs") else None,
            }
            if stop and "stop_reason" in self.made.able:
                choice["stop_reason"] = stop
            yield choice
            with self.lock:
                self.made.given[body.get("seed", 0) + i] += 1

    def _usage(self, body: dict[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
        if "usage" not in self.made.able:
            return {}
        usage: dict[str, Any] = {"prompt_tokens": 5, "completion_tokens": sum(len(c["tokens"]) for c in choices)}
        if "cached" in self.made.able:
            usage["prompt_tokens_details"] = {"cached_tokens": 4}
        return {"usage": usage}

    def _whole(self, body: dict[str, Any]) -> dict[str, Any]:
        choices = list(self._choices(body))
        usage = self._usage(body, choices)
        for choice in choices:
            text, listed = "".join(choice.pop("tokens")), choice.pop("listed")
            choice["logprobs"] = {"content": listed} if listed else None
            if "prompt" in body:
                choice["text"] = text
                if body.get("echo") and "scored" in self.made.able:
                    tokens = list(body["prompt"])
                    choice["text"] = body["prompt"]
                    choice["logprobs"] = {"tokens": tokens, "token_logprobs": [None, *[-1.0] * (len(tokens) - 1)]}
                    choice["finish_reason"] = "length"
            else:
                choice["message"] = {"role": "assistant", "content": text}
                if "reasoning" in self.made.able:
                    choice["message"]["reasoning_content"] = "hm"
                if body.get("tools") and "tools" in self.made.able:
                    call = {
                        "id": "1",
                        "type": "function",
                        "function": {"name": body["tools"][0]["function"]["name"], "arguments": "{}"},
                    }
                    choice["message"] |= {"content": None, "tool_calls": [call]}
        return {"choices": choices, **usage}

    def _stream(self, body: dict[str, Any], fault: str | None) -> None:
        events: list[dict[str, Any]] = []
        whole = self._whole(body)
        for choice in whole["choices"]:
            held = choice.pop("message", None) or {"content": choice.pop("text", None)}
            text = held["content"] or ""
            for content, more in (
                (text[: len(text) // 2], {"finish_reason": None}),
                (text[len(text) // 2 :], {"logprobs": None}),
            ):
                said = {"text": content} if "prompt" in body else {"delta": {**held, "content": content}}
                events.append({**choice, **said, **more})
                held = {}
        lines = [json.dumps({"choices": [event]}) for event in events]
        if "usage" in whole:
            lines.append(json.dumps({"choices": [], "usage": whole["usage"]}))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for number, line in enumerate([*lines, "[DONE]"]):
            if fault == "half" and number == len(lines) // 2:
                return
            if fault == "garbled" and number == len(lines) // 2:
                line = line[: len(line) // 2]
            self.wfile.write(f": comment\n\ndata: {line}\n\n".encode())
            self.wfile.flush()
            if fault == "stalled" and number == 0:
                for _ in range(100):  # until the other side hangs up
                    time.sleep(0.05)
                    self.wfile.write(b": waiting\n\n")
                    self.wfile.flush()

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(body).encode(), "application/json", headers)

    def _raw(self, status: int, raw: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with these settings; it ends with the test."""
    begun: list[ThreadingHTTPServer] = []

    def start(**settings: Any) -> Server:
        made = Server(**settings)
        http = ThreadingHTTPServer(("127.0.0.1", 0), type("Made", (Handler,), {"made": made}))
        http.daemon_threads = True
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        begun.append(http)
        made.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
        return made

    yield start
    for http in begun:
        http.shutdown()
        http.server_close()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """An endpoint of a server that waits little between attempts; it is closed with the test."""
    from allometry.inference.engines.endpoint import Endpoint, faults

    monkeypatch.setattr(faults, "FIRST_WAIT", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made: list[Endpoint] = []

    def make(server: Server, **settings: Any) -> Endpoint:
        made.append(Endpoint(f"{server.url}#m", **{"timeout": 5.0, "identity": "m", **settings}))
        return made[-1]

    yield make
    for one in made:
        one.close()
