"""Sequences of a small model side by side: what the batcher steps."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from allometry.inference.calls import Finish, Request, Response, Usage
from allometry.inference.engines.embedded.network import Floats, Network

END = 0


@dataclass(eq=False)
class _Row:
    """One sequence: what it has become, and its own chance, so that its text hangs on no other."""

    job: int
    request: Request
    given: int
    logits: Floats
    scored: tuple[float, ...]
    rng: random.Random
    text: str = ""
    tokens: list[str] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    last: int = END

    def finish(self, context: int) -> tuple[Finish, str | None] | None:
        """Why it has ended, and the stop text that ended it; None while it goes on."""
        if self.tokens and self.last == END:
            return "stop", None
        for stop in self.request.stop:
            if self.text.endswith(stop):
                return "stop", stop
        full = len(self.tokens) >= self.request.max_tokens or self.given + len(self.tokens) >= context
        return ("length", None) if full else None

    def response(self, finish: Finish, stop: str | None = None) -> Response:
        content = self.text if stop is None else self.text[: -len(stop)]
        kept = self.request.logprobs
        return Response(
            content, finish=finish, stopped_by=stop, tokens=tuple(self.tokens) if kept else (),
            logprobs=tuple(self.logprobs), prefix_logprobs=self.scored, usage=Usage(self.given, 0, len(self.tokens)),
        )  # fmt: skip


class CharacterDecoder:
    """A `Decoder` of one network; a token is a character.

    The prompt and prefix of samples that are admitted together are computed once. Log-probabilities are the model's
    own, at temperature 1, whatever temperature is sampled at.
    """

    def __init__(self, network: Network, rows: int = 128) -> None:
        self._network, self._rows = network, rows
        self._characters = ("", *network.config.vocabulary)
        self._numbers = {character: i for i, character in enumerate(self._characters)}
        self._cache = network.cache(rows)
        self._running: list[_Row] = []

    @property
    def rows(self) -> int:
        return self._rows

    def admit(self, jobs: Sequence[tuple[int, Request]]) -> None:
        # those of one request come one after another
        for (prompt, prefix), alike in groupby(jobs, key=lambda job: (job[1].prompt, job[1].prefix)):
            self._begin(str(prompt), prefix, list(alike))

    def _begin(self, prompt: str, prefix: str, jobs: Sequence[tuple[int, Request]]) -> None:
        """Compute a prompt in the first free row, and give every other sample a copy."""
        first = len(self._running)
        tokens = np.array([self._numbers[character] for character in prompt + prefix])
        states = self._network.states(tokens, np.arange(len(tokens)), self._cache, first)
        logits = self._network.logits(states[-1:])[0]
        scored = self._score(states, tokens, len(prompt)) if any(request.scored for _, request in jobs) else ()
        for row, (job, request) in enumerate(jobs, first):
            if row != first:
                self._copy(first, row, len(tokens))
            kept = scored if request.scored else ()
            self._running.append(_Row(job, request, len(tokens), logits, kept, random.Random(request.seed)))

    def _score(self, states: Floats, tokens: NDArray[np.int_], prompt: int) -> tuple[float, ...]:
        """The log-probabilities of the tokens behind the prompt."""
        if len(tokens) == prompt:
            return ()
        logprobs = _log_softmax(self._network.logits(states[prompt - 1 : -1]))
        return tuple(float(row[token]) for row, token in zip(logprobs, tokens[prompt:], strict=True))

    def step(self) -> Sequence[tuple[int, Response]]:
        ended = self._leave((row, row.finish(self._network.config.context)) for row in self._running)
        if not self._running:
            return ended
        self._draw(np.stack([row.logits for row in self._running]))
        ended += self._leave((row, row.finish(self._network.config.context)) for row in self._running)
        if self._running:
            self._forward()
        return ended

    def drop(self, job: int) -> Response:
        row = next(row for row in self._running if row.job == job)
        self._remove(row)
        return row.response("cancelled")

    def _draw(self, logits: Floats) -> None:
        """The next token of every row: by its own chance at its temperature, the likeliest at temperature 0."""
        heat = np.array([row.request.temperature for row in self._running])
        chances = np.array([row.rng.random() for row in self._running])
        shifted = (logits - logits.max(-1, keepdims=True)).astype(np.float64)
        bounds = np.exp(shifted / np.where(heat > 0, heat, 1.0)[:, None]).cumsum(-1)
        drawn = np.minimum((bounds <= (chances * bounds[:, -1])[:, None]).sum(-1), bounds.shape[-1] - 1)
        tokens = np.where(heat > 0, drawn, logits.argmax(-1))
        logprobs = _log_softmax(logits) if any(row.request.logprobs for row in self._running) else None
        for i, (row, token) in enumerate(zip(self._running, tokens.tolist(), strict=True)):
            row.last = token
            row.text += self._characters[token]
            row.tokens.append(self._characters[token])
            if logprobs is not None and row.request.logprobs:
                row.logprobs.append(float(logprobs[i, token]))

    def _forward(self) -> None:
        tokens = np.array([row.last for row in self._running])
        positions = np.array([row.given + len(row.tokens) - 1 for row in self._running])
        states = self._network.states(tokens, positions, self._cache, np.arange(len(tokens)))
        for row, logits in zip(self._running, self._network.logits(states), strict=True):
            row.logits = logits

    def _leave(self, rows: Iterable[tuple[_Row, tuple[Finish, str | None] | None]]) -> list[tuple[int, Response]]:
        """Take out the rows that ended."""
        ended = [(row, why) for row, why in rows if why is not None]
        for row, _ in ended:
            self._remove(row)
        return [(row.job, row.response(*why)) for row, why in ended]

    def _remove(self, row: _Row) -> None:
        """The last row takes the place of one that leaves, so that rows stay side by side."""
        at, last = self._running.index(row), self._running.pop()
        if last is not row:
            self._copy(len(self._running), at, last.given + len(last.tokens))
            self._running[at] = last

    def _copy(self, source: int, target: int, positions: int) -> None:
        for keys, values in self._cache:
            keys[target, :, :positions] = keys[source, :, :positions]
            values[target, :, :positions] = values[source, :, :positions]


def _log_softmax(logits: Floats) -> NDArray[np.float64]:
    shifted = (logits - logits.max(-1, keepdims=True)).astype(np.float64)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
