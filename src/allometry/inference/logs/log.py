"""What a log of an evaluation holds, whoever wrote it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from allometry.inference.calls import Prompt, Response

# Bytes of a token where a log does not count them: assumed, usual for English and models of today.
BYTES_OF_TOKEN = 4
USUAL_TOKENS = 256


@dataclass(frozen=True)
class Logged:
    """One problem of a log; `samples` are whole answers to this very prompt, each made by one call."""

    id: str
    prompt: Prompt
    answer: Any
    samples: tuple[Response, ...] = ()


@dataclass(frozen=True)
class Log:
    """One evaluation.

    `temperature` is at which samples were drawn, None where the log does not say. `left` counts answers that cannot be
    given again: of several calls, to other prompts of the same problem, failed, or no text.
    """

    model: str
    task: str
    problems: tuple[Logged, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    left: int = 0

    @property
    def sample_tokens(self) -> int:
        """How long a whole answer may be: what was allowed then, or else the longest there is."""
        longest = max((one.usage.generated for problem in self.problems for one in problem.samples), default=0)
        return max(longest, self.max_tokens or 0) or USUAL_TOKENS


def tokens_of(text: str) -> int:
    """About how many tokens a text has, where nobody counted them.

    >>> tokens_of("abcdefghi")
    3
    """
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_OF_TOKEN)
