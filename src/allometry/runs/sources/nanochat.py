"""`nanochat:PATH`: the `results.csv` of nanochat's scaling sweeps, one run a row."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from allometry.notices import Refused
from allometry.runs.identity import measures
from allometry.runs.sources.contract import Item, Record, Source, Wanted, parsed, single
from allometry.runs.sources.files import digest, files_below, name_below, some

_STEPS, _TOKENS, _CORE = "num_iterations", "tokens_trained", "core_score"
_LOSSES = ("bpb", "loss")
_NAMES = ("run_name", "model_tag")
_CELL = ("flops_budget", "depth")


def _is_table(name: str) -> bool:
    return name == "results.csv"


def _items(text: str) -> list[Item]:
    root = Path(text)
    found = [root] if root.is_file() else [path for path in files_below(root, _is_table) if _is_nanochats(path)]
    return [item for path in some(found, text, "results.csv of nanochat") for item in _of_table(path, root)]


def _of_table(path: Path, root: Path) -> list[Item]:
    rows = _rows(path)
    if not rows or _TOKENS not in rows[0]:
        mend = f"a table of nanochat has a column `{_TOKENS}`; for other tables of runs no import is needed"
        raise Refused("not-nanochat", "there is no row of a trained model in it", str(path), mend)
    names = [_name(number, row) for number, row in enumerate(rows)]
    # A cell that was run twice is two runs: their difference is the noise of training.
    several = {name for name, count in Counter(names).items() if count > 1}
    table = name_below(path, root)
    return [
        _item(table, f"{name} row {number}" if name in several else name, row)
        for number, (name, row) in enumerate(zip(names, rows, strict=True))
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="replace") as lines:
        return [{str(key): str(value) for key, value in row.items()} for row in csv.DictReader(lines, restval="")]


def _is_nanochats(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as lines:
        return _TOKENS in lines.readline()


def _recognise(path: Path) -> bool:
    return any(_is_nanochats(found) for found in files_below(path, _is_table))


def _item(table: str, name: str, row: Mapping[str, str]) -> Item:
    return Item(f"{table}#{name}", digest(dict(row)), partial(_read, table, name, row))


def _name(number: int, row: Mapping[str, str]) -> str:
    """The name of a run where there is one, else that of its cell in the sweep."""
    given = next((row[key] for key in _NAMES if row.get(key)), "")
    cell = "_".join(f"{key}{row[key]}" for key in _CELL if row.get(key))
    return given or cell or f"row {number}"


def _read(table: str, name: str, row: Mapping[str, str], wanted: Wanted) -> Record:
    """A row as one run at its last step; it says that the run failed where the loss is missing."""
    values = {key: parsed(text) for key, text in row.items() if text.strip()}
    measured = {key: value for key, value in values.items() if _is_measured(key) and isinstance(value, float)}
    # The sweep's own script writes 0.0 for a score that it did not find.
    if measured.get(_CORE) == 0:
        del measured[_CORE]
    config = {key: value for key, value in values.items() if not _is_measured(key)}
    state = "finished" if any(key.endswith(_LOSSES) for key in measured) else "crashed"
    step = config.get(_STEPS)
    series = single(step if isinstance(step, float) else 0.0, measured, wanted)
    return Record(name, series, name, state, config, origin=table, logged=tuple(measured))


def _is_measured(name: str) -> bool:
    return name in (_TOKENS, _CORE) or measures(name)


SOURCE = Source("nanochat", "nanochat's result tables", _items, _recognise)
