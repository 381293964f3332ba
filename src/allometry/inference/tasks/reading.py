"""Problems of a user's own: a file of JSON lines, one problem a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from allometry.inference.logs import Log, is_log, read_log
from allometry.inference.tasks.problem import Problem
from allometry.inference.tasks.readers import Reader
from allometry.notices import Refused

FIELDS = ("id", "prompt", "messages", "answer", "group", "tools", "sample_tokens", "data")
LONGEST_SAMPLE = 1_000_000
_SHOWN = 6


def read_problems(path: str | Path, *, limit: int | None = None, read: Reader | None = None) -> list[Problem]:
    """The problems of a file of JSON lines, each an object with `prompt` (a text) or `messages` (as chat endpoints
    take them), and where wanted `id`, `answer`, `group`, `tools`, `sample_tokens` and `data`.

    Use it for problems that you have; `find_task(NAME).problems` makes those of the built-in tasks. A problem without
    an `id` is called by the number of its line, so give ids where lines may come or go: records are kept by id. Other
    fields are passed over, and so are empty lines.
    Arguments: `limit` takes the first so many. `read` takes the final answer out of a text (`find_reader`); without it
    the whole text is the answer. A log of inspect or of the lm-evaluation-harness is read as well (`logs.read_log`);
    `data` then holds the `task`.
    Errors: `Refused`, with the line, for what is no problem, for an id that is there twice, and for an empty file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "chats.jsonl")
    ...     _ = path.write_text('{"prompt": "2+2=", "answer": "4"}\\n')
    ...     [(problem.id, problem.answer) for problem in read_problems(path)]
    [('1', '4')]
    """
    path = Path(path)
    found: dict[str, Problem] = {}
    if limit is not None and limit < 1:
        raise Refused("bad-limit", f"{limit} problems are none", "limit", "give a number from 1")
    if is_log(path):
        return _logged(read_log(path), read)[:limit]
    for number, fields in _objects(path):
        problem = _Line(path, number, fields).problem(read)
        if problem.id in found:
            raise Refused("duplicate-id", f"line {number}: the id {problem.id!r} is there already", str(path),
                          "give each problem an id of its own")  # fmt: skip
        found[problem.id] = problem
        if len(found) == limit:
            break
    if not found:
        raise Refused("no-problems", "the file holds no problems", str(path), "write one JSON object a line")
    return list(found.values())


def _logged(log: Log, read: Reader | None) -> list[Problem]:
    settings: dict[str, Any] = {} if read is None else {"read": read}
    return [
        Problem(one.id, one.prompt, one.answer, {"task": log.task}, sample_tokens=log.sample_tokens, **settings)
        for one in log.problems
    ]


def _objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects of the lines that are not empty, with their numbers."""
    try:
        raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise Refused("no-file", f"problems cannot be read: {error.strerror}", str(path), "check the path") from None
    for number, line in enumerate(raw.split(b"\n"), 1):
        if line.strip():
            yield number, _parsed(line, number, path)


def _parsed(line: bytes, number: int, path: Path) -> Mapping[str, Any]:
    mend = "write one JSON object a line, in UTF-8"
    try:
        fields = json.loads(line.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Refused("bad-json", f"line {number} is not UTF-8", str(path), mend) from None
    except RecursionError:
        raise Refused("bad-json", f"line {number} is nested too deep", str(path), mend) from None
    except ValueError as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise Refused("bad-json", f"line {number} is not JSON: {said}", str(path), mend) from None
    if not isinstance(fields, dict):
        raise Refused("bad-json", f"line {number} holds {_kind(fields)}, not an object", str(path), mend)
    return fields


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


class _Line:
    """One line of a file, made a problem of field by field."""

    def __init__(self, path: Path, number: int, fields: Mapping[str, Any]) -> None:
        self._path, self._number, self._fields = path, number, fields

    def problem(self, read: Reader | None) -> Problem:
        settings: dict[str, Any] = {} if read is None else {"read": read}
        if self._fields.get("sample_tokens") is not None:
            settings["sample_tokens"] = self._sample_tokens()
        return Problem(
            self._name("id") or f"{self._number}", self._prompt(), self._fields.get("answer"),
            self._field("data", dict, "an object") or {}, self._name("group"), self._tools(), **settings,
        )  # fmt: skip

    def _prompt(self) -> str | tuple[Mapping[str, Any], ...]:
        prompt, messages = self._field("prompt", str, "a text"), self._field("messages", list, "a list")
        if prompt is not None and messages is not None:
            raise self._refused("has both prompt and messages", "give one of them")
        if prompt is None and messages is None:
            there = ", ".join(list(self._fields)[:_SHOWN]) or "nothing"
            raise self._refused(f"has neither prompt nor messages, but {there}", "name the question `prompt`")
        if prompt is not None:
            if not prompt.strip():
                raise self._refused("has an empty prompt", "write what is asked")
            return prompt
        return tuple(self._message(i, message) for i, message in enumerate(messages or (), 1)) or self._no_message()

    def _message(self, i: int, message: object) -> Mapping[str, Any]:
        """A message as it came, if it is one: it goes to the server as it is."""
        mend = 'write {"role": "user", "content": "..."}'
        if not isinstance(message, dict) or not isinstance(message.get("role"), str) or not message["role"]:
            raise self._refused(f"has a message {i} without a role", mend)
        content = message.get("content")
        if not isinstance(content, str | list) and not message.get("tool_calls"):
            raise self._refused(f"has a message {i} whose content is {_kind(content)}", mend)
        return message

    def _no_message(self) -> NoReturn:
        raise self._refused("has no messages", 'write "messages": [{"role": "user", "content": "..."}]')

    def _tools(self) -> tuple[Mapping[str, Any], ...]:
        tools: Sequence[Any] = self._field("tools", list, "a list") or ()
        if not all(isinstance(tool, dict) for tool in tools):
            raise self._refused("has a tool that is no object", "write tools as chat endpoints take them")
        return tuple(tools)

    def _name(self, field: str) -> str:
        """A text, or a whole number as one."""
        value = self._fields.get(field)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
            raise self._refused(f"has {_kind(value)} as its {field}", "give a text or a whole number")
        return str(value)

    def _sample_tokens(self) -> int:
        value = self._fields["sample_tokens"]
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LONGEST_SAMPLE:
            raise self._refused(f"has sample_tokens of {value!r:.40}", f"give a number from 1 to {LONGEST_SAMPLE}")
        return value

    def _field(self, name: str, kind: type, said: str) -> Any:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, kind):
            raise self._refused(f"has {_kind(value)} as its {name}", f"give {said}")
        return value

    def _refused(self, what: str, mend: str) -> Refused:
        return Refused("bad-problem", f"line {self._number} {what}", str(self._path), mend)


def _kind(value: object) -> str:
    """What a JSON value is, in words.

    >>> _kind([1]), _kind(None), _kind("")
    ('a list', 'nothing', 'an empty text')
    """
    if isinstance(value, str):
        return "a text" if value.strip() else "an empty text"
    names = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
