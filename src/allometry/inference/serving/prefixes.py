"""Beginnings that the prompts of an episode share: samples of one prompt, and prompts that go on from an answer.

Where texts were kept a prompt that begins with an earlier one, or with it and its answer, is told by them; where not,
only equal prompts are. Of several branches from one beginning the first goes on from what the cache holds, and each of
the others computes it anew once: a chain of prompts is one prefix, a tree of them is several.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from allometry.inference.serving.waits import Call

_SPEAKER = "\n\x00{}\n"  # no text of a prompt holds it


class Chains:
    """The chains of one episode's prompts, one call after the other.

    `prompts` and `answers` are the texts that were kept, by hash and by key. `kept` are the keys of samples whose
    answers a later prompt goes on from.
    """

    def __init__(self, prompts: Mapping[str, str], answers: Mapping[str, str]) -> None:
        self.prompts, self.answers = prompts, answers
        self.kept: set[str] = set()
        self._ends: list[Call] = []  # the call that each chain ends in for now

    def place(self, call: Call) -> int:
        """The chain that a call's prompt is of."""
        prompt = call.samples[0].prompt
        found = next((i for i, end in enumerate(self._ends) if end.samples[0].prompt == prompt), None)
        if found is None:
            found = self._continued(prompt)
        if found is None:
            self._ends.append(call)
            return len(self._ends) - 1
        self._ends[found] = call
        return found

    def _continued(self, prompt: str) -> int | None:
        """The chain with the longest end that this prompt goes on from."""
        if prompt not in self.prompts:
            return None
        whole = flat(self.prompts[prompt])
        best, chosen, kept = 0, None, ""
        for chain, end in enumerate(self._ends):
            length, key = self._length(whole, end)
            if length > best:
                best, chosen, kept = length, chain, key
        if kept:
            self.kept.add(kept)
        return chosen

    def _length(self, whole: str, end: Call) -> tuple[int, str]:
        """How much of a text an earlier prompt is, with an answer to it where that is in it too."""
        before = self.prompts.get(end.samples[0].prompt)
        begin = "" if before is None else flat(before)
        if not begin or not whole.startswith(begin):
            return 0, ""
        for sample in end.samples:
            answer = self.answers.get(sample.key, "")
            if answer and whole.startswith((begin + answer, begin + _SPEAKER.format("assistant") + answer)):
                return len(begin) + len(answer), sample.key
        return len(begin), ""


def flat(asked: str) -> str:
    """The text that a model reads, of what was asked as records keep it: messages one behind the other, then a prefix."""
    held: Mapping[str, Any] = json.loads(asked)
    prompt = held["prompt"]
    begin = prompt if isinstance(prompt, str) else _messages(prompt)
    return begin + (held.get("prefix") or "")


def _messages(messages: Sequence[Mapping[str, Any]]) -> str:
    return "".join(_SPEAKER.format(message.get("role", "")) + str(message.get("content") or "") for message in messages)
