"""What a folder of records holds of episodes: their outcomes, and on request the samples of a row of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from allometry.axes import nearest_names
from allometry.inference.calls import Place
from allometry.inference.records import read_columns
from allometry.inference.sweeps import Outcome, Row, cells, outcome_of, rows
from allometry.notices import Refused

if TYPE_CHECKING:
    import polars

# what a sample is known by, and what it took
_SAMPLE = (
    "key", "episode", "path", "sample", "prompt", "parameters", "engine", "kind", "finish", "prompt_tokens",
    "generated_tokens", "started", "ended",
)  # fmt: skip
_COLUMNS = (*_SAMPLE, "group", "problem", "strategy", "seed", "result", "content")
_GIVEN = ("sample", "effect")


class Sample(NamedTuple):
    """An answer of an engine, or what a tool returned, as a line of the records has it; times on its episode's clock."""

    key: str
    episode: str
    path: str
    sample: int
    prompt: str
    parameters: str
    engine: str
    kind: str
    finish: str
    prompt_tokens: int
    generated_tokens: int
    started: float
    ended: float

    @property
    def family(self) -> tuple[str, str, str, str]:
        """The request that it is a sample of."""
        return self.path, self.prompt, self.parameters, self.engine

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped, for nobody waited for it any longer."""
        return self.finish == "cancelled"


@dataclass(frozen=True)
class Episode:
    """One strategy on one problem at one budget: under which key it is kept, and by what its calls are known."""

    key: str
    problem: str
    strategy: str
    seed: int
    outcome: Outcome

    @cached_property
    def root(self) -> Place:
        """The root of its call tree."""
        return Place.root(self.seed, self.problem, self.strategy)


@dataclass(frozen=True)
class Played:
    """The episodes of one row of a sweep."""

    episodes: tuple[Episode, ...]

    @property
    def strategy(self) -> str:
        return self.episodes[0].outcome.strategy

    @property
    def engine(self) -> str:
        return self.episodes[0].outcome.engine

    @cached_property
    def row(self) -> Row:
        """The row as the sweep gives it."""
        return rows([episode.outcome for episode in self.episodes])[0]


@dataclass(frozen=True)
class Recorded:
    """The rows of a folder of records, and its table."""

    folder: str
    played: tuple[Played, ...]
    table: polars.DataFrame

    @property
    def engines(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(played.engine for played in self.played))

    def chosen(self, strategies: Sequence[str] = (), engine: str | None = None) -> tuple[Played, ...]:
        """The rows of these strategies, by what the sweep calls them, on one engine.

        A name without arguments stands for all strategies of that name. Errors: `Refused` for names that are none, with
        the nearest, and where there are several engines and none is chosen.
        """
        played = _of_engine(self.played, self.engines, engine, self.folder)
        known = tuple(dict.fromkeys(each.strategy for each in played))
        for name in strategies:
            if name not in known and name not in map(_bare, known):
                near = ", ".join(nearest_names(name, known))
                raise Refused("unknown-strategy", f"the records hold no strategy {name!r}", self.folder,
                              f"the nearest are {near}")  # fmt: skip
        wanted = set(strategies)
        return tuple(p for p in played if not wanted or {p.strategy, _bare(p.strategy)} & wanted)

    def samples(self, played: Played) -> dict[str, list[Sample]]:
        """What was answered to the strategy of a row, by group, in the order in which it came, all budgets together."""
        import polars as pl

        groups = {episode.root.group for episode in played.episodes}
        found: dict[str, list[Sample]] = {group: [] for group in groups}
        own = self.table.filter(pl.col("kind").is_in(_GIVEN) & pl.col("group").is_in(groups))
        for group, *values in own.select("group", *_SAMPLE).iter_rows():
            found[group].append(Sample(*values))
        return found

    def texts(self, kind: str, keys: Sequence[str]) -> Mapping[str, str]:
        """The texts under these keys that were kept: what was asked (`prompt`), as JSON, or answered (`sample`)."""
        import polars as pl

        own = self.table.filter((pl.col("kind") == kind) & pl.col("key").is_in(set(keys)))
        return {key: text for key, text in own.select("key", "content").iter_rows() if text}


def read_recorded(folder: str | Path) -> Recorded:
    """The rows that a sweep's records hold; nothing is locked or changed.

    Errors: `Refused` for what is no folder of records, and where no episode came to an outcome.
    """
    import polars as pl

    table = read_columns(Path(folder), _COLUMNS)
    filled = {"prompt_tokens": 0, "generated_tokens": 0, "started": 0.0, "ended": 0.0, "path": "", "finish": ""}
    table = table.with_columns(pl.col(name).fill_null(value) for name, value in filled.items())
    episodes = {id(episode.outcome): episode for episode in _episodes(table)}
    if not episodes:
        raise Refused("empty-records", "the records hold no episode that came to an outcome", str(folder),
                      "name a folder that a sweep wrote")  # fmt: skip
    of_rows = cells([episode.outcome for episode in episodes.values()]).values()
    played = tuple(Played(tuple(episodes[id(one)] for one in outcomes)) for outcomes in of_rows)
    return Recorded(str(folder), played, table)


def _episodes(table: polars.DataFrame) -> Iterator[Episode]:
    """The last outcome of each episode, one that failed only where there is no other."""
    last: dict[str, Episode] = {}
    lines = table.filter(table["kind"] == "episode").select("key", "problem", "strategy", "seed", "result")
    for key, problem, strategy, seed, result in lines.iter_rows():
        outcome = outcome_of(result, strategy)
        if key not in last or outcome.state != "failed" or last[key].outcome.state == "failed":
            last[key] = Episode(key, problem, strategy, seed, outcome)
    yield from last.values()


def _of_engine(played: Sequence[Played], engines: Sequence[str], engine: str | None, folder: str) -> tuple[Played, ...]:
    if engine is None and len(engines) > 1:
        raise Refused("several-engines", f"the records hold answers of {len(engines)} engines", folder,
                      f"choose one: --engine {json.dumps(engines[0])}, of {', '.join(engines)}")  # fmt: skip
    if engine is not None and engine not in engines:
        raise Refused("unknown-engine", f"the records hold no rows of the engine {engine!r}", folder,
                      f"the nearest are {', '.join(nearest_names(engine, engines))}")  # fmt: skip
    return tuple(each for each in played if engine in (None, each.engine))


def _bare(strategy: str) -> str:
    return strategy.partition("(")[0]
