"""The tables of finished ladders as one, for whoever compares or draws them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allometry.lab.rows import COLUMNS, EARLIER
from allometry.notices import Refused

if TYPE_CHECKING:
    import polars as pl

# Settings that columns tell, or of which the runs of one recipe may have several.
TOLD = ("context", "precision", "corpus", "corpus_sha256", "learning_rate", "batch_tokens")
# Settings that change how a loss is measured, not what is trained; and those that only say when.
MEASURE, WHEN = ("evaluation windows", "loop"), ("evaluation every", "evaluation times")

SOME_EMPTY = ("entropy_rate", "train_loss", "loss", "accuracy", "answer_loss", "name_loss", "stored_bits", "least_loss",
              "looped_layers", "rank")  # fmt: skip
SOME_EMPTY_TEXTS = ("injection", "structure", "stacking")


def read_tables(folders: Sequence[Path]) -> pl.DataFrame:
    """All rows of the tables in these folders of ladders, one below the other.

    Use it for ladders of several mechanisms, each in its own folder; a table may be read while its ladder is trained.
    Two columns are added: `folder`, and `settings`, those in which these ladders differ and no column tells.
    Errors: `Refused` for a folder without a table that a ladder wrote, for a run that is in two of them, and for ladders
    that were measured differently.
    """
    import polars as pl

    tables = [_table(folder) for folder in folders]
    settings = _apart([_settings(folder) for folder in folders]) if len(folders) > 1 else [""]
    own = [
        table.with_columns(pl.lit(str(folder)).alias("folder"), pl.lit(says).alias("settings"))
        for table, folder, says in zip(tables, folders, settings, strict=True)
    ]
    found = pl.concat(own, how="diagonal_relaxed")
    if found.select("run_id", "step").is_duplicated().any():
        raise Refused(
            "given-twice", "a run is in two of the folders", ", ".join(map(str, folders)), "give each ladder once"
        )
    return found.with_columns(pl.col(name).fill_null(value) for name, value in EARLIER.items() if value is not None)


def _table(folder: Path) -> pl.DataFrame:
    import polars as pl

    path = folder / "runs.csv"
    kinds = {**dict.fromkeys(SOME_EMPTY, pl.Float64), **dict.fromkeys(SOME_EMPTY_TEXTS, pl.String)}
    try:
        text = path.read_bytes()
        # A row that is being written, or that a kill tore, has no end yet.
        found = pl.read_csv(text[: text.rfind(b"\n") + 1] or text, infer_schema_length=None)
        # Without a value in it, as where every run diverged, a column is not known to be of numbers.
        found = found.with_columns(pl.col(name).cast(kind) for name, kind in kinds.items() if name in found.columns)
    except FileNotFoundError:
        raise Refused(
            "no-ladder", "there is no runs.csv", str(folder), "give the --out of `allometry lab run`"
        ) from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise Refused(
            "cannot-read", f"the table cannot be read: {error}", str(path), "give a ladder's folder"
        ) from None
    if not set(COLUMNS) - set(EARLIER) <= set(found.columns):
        raise Refused(
            "other-table", "runs.csv is none that a ladder wrote", str(folder), "give the --out of `allometry lab run`"
        )
    if found.is_empty():
        raise Refused("no-runs", "no run has ended yet", str(folder), "wait for the first, or run the ladder")
    later = {name: value for name, value in EARLIER.items() if name not in found.columns}
    return found.with_columns(pl.lit(value, kinds.get(name)).alias(name) for name, value in later.items())


def _settings(folder: Path) -> dict[str, Any]:
    """What all runs of a ladder share and no column tells, one level deep."""
    path = folder / "ladder.json"
    try:
        settings = dict(json.loads(path.read_text(encoding="utf-8"))["settings"])
    except OSError:
        raise Refused("no-settings", "there is no ladder.json, so nobody knows how its runs were made", str(folder),
                      "give the whole --out of `allometry lab run`, or this folder alone") from None  # fmt: skip
    except (ValueError, KeyError, TypeError):
        raise Refused("bad-folder", "ladder.json is not what a ladder writes", str(path),
                      "give the --out of `allometry lab run`") from None  # fmt: skip
    found = dict[str, Any]()
    for name, value in settings.items():
        parts = {f"{name} {key}": part for key, part in value.items()} if isinstance(value, Mapping) else {name: value}
        found |= parts if name not in TOLD else {}
    return {name: value for name, value in found.items() if not name.endswith(" kind") and name not in WHEN}


def _apart(ladders: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each ladder the settings in which it differs from another that has them.

    >>> _apart([{"clip": 1.0, "optimiser beta1": 0.9}, {"clip": 0.5, "optimiser beta1": 0.9}, {"clip": 1.0}])
    ['clip 1', 'clip 0.5', 'clip 1']
    """
    names = dict.fromkeys(name for ladder in ladders for name in ladder)
    differ = [name for name in names if len({str(ladder[name]) for ladder in ladders if name in ladder}) > 1]
    for name in MEASURE:
        if name in differ:
            values = ", ".join(str(ladder.get(name)) for ladder in ladders)
            raise Refused("not-comparable", f"the ladders differ in {name} ({values})", "the folders",
                          "give ladders that were measured alike")  # fmt: skip
    return [", ".join(_said(name, ladder[name]) for name in differ if name in ladder) for ladder in ladders]


def _said(name: str, value: object) -> str:
    return f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
