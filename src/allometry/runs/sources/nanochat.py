"""`nanochat:PATH`: the tables of nanochat's scaling sweeps, one run a row: `results.csv`, or `curve.log` of records."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from allometry.notices import Refused
from allometry.runs.identity import measures
from allometry.runs.sources.contract import Item, Record, Series, Source, parsed
from allometry.runs.sources.files import digest, files_below, holds, name_below, some

_STEPS, _TOKENS, _METRICS = "num_iterations", "tokens_trained", ("core", "chatcore", "mfu")


def _is_table(name: str) -> bool:
    return name in ("results.csv", "curve.log")


def _items(text: str) -> list[Item]:
    root = Path(text)
    found = [root] if root.is_file() else list(files_below(root, _is_table))
    tables = some(found, text, "results.csv or curve.log")
    return [item for path in tables for item in _of_table(path, root)]


def _of_table(path: Path, root: Path) -> list[Item]:
    rows = list(_records(path) if path.suffix == ".log" else _lines(path))
    if not rows or not any(_last(name) == _TOKENS for row in rows for name in row):
        mend = f"a table of nanochat has a column `{_TOKENS}`"
        raise Refused("not-nanochat", "there is no row of a trained model in it", str(path), mend)
    return [_item(name_below(path, root), number, row) for number, row in enumerate(rows)]


def _item(table: str, number: int, row: Mapping[str, str]) -> Item:
    name = row.get("model_tag") or _cell(row) or f"row {number}"
    return Item(f"{table}#{name}", digest(dict(row)), lambda: _read(table, name, row))


def _cell(row: Mapping[str, str]) -> str:
    """The name that a sweep gives to one budget and depth."""
    return f"flops{row['flops_budget']}_d{row['depth']}" if {"flops_budget", "depth"} <= row.keys() else ""


def _read(table: str, name: str, row: Mapping[str, str]) -> Record:
    values = {key: parsed(text) for key, text in row.items() if text not in ("", "None")}
    numbers = {key: value for key, value in values.items() if isinstance(value, float)}
    step = next((value for key, value in numbers.items() if _last(key) == _STEPS), 0.0)
    measured = {key: value for key, value in numbers.items() if _last(key) == _TOKENS or _is_metric(key)}
    series = {key: Series(np.array([step]), np.array([value])) for key, value in measured.items()}
    config = {key: value for key, value in values.items() if key not in measured}
    return Record(name, series, name, "finished", config, origin=table)


def _is_metric(name: str) -> bool:
    return measures(name) or _last(name) in _METRICS


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _lines(path: Path) -> Iterator[Mapping[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="replace") as lines:
        for row in csv.DictReader(lines, restkey="", restval=""):
            yield {str(key): str(value) for key, value in row.items()}


def _records(path: Path) -> Iterator[Mapping[str, str]]:
    """The `model` records of a log: a tag, then key=value, quoted as in a shell; all else is prose."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            tag, *fields = shlex.split(line)
        except ValueError:
            continue
        if tag == "model" and fields and all("=" in field for field in fields):
            yield {key: value for key, _, value in (field.partition("=") for field in fields)}


SOURCE = Source("nanochat", "nanochat's result tables", _items, lambda path: holds(path, _is_table))
