"""A head and the model it reads, as a function from prompt and beginning to a chance."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from allometry.inference.engines.embedded import read_weights
from allometry.inference.engines.find import BEST, FOLDER
from allometry.inference.verifiers.reward.head import Head, read_head
from allometry.inference.verifiers.reward.reading import Reading
from allometry.notices import Refused

SHIPPED = Path(__file__).with_name("head.npz")
# Beginnings whose grade is kept: searches and further budgets ask about the same ones again.
KEPT = 1 << 16


class Scorer:
    """The chance that a beginning leads to a right answer, by a head on the embedded model.

    Errors: `Refused` where the head was made for another model.
    """

    def __init__(self, head: Head) -> None:
        weights = read_weights(FOLDER / f"{BEST}.npz")
        if head.model != weights.identity:
            raise Refused("other-model", f"the head reads states of {head.model}", "the grader reward",
                          f"make one for {weights.identity}: python -m allometry.lab.reward_head")  # fmt: skip
        self._head, self._reading = head, Reading(weights)
        self.chance = lru_cache(KEPT)(self._chance)

    def _chance(self, prompt: str, text: str) -> float:
        """Of whole lines; 0 for a text that the model does not know how to read."""
        if not self._reading.readable(prompt + text):
            return 0.0
        return float(self._head.chance(self._reading.features(prompt, text)[-1:])[0])


@cache
def shipped_head() -> Head:
    """The head that comes with the package."""
    return read_head(SHIPPED)
