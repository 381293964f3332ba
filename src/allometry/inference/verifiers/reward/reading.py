"""What the embedded model makes of a beginning, in numbers: its state at the end of each step, and how likely the text was."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.inference.engines.embedded import Network, Weights

Floats = NDArray[np.float32]
# How likely the text was so far: sum, mean and least log-probability of its characters, the least of its last line, and
# how many lines there are.
FEATURES = 5
_PROMPT = re.compile(r"(C[0-9,]+>[0-9]+|A[0-9]+([-+*][0-9]+)+|L[a-z,]+>[a-z][0-9]+|H[a-c0-9]+:[-+a-c0-9,]+):")


def fits_tasks(prompt: object) -> bool:
    """Whether a prompt is written as those of the built-in tasks, which is all that the embedded model knows.

    >>> fits_tasks("C2,14,25,29>55:"), fits_tasks("2+2=")
    (True, False)
    """
    return isinstance(prompt, str) and _PROMPT.fullmatch(prompt) is not None


class Reading:
    """Reads texts by a model's weights, one at a time."""

    def __init__(self, weights: Weights) -> None:
        self._network = Network(weights)
        self._cache = self._network.cache(1)
        self._numbers = {character: i for i, character in enumerate(weights.config.vocabulary, 1)}
        self.context = weights.config.context

    def readable(self, text: str) -> bool:
        """Whether the model knows the characters of a text and has the room for it."""
        return len(text) <= self.context and all(character in self._numbers for character in text)

    def features(self, prompt: str, text: str) -> Floats:
        """The features (lines + 1, width + 5) behind the prompt, and behind each whole line of a text."""
        tokens = np.array([self._numbers[character] for character in prompt + text])
        states = self._network.states(tokens, np.arange(len(tokens)), self._cache, 0)
        ends = [len(prompt) - 1, *(len(prompt) + i for i, sign in enumerate(text) if sign == "\n")]
        at = states[ends]
        scaled = at / np.sqrt(np.mean(at * at, axis=-1, keepdims=True) + np.float32(1e-6))
        likely = self._likely(states, tokens, len(prompt))
        return np.concatenate([scaled, _of_lines(likely, [end - len(prompt) + 1 for end in ends])], axis=1)

    def _likely(self, states: Floats, tokens: NDArray[np.integer[Any]], given: int) -> Floats:
        """The log-probability of each character of the text."""
        if len(tokens) == given:
            return np.zeros(0, np.float32)
        logits = self._network.logits(states[given - 1 : -1])
        logits -= logits.max(-1, keepdims=True)
        picked: Floats = logits[np.arange(len(logits)), tokens[given:]] - np.log(np.exp(logits).sum(-1))
        return picked


def _of_lines(likely: Floats, ends: list[int]) -> Floats:
    rows = [np.zeros(FEATURES, np.float32)]
    for lines, (begun, end) in enumerate(pairwise(ends), 1):
        so_far = likely[:end]
        rows.append(np.array([so_far.sum(), so_far.mean(), so_far.min(), likely[begun:end].min(), lines], np.float32))
    return np.stack(rows)
