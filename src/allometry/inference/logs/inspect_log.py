"""Logs of inspect with their samples, read by inspect's own reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from allometry.inference.calls import Finish, Message, Response, Usage
from allometry.inference.logs.log import Log, Logged, tokens_of
from allometry.notices import Refused
from allometry.runs.sources import foreign, needed

_FINISH: dict[str, Finish] = {
    "max_tokens": "length", "model_length": "length", "tool_calls": "tool_calls", "content_filter": "filtered",
}  # fmt: skip


def read(path: Path) -> Log:
    """The problems of a log; its epochs are samples of one problem."""
    reader = needed("inspect_ai.log", "evals", "inspect's logs")
    with foreign("reading inspect's log", str(path), "give a whole .eval or .json log of inspect"):
        log = reader.read_eval_log(str(path), resolve_attachments=True)
    if not log.samples:
        raise Refused("no-samples", "the log holds no samples", str(path), "make it without --no-log-samples")
    with foreign("reading inspect's samples", str(path), "give a log of a task of text"):
        problems, left = _problems(log.samples)
    temperature, longest = (_setting(log, name) for name in ("temperature", "max_tokens"))
    return Log(log.eval.model, log.eval.task, problems, temperature, longest, left)


def _setting(log: Any, name: str) -> Any:
    """How it was asked: as the task says, or else the model's own settings; None where neither does."""
    said = getattr(log.plan.config, name)
    return getattr(log.eval.model_generate_config, name) if said is None else said


def _problems(samples: Sequence[Any]) -> tuple[tuple[Logged, ...], int]:
    found: dict[str, tuple[tuple[Message, ...], Any, list[Response]]] = {}
    left = 0
    for sample in samples:
        prompt, answers = _asked(sample), list(_answers(sample))
        held = found.setdefault(f"{sample.id}", (prompt, _target(sample.target), []))
        if held[0] == prompt and answers:
            held[2].extend(answers)
        else:
            left += 1
    return tuple(Logged(name, prompt, answer, tuple(said)) for name, (prompt, answer, said) in found.items()), left


def _asked(sample: Any) -> tuple[Message, ...]:
    """What was sent: all messages before the answer where there is one call, else what the task says."""
    if _is_one_call(sample):
        return tuple(_message(message) for message in sample.messages[:-1])
    if isinstance(sample.input, str):
        return ({"role": "user", "content": sample.input},)
    return tuple(_message(message) for message in sample.input)


def _is_one_call(sample: Any) -> bool:
    roles = [message.role for message in sample.messages]
    return len(roles) > 1 and roles[-1] == "assistant" and not {"assistant", "tool"} & set(roles[:-1])


def _message(message: Any) -> Message:
    return {"role": message.role, "content": _text(message)}


def _text(message: Any) -> str:
    """The text of a message that is nothing else."""
    parts = [] if isinstance(message.content, str) else message.content
    if any(part.type not in ("text", "reasoning") for part in parts):
        raise Refused("not-text", "a message holds more than text", "inspect's log", "take a task of text")
    return str(message.text)


def _target(target: Any) -> Any:
    return target[0] if isinstance(target, list) and len(target) == 1 else target


def _answers(sample: Any) -> Iterator[Response]:
    if sample.error is not None or not _is_one_call(sample):
        return
    asked = "".join(message.text for message in sample.messages[:-1])
    choices = sample.output.choices
    for choice in choices:
        text = _text(choice.message)
        parts = [] if isinstance(choice.message.content, str) else choice.message.content
        thought = "\n".join(part.reasoning for part in parts if part.type == "reasoning")
        finish = _FINISH.get(choice.stop_reason, "stop")
        usage = _usage(sample.output.usage, len(choices), asked, thought + text)
        yield Response(text, thought, finish=finish, usage=usage, seconds=sample.output.time)


def _usage(counted: Any, choices: int, asked: str, said: str) -> Usage:
    """Tokens as they were counted; where they were not, or for several answers together, as texts of their length."""
    if counted is None:
        return Usage(tokens_of(asked), 0, tokens_of(said), estimated=frozenset({"prompt", "generated"}))
    cached, prompt = counted.input_tokens_cache_read or 0, counted.input_tokens + (counted.input_tokens_cache_read or 0)
    if choices > 1:
        return Usage(prompt, cached, tokens_of(said), estimated=frozenset({"generated"}))
    return Usage(prompt, cached, counted.output_tokens, counted.reasoning_tokens or 0)
