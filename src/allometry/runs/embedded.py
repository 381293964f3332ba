"""The ladder that comes with the package: small byte-level transformers, measured by `allometry.lab.embedded`."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from allometry.notices import Refused
from allometry.runs.columns import Column
from allometry.runs.read import read_runs
from allometry.runs.runs import Runs
from allometry.runs.text import read_csv

_FOLDER = files("allometry.runs") / "embedded"
NAME = "the embedded ladder"


def embedded_ladder(*, where: str | None = None, rows: str | None = None) -> Runs:
    """The runs of the embedded ladder, with the conventions that its provenance states.

    Use it to try the tool or as a table whose every number can be measured again; not as
    evidence about large models. `where` and `rows` as in `read_runs`. Losses are measured
    in nats per byte (one token is one byte), FLOPs are 6 x params x tokens.

    >>> embedded_ladder().conventions["loss_unit"]
    'nats per byte'
    """
    unit = str(embedded_provenance()["loss"]["unit"])
    stated = {"loss_unit": unit, "tokenizer": "bytes", "evaluation": "held-out files of the standard library"}
    return read_runs(_columns(), where=where, rows=rows, conventions=stated)


def embedded_provenance() -> dict[str, Any]:
    """How the embedded ladder was measured: command, versions, machine, recipe, corpus, held-out files."""
    provenance: dict[str, Any] = json.loads(_contents("provenance.json"))
    return provenance


def _columns() -> dict[str, Column]:
    return read_csv(_contents("ladder.csv"), NAME)


def _contents(name: str) -> bytes:
    try:
        return (_FOLDER / name).read_bytes()
    except FileNotFoundError:
        mend = "install the package again, or measure it: python -m allometry.lab.embedded --out DIR"
        raise Refused("no-embedded-ladder", f"`{name}` of the embedded ladder is missing", mend=mend) from None
