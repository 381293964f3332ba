"""The tables of finished ladders as one, for whoever compares or draws them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from allometry.lab.rows import COLUMNS, EARLIER
from allometry.notices import Refused

if TYPE_CHECKING:
    import polars as pl


def read_tables(folders: Sequence[Path]) -> pl.DataFrame:
    """All rows of the tables in these folders of ladders, one below the other.

    Use it for ladders of several mechanisms, each in its own folder; a table may be read while its ladder is trained.
    Errors: `Refused` for a folder without a table that a ladder wrote, and for a run that is in two of them.
    """
    import polars as pl

    found = pl.concat([_table(folder) for folder in folders], how="diagonal_relaxed")
    if found.select("run_id", "step").is_duplicated().any():
        raise Refused(
            "given-twice", "a run is in two of the folders", ", ".join(map(str, folders)), "give each ladder once"
        )
    return found.with_columns(pl.col(name).fill_null(value) for name, value in EARLIER.items() if name in found.columns)


def _table(folder: Path) -> pl.DataFrame:
    import polars as pl

    path = folder / "runs.csv"
    try:
        found = pl.read_csv(path, infer_schema_length=None)
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
    return found.with_columns(pl.lit(value).alias(name) for name, value in EARLIER.items() if name not in found.columns)
