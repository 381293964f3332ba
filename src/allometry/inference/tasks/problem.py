"""A problem: what is asked, and what is known of its answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from allometry.inference.calls import Prompt


def whole_text(text: str) -> Hashable | None:
    """The text itself, without space around it, as its answer; None where there is none."""
    return text.strip() or None


@dataclass(frozen=True)
class Problem:
    """One problem of a task.

    Arguments: `prompt` is raw text or messages. `answer` is what graders that are oracles compare with; a strategy
    never sees it. `data` is what anybody may check an answer by (the numbers and the target of a puzzle). `group`
    clusters problems that are not independent. `sample_tokens` is the length that a whole answer may need, and what
    strategies ask for when not told otherwise. `read` takes the final answer out of a text, None where there is none:
    answers that are read alike vote together.

    >>> Problem("1", "2+2=", answer="4").blind().answer is None
    True
    """

    id: str
    prompt: Prompt
    answer: Any = None
    data: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    tools: tuple[Mapping[str, Any], ...] = ()
    sample_tokens: int = 256
    read: Callable[[str], Hashable | None] = field(default=whole_text, compare=False, repr=False)

    def blind(self) -> Problem:
        """The problem without its answer."""
        return replace(self, answer=None)
