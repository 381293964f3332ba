"""What was asked of engines, in numbers: how long the prompts of problems are, and how long answers might become."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allometry.inference.records.segments import read_segment, segments
from allometry.inference.records.table import frames, read_table

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True)
class Asked:
    """Characters of each problem's first prompt (None where texts were not kept), and tokens its answers might have."""

    characters: Mapping[str, int | None]
    tokens: Mapping[str, int]


def characters(prompt: object) -> int:
    """How long a prompt is: the characters of its text, or of the contents of its messages.

    >>> characters("2+2="), characters([{"role": "user", "content": "2+2="}])
    (4, 4)
    """
    if isinstance(prompt, str):
        return len(prompt)
    contents = [message.get("content") or "" for message in prompt] if isinstance(prompt, list | tuple) else []
    return sum(len(content if isinstance(content, str) else json.dumps(content)) for content in contents)


def read_asked(folder: str | Path) -> Asked:
    """What a folder's samples were asked with, by problem; nothing is locked and nothing is changed."""
    table = _table(Path(folder))
    first = table.filter(table["kind"] == "sample").unique(["problem", "parameters"], keep="first", maintain_order=True)
    texts = dict(table.filter(table["kind"] == "prompt").select("key", "content").iter_rows())
    lengths: dict[str, int | None] = {}
    tokens: dict[str, int] = {}
    for problem, prompt, parameters in first.select("problem", "prompt", "parameters").iter_rows():
        lengths.setdefault(problem, _length(texts.get(prompt)))
        tokens[problem] = max(tokens.get(problem, 0), _most(parameters))
    return Asked(lengths, tokens)


def _table(folder: Path) -> polars.DataFrame:
    import polars as pl

    held = read_table(folder)
    live = [frame for path in segments(folder) for frame in frames(line for _, line in read_segment(path))]
    return pl.concat([*([] if held is None else [held]), *live, *frames(iter(()))])


def _length(text: str | None) -> int | None:
    held = _json(text)
    return characters(held["prompt"]) if isinstance(held, dict) and "prompt" in held else None


def _most(parameters: str | None) -> int:
    held = _json(parameters)
    most = held.get("max_tokens") if isinstance(held, dict) else 0
    return most if isinstance(most, int) else 0


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return None
