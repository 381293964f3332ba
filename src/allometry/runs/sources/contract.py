"""What a source of runs is: something that recognises a text and lists items, each of which is read into one record.

A source only reads. Joining, steps, tokens, states, columns and writing are done once, for all of them, in `imports`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from allometry.notices import Notice, Refused
from allometry.runs.columns import Floats

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

# Axes that count what a run has seen so far: of a whole run they are known at its end alone.
GROWING = ("tokens", "epochs", "bytes", "characters", "examples", "flops")

# The metrics that are wanted; None for all.
Wanted: TypeAlias = frozenset[str] | None


class Series(NamedTuple):
    """One metric of a run: steps (n,) and values (n,) in the order in which they were written."""

    steps: Floats
    values: Floats


@dataclass(frozen=True, eq=False)
class Record:
    """One run, or one part of a run that was stopped and resumed.

    `series` holds the metrics that were wanted, `logged` the names of all there are. `state` is finished, running or
    crashed, None where the source does not say. `origin` tells two different runs of one id apart (a project, an
    experiment); `started` orders the parts of a run. `counters` are metrics that hold the training step where the
    source's own steps count something else.
    """

    run_id: str
    series: Mapping[str, Series]
    name: str = ""
    state: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    origin: str = ""
    started: float = 0.0
    notices: tuple[Notice, ...] = ()
    logged: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """Something of a source that is read on its own: `stamp` changes whenever what would be read does.

    `read` can be sent to another process: a function of a module with its arguments, never a closure.
    """

    key: str
    stamp: str
    read: Callable[[Wanted], Record]


@dataclass(frozen=True)
class Source:
    """One kind of source: `prefix` names it, `recognise` knows it by the shape of a path, `items` lists what it holds.

    `items` gets the text after the prefix. `extra` is the optional dependency to install; "" for none.
    """

    prefix: str
    reads: str
    items: Callable[[str], Sequence[Item]]
    recognise: Callable[[Path], bool]
    extra: str = ""


class Points:
    """The metrics of one run as they are read: every name is remembered, numbers only of those that are wanted."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._found: dict[str, tuple[list[float], list[float]]] = {}

    def add(self, name: str, step: float, value: float) -> None:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = ([], [])
        if self._wanted is None or name in self._wanted:
            found[0].append(step)
            found[1].append(value)

    @property
    def logged(self) -> tuple[str, ...]:
        return tuple(self._found)

    def series(self) -> dict[str, Series]:
        return {
            name: Series(np.array(steps, float), np.array(values, float))
            for name, (steps, values) in self._found.items()
            if steps
        }


def points_of_rows(rows: Iterable[tuple[float, Mapping[str, object]]], wanted: Wanted) -> Points:
    """The numbers of rows (step, values by name), each metric with the steps at which it was logged.

    >>> rows = [(1, {"loss": 2.5}), (2, {"loss": "NaN", "note": "text"})]
    >>> points_of_rows(rows, None).series()["loss"].steps.tolist()
    [1.0, 2.0]
    """
    points = Points(wanted)
    for step, row in rows:
        for name, value in flat(row).items():
            number = as_number(value)
            if number is not None:
                points.add(name, step, number)
    return points


def single(step: float, values: Mapping[str, float], wanted: Wanted) -> dict[str, Series]:
    """Metrics of which each has one value, at one step."""
    kept = {name: value for name, value in values.items() if wanted is None or name in wanted}
    return {name: Series(np.array([step], float), np.array([value], float)) for name, value in kept.items()}


def as_number(value: object) -> float | None:
    """A logged value as a float, also where JSON had to write NaN and infinity as text; None for anything else."""
    if isinstance(value, str):
        return _WORDS.get(value)
    return float(value) if isinstance(value, bool | int | float | np.number | np.bool_) else None


def flat(values: Mapping[str, object], before: str = "") -> dict[str, object]:
    """Nested mappings as one, names joined by dots.

    >>> flat({"model": {"width": 64}, "seed": 1})
    {'model.width': 64, 'seed': 1}
    """
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found.update(flat(value, f"{before}{name}."))
        else:
            found[f"{before}{name}"] = value
    return found


def parsed(text: str) -> object:
    """A number where the text is one, as trackers that keep every setting as text mean it.

    >>> parsed("1e6"), parsed("adam")
    (1000000.0, 'adam')
    """
    try:
        return float(text)
    except ValueError:
        return text


def needed(module: str, extra: str, reads: str) -> Any:
    """A library that is an optional dependency; Refused, with how to install it, where it is missing."""
    try:
        return import_module(module)
    except ImportError as missing:
        library = module.partition(".")[0]
        message = f"reading {reads} needs `{library}`, which cannot be loaded ({missing})"
        raise Refused("extra-needed", message, mend=f"pip install 'allometry[{extra}]'") from None


@contextmanager
def foreign(what: str, where: str, mend: str) -> Iterator[None]:
    """Whatever a tracker's own library raises, as one sentence."""
    try:
        yield
    except Refused:
        raise
    except Exception as error:
        raise Refused("source-failed", f"{what} failed: {first_line(error)}", where, mend) from error


def first_line(error: Exception) -> str:
    """What an exception says, short enough for a sentence.

    >>> first_line(ValueError("no such run\\nand much more"))
    'no such run'
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
