"""Between the calls of one episode and the records: finds what was answered before, writes what is answered now.

An episode is one strategy on one problem at one budget. An answer of the same episode is history: it is given back at
the time at which it came. One of another episode of the group is used again and takes as long as it took.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from allometry.inference.calls.engine import CallFailed
from allometry.inference.calls.keys import asked, canonical, digest, key_text, number, parameters
from allometry.inference.calls.place import Place
from allometry.inference.calls.request import Request, Response, Usage
from allometry.inference.records import Line, Records, text_hash


class Family(NamedTuple):
    """What all samples of one request at one place have in common."""

    key: int
    prompt: str
    asked: str
    parameters: str
    engine: str
    place: Place


@dataclass(frozen=True)
class Found:
    """An answer in the records; `history` when it is of this very episode, with the time at which it was asked."""

    response: Response
    started: float
    history: bool


@dataclass(frozen=True)
class Recorder:
    """The records as one episode sees them."""

    records: Records
    episode: str
    problem: str
    strategy: str
    seed: int

    def family(self, place: Place, engine: str, request: Request) -> Family:
        """The family of a request."""
        text, settings = canonical(asked(request)), canonical(parameters(request))
        prompt = text_hash(text)
        return Family(number(digest(place.base, engine, prompt, settings)), prompt, text, settings, engine, place)

    def find(self, family: Family, sample: int) -> Found | None:
        """The recorded answer of a sample; one that was cut off by being stopped only where that was in this episode."""
        lines = self.records.answers(family.place.group).get(key_text(family.key + sample), ())
        own = [line for line in lines if line["episode"] == self.episode]
        whole = [line for line in (*own, *lines) if line.get("finish") != "cancelled"]
        for line in (*whole, *own):
            return Found(response_of(line), line["started"], line["episode"] == self.episode)
        return None

    def sent(self, family: Family, request: Request, first: int, started: float) -> None:
        """Write that a live call is begun, so that it is counted should nothing ever come back."""
        worst = {"generated_tokens": request.n * request.max_tokens, "started": started}
        self._write(family, [{"kind": "sent", **self._where(family, first), **worst}])

    def received(
        self, family: Family, request: Request, first: int, started: float, found: Sequence[Response], kind: str
    ) -> None:
        """Write answers before anybody uses them; `kind` is sample or effect."""
        turn = _turn(request)
        lines = [
            {"kind": kind, **self._where(family, first + i), "turn": turn, "started": started, **_columns(response)}
            for i, response in enumerate(found)
        ]
        self._write(family, lines)

    def failed(self, family: Family, first: int, started: float, error: CallFailed) -> None:
        """Write that a call gave nothing; it is asked again by whoever resumes."""
        reason = canonical({"reason": error.reason, "paid": error.paid})
        self._write(family, [{"kind": "failure", **self._where(family, first), "started": started, "result": reason}])

    def _where(self, family: Family, sample: int) -> Line:
        return {
            "key": key_text(family.key + sample), "group": family.place.group, "episode": self.episode,
            "problem": self.problem, "strategy": self.strategy, "engine": family.engine, "seed": self.seed,
            "path": family.place.path_text, "sample": sample, "prompt": family.prompt, "parameters": family.parameters,
        }  # fmt: skip

    def _write(self, family: Family, lines: list[Line]) -> None:
        if not self.records.knows_prompt(family.prompt):
            lines = [{"kind": "prompt", "key": family.prompt, "content": family.asked}, *lines]
        self.records.append(lines)


def _turn(request: Request) -> int:
    """How many answers of a model the prompt already holds."""
    if isinstance(request.prompt, str):
        return 0
    return sum(message.get("role") == "assistant" for message in request.prompt)


def _columns(response: Response) -> Line:
    usage = response.usage
    columns = {
        "content": response.content, "reasoning": response.reasoning or None,
        "tool_calls": _json(response.tool_calls), "tokens": _json(response.tokens), "server": _json(response.server),
        "logprobs": _json(response.logprobs), "prefix_logprobs": _json(response.prefix_logprobs),
        "finish": response.finish, "stopped_by": response.stopped_by,
        "prompt_tokens": usage.prompt, "cached_tokens": usage.cached, "generated_tokens": usage.generated,
        "reasoning_tokens": usage.reasoning, "estimated": ",".join(sorted(usage.estimated)) or None,
        "seconds": response.seconds, "first_token": response.first_token,
    }  # fmt: skip
    return {name: value for name, value in columns.items() if value is not None}


def _json(value: Sequence[Any] | Mapping[str, Any]) -> str | None:
    return canonical(value) if value else None


def response_of(line: Line) -> Response:
    """The response that a line of the records holds."""

    def parts(name: str) -> tuple[Any, ...]:
        return tuple(json.loads(line[name])) if name in line else ()

    estimated = line.get("estimated")
    usage = Usage(
        line["prompt_tokens"], line["cached_tokens"], line["generated_tokens"], line["reasoning_tokens"],
        frozenset(estimated.split(",") if estimated else ()),
    )  # fmt: skip
    return Response(
        line["content"], line.get("reasoning") or "", parts("tool_calls"), line["finish"], line.get("stopped_by"),
        parts("tokens"), parts("logprobs"), parts("prefix_logprobs"), usage,
        json.loads(line["server"]) if "server" in line else {}, line.get("seconds"), line.get("first_token"), line["key"],
    )  # fmt: skip
