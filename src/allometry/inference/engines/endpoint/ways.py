"""How a server wants to be asked, where servers differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Form: TypeAlias = Literal["chat", "text"]
"""Messages, which go to chat completions, or raw text, which goes to completions."""
FORMS: tuple[Form, ...] = ("chat", "text")


@dataclass(frozen=True)
class Ways:
    """What was learnt of a server for one form of prompts.

    `limit` is its name for the bound of an answer; `without` are settings that it refuses. `repeats` tells that an
    answer that goes on from a prefix comes back with that prefix in front. `most_n` is the most samples that it takes
    in one request, None where it never refused any.
    """

    limit: str = "max_tokens"
    without: frozenset[str] = frozenset()
    repeats: bool = False
    most_n: int | None = None
