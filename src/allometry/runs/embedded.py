"""What the package holds of the ladder of small byte-level transformers that `allometry.lab.embedded` measured."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from allometry.notices import Refused
from allometry.runs.columns import Column
from allometry.runs.text import read_csv

_FOLDER = files("allometry.runs") / "embedded"
EMBEDDED = "embedded"  # in the place of a table's path, here and on the command line
NAME = "the embedded ladder"


def embedded_columns() -> dict[str, Column]:
    """The ladder as it was written: a row for each checkpoint."""
    return read_csv(_contents("ladder.csv"), NAME)


def embedded_conventions() -> dict[str, str]:
    """What its provenance states: losses in nats per byte (one token is one byte), on held-out files."""
    unit = str(embedded_provenance()["loss"]["unit"])
    return {"loss_unit": unit, "tokenizer": "bytes", "evaluation": "held-out files of the standard library"}


def embedded_provenance() -> dict[str, Any]:
    """How the embedded ladder was measured: command, versions, machine, recipe, corpus, held-out files."""
    provenance: dict[str, Any] = json.loads(_contents("provenance.json"))
    return provenance


def _contents(name: str) -> bytes:
    try:
        return (_FOLDER / name).read_bytes()
    except FileNotFoundError:
        mend = "install the package again, or measure it: python -m allometry.lab.embedded --out DIR"
        raise Refused("no-embedded-ladder", f"`{name}` of the embedded ladder is missing", mend=mend) from None
