"""Calls that were begun and of which nothing came: what they took nobody knows, and it may have been paid for."""

from __future__ import annotations

from collections.abc import Iterable

from allometry.inference.records.privacy import Line

_ENDS = frozenset({"sample", "effect", "failure"})


def lost_calls(lines: Iterable[Line]) -> list[Line]:
    """The `sent` lines without an end; their `generated_tokens` are the most that each may have taken.

    Use it on the lines of a folder (`read_lines`) for what is to be added to the cost of a sweep that was killed.
    """
    sent: dict[tuple[str, str, float], Line] = {}
    ended = set()
    for line in lines:
        if line["kind"] == "sent":
            sent[_begun(line)] = line
        elif line["kind"] in _ENDS:
            ended.add(_begun(line))
    return [line for begun, line in sent.items() if begun not in ended]


def _begun(line: Line) -> tuple[str, str, float]:
    return line["key"], line["episode"], line["started"]
