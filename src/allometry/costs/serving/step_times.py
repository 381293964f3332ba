"""What the simulator asks of a machine: how long an iteration takes."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol


class Prefill(NamedTuple):
    """The prompts' part of an iteration, summed over the sequences that prefill in it.

    `tokens` computed, `sequences` they belong to, `pairs` of a token and a token it attends to, and `read`, the tokens
    whose keys and values are read; `pairs` and `read` are means over the layers.
    """

    tokens: float = 0
    sequences: float = 0
    pairs: float = 0.0
    read: float = 0.0


class Pace(NamedTuple):
    """Seconds of a decoding iteration that attends to a given number of tokens, and what each further token adds.

    The slope holds while the batch stays the same and no more than `until` tokens are attended to.
    """

    seconds: float
    slope: float
    until: float = math.inf


class StepTimes(Protocol):
    """Times of iterations of one replica.

    `batch` sequences generate a token each and attend to `attended` tokens together (a mean over layers, themselves
    included). `pace` is what `step_seconds` says without a prefill, and along which line it goes on: this is what lets
    the simulator take many iterations in one step.
    """

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float: ...

    def pace(self, batch: float, attended: float) -> Pace: ...
