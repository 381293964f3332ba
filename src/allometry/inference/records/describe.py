"""What a folder of records holds, in numbers: nothing of what anybody wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allometry.inference.records.lost import lost_calls
from allometry.inference.records.privacy import Line
from allometry.inference.records.segments import segments, survey_segment
from allometry.inference.records.table import frames, read_lines, read_table

if TYPE_CHECKING:
    import polars

TEXTUAL = ("sample", "effect", "prompt")
"""The kinds of lines that may hold text of people or models."""


@dataclass(frozen=True)
class EngineKept:
    """The answers of one engine, and the tokens that they took when they were asked for."""

    engine: str
    samples: int
    prompt_tokens: int
    generated_tokens: int


@dataclass(frozen=True)
class StrategyKept:
    """What one strategy asked for: answers, and how many episodes came to an outcome."""

    strategy: str
    samples: int
    episodes: int


@dataclass(frozen=True)
class Described:
    """What is in a folder of records.

    `lines` are counted by kind; `lost` calls were begun and gave nothing, and may have been paid for. `keep` counts the
    lines that may hold text by what was kept of it: "text", "redacted", "hashes", "meters". `broken` lines cannot be
    read, but for `torn` ones: those the writer was ended in, which never count. `live` files are not compacted yet.
    """

    folder: str
    lines: Mapping[str, int]
    engines: tuple[EngineKept, ...]
    strategies: tuple[StrategyKept, ...]
    problems: int
    lost: int
    keep: Mapping[str, int]
    bytes: int
    live: int
    broken: int
    torn: int

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        return asdict(self)


def describe(folder: str | Path) -> Described:
    """What a folder of records holds. Nothing is locked or changed, so it may be asked while a sweep runs.

    Errors: `Refused` for what is no folder of records.
    """
    folder = Path(folder)
    found = _Live(folder)
    table = _table(folder, found.lines)
    counts = dict(sorted(table["kind"].value_counts().iter_rows()))
    kept = table.filter(table["kind"].is_in(TEXTUAL))["kept"].fill_null("text")
    return Described(
        f"{folder}", counts, _engines(table), _strategies(table), table["problem"].drop_nulls().n_unique(),
        _lost(table), dict(sorted(kept.value_counts().iter_rows())),
        sum(path.stat().st_size for path in folder.iterdir() if path.is_file()), found.files, found.broken, found.torn,
    )  # fmt: skip


class _Live:
    """The lines of live segments that can be read, and how many cannot."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            next(read_lines(folder))  # refuses it in its own words
        self.lines: list[Line] = []
        self.broken = self.torn = 0
        paths = segments(folder)
        self.files = len(paths)
        for path in paths:
            for number, _, line in survey_segment(path):
                self.torn += number == 0
                self.broken += line is None and number > 0
                if line is not None:
                    self.lines.append(line)


def _table(folder: Path, live: list[Line]) -> polars.DataFrame:
    import polars as pl

    held = read_table(folder)
    return pl.concat([*([] if held is None else [held]), *frames(iter(live))])


def _engines(table: polars.DataFrame) -> tuple[EngineKept, ...]:
    counts: Counter[str] = Counter()
    prompts: Counter[str] = Counter()
    generated: Counter[str] = Counter()
    columns = ("engine", "prompt_tokens", "generated_tokens")
    for engine, prompt, tokens in table.filter(table["kind"] == "sample").select(columns).iter_rows():
        counts[engine or ""] += 1
        prompts[engine or ""] += prompt or 0
        generated[engine or ""] += tokens or 0
    return tuple(EngineKept(name, counts[name], prompts[name], generated[name]) for name in sorted(counts))


def _strategies(table: polars.DataFrame) -> tuple[StrategyKept, ...]:
    samples: Counter[str] = Counter()
    episodes: Counter[str] = Counter()
    asked = table.filter(table["kind"].is_in(("sample", "episode"))).select("kind", "strategy")
    for kind, strategy in asked.iter_rows():
        (samples if kind == "sample" else episodes)[strategy or ""] += 1
    return tuple(StrategyKept(name, samples[name], episodes[name]) for name in sorted(samples | episodes))


def _lost(table: polars.DataFrame) -> int:
    sent = table.filter(table["kind"].is_in(("sent", "sample", "effect", "failure")))
    return len(lost_calls(sent.select("kind", "key", "episode", "started").iter_rows(named=True)))
