"""The runs of Muennighoff et al. from the lists in their notebook; read, never run.

A run's name holds its parameters, tokens and unique tokens (2b855b9b: 2.8, 55 and 9 billion). Runs without a seed take
the numbers that the notebook printed. The notebook skips runs with a seed: they are read from their names by its maps,
where a name can be read in one way only (55b11b is 55 and 11 billion, or 55.1 and 1 billion, and is left out).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from allometry.reproduction.sources import Columns, file_in, literals, read_json

NOTEBOOK = "plotstables/return_alloc.ipynb"
_SIZE = re.compile(r"\d+[bm]\d*")


class Row(NamedTuple):
    """One run; `source_cell` says which of the two ways its sizes were found."""

    run: str
    params: float
    tokens: float
    unique_tokens: float
    loss: float
    seeded: int
    source_cell: str
    epochs: float
    flops: float


def convert(checkout: Path) -> Columns:
    lists, loading = read_json(file_in(checkout, NOTEBOOK))["cells"][1:3]
    rows = _printed("".join("".join(output.get("text", "")) for output in loading["outputs"]))
    rows += _seeded(literals("".join(lists["source"])))
    return dict(zip(Row._fields, zip(*rows, strict=True), strict=True))


def _row(name: str, params: float, tokens: float, unique: float, loss: float, seeded: bool) -> Row:
    cell = "name_parsed" if seeded else "printed_by_notebook"
    return Row(name, params, tokens, unique, loss, int(seeded), cell, tokens / unique, 6 * params * tokens)


def _printed(text: str) -> list[Row]:
    """Lines of a name and four numbers; the notebook prints one more line that is none."""
    lines = [line.split() for line in text.splitlines()]
    return [_row(line[0], *map(float, line[1:]), seeded=False) for line in lines if len(line) == 5]  # type: ignore[misc, arg-type]


def _seeded(found: Mapping[str, Mapping[str, float]]) -> list[Row]:
    rows = []
    for name, loss in found["NAMES_TO_VAL_LOSSES"].items():
        base = re.sub(r"(?:c4)?seed\d$", "", name)
        if base != name and loss and (sizes := _sizes(base, found)):
            rows.append(_row(name, *sizes, loss, seeded=True))
    return rows


def _sizes(name: str, found: Mapping[str, Mapping[str, float]]) -> tuple[float, float, float] | None:
    """Parameters, tokens and unique tokens of a name, if there is exactly one way to read it."""
    readings = [
        (params, _billions(rest[:i], found["TOKENS_MAP"]), _billions(rest[i:], found["TOKENS_MAP"]))
        for key, params in found["PARAMS_MAP"].items()
        if name.startswith(key) and (rest := name.removeprefix(key))
        for i in range(len(rest))
        if _SIZE.fullmatch(rest[:i]) and _SIZE.fullmatch(rest[i:])
    ]
    return readings[0] if len(readings) == 1 else None


def _billions(text: str, known: Mapping[str, float]) -> float:
    return 1e9 * (known[text] if text in known else float(text.replace("b", ".").strip(".")))
