"""Samples of the lm-evaluation-harness: `samples_TASK_DATE.jsonl`, one line for a problem and a filter of its answers.

A line holds `doc_id`, `arguments` (what was asked, by request), `resps` (what came, by request and repeat), `target`.
Source: lm_eval/loggers/evaluation_tracker.py of lm-eval 0.4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from allometry.inference.calls import Prompt, Response, Usage
from allometry.inference.logs.log import Log, Logged, tokens_of
from allometry.notices import Refused


def is_sample(line: bytes) -> bool:
    """Whether a line is one of such a file."""
    try:
        held = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(held, dict) and {"doc_id", "arguments", "target"} <= held.keys()


def read(path: Path) -> Log:
    """The problems of a file: those that were answered in words have samples, those by likelihood have none."""
    found: dict[str, Logged] = {}
    settings: Mapping[str, Any] = {}
    left = 0
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        sample = _parsed(line, number, path)
        name = f"{sample['doc_id']}"
        if name in found:  # the same answers through another filter
            continue
        try:
            requests = _requests(sample["arguments"])
            settings = settings or _settings(requests)
            found[name], lost = _logged(name, requests, sample)
        except (KeyError, IndexError, TypeError, ValueError):
            raise _refused(f"line {number} does not say what was asked", path) from None
        left += lost
    if not found:
        raise _refused("the file holds no samples", path)
    temperature = _number(settings.get("temperature"))
    if settings.get("do_sample") is False:
        temperature = 0.0
    longest = _number(settings.get("max_gen_toks"))
    task = path.stem.removeprefix("samples_").rpartition("_")[0] or path.stem
    return Log(path.parent.name, task, tuple(found.values()), temperature, int(longest) if longest else None, left)


def _parsed(line: bytes, number: int, path: Path) -> Mapping[str, Any]:
    if not is_sample(line):
        raise _refused(f"line {number} is no sample", path)
    held: dict[str, Any] = json.loads(line)
    return held


def _refused(what: str, path: Path) -> Refused:
    return Refused("not-samples", what, str(path), "give a samples_*.jsonl that lm-eval wrote with --log_samples")


def _requests(arguments: object) -> list[list[Any]]:
    """What each request was made with: by name in newer files, in lists in older ones."""
    if isinstance(arguments, Mapping):
        return [list(one.values()) for one in arguments.values()]
    if isinstance(arguments, Sequence) and not isinstance(arguments, str):
        return [list(one) for one in arguments]
    raise TypeError


def _settings(requests: Sequence[Sequence[Any]]) -> Mapping[str, Any]:
    given = next((part for part in requests[0][1:] if isinstance(part, Mapping)), {})
    return given if isinstance(given, Mapping) else {}


def _logged(name: str, requests: Sequence[Sequence[Any]], sample: Mapping[str, Any]) -> tuple[Logged, int]:
    """A problem, and how many answers to it are left out."""
    prompt = _prompt(requests[0][0])
    if len(requests) > 1 or (len(requests[0]) > 1 and isinstance(requests[0][1], str)):
        return Logged(name, prompt, sample["target"]), 0  # the likelihood of given answers
    answers = sample.get("resps") or []
    came = answers[0] if answers and isinstance(answers[0], list) else answers
    texts = [text for text in came if isinstance(text, str) and text]
    return Logged(name, prompt, sample["target"], tuple(_response(text, prompt) for text in texts)), len(came) - len(
        texts
    )


def _prompt(given: object) -> Prompt:
    """Text, or messages where a chat was asked: those are kept as a text of JSON."""
    text = given[0] if isinstance(given, list) and len(given) == 1 else given
    if not isinstance(text, str) or not text:
        raise TypeError
    if text.startswith('[{"role"'):
        return tuple(dict(message) for message in json.loads(text))
    return text


def _response(text: str, prompt: Prompt) -> Response:
    """An answer; nobody counted its tokens. Whether it was cut off is not said either."""
    asked = prompt if isinstance(prompt, str) else json.dumps(prompt)
    usage = Usage(tokens_of(asked), 0, tokens_of(text), estimated=frozenset({"prompt", "generated"}))
    return Response(text, usage=usage)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
