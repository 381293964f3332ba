"""The files that a sweep writes: a table of its rows, and a page."""

from __future__ import annotations

import io
from pathlib import Path

from allometry.cli.options import check_out, check_page
from allometry.cli.sweeping.posing import Posed
from allometry.inference.sweeps import Results
from allometry.notices import Refused

SUFFIXES = (".csv", ".parquet", ".jsonl")


def check_outputs(out: Path | None, figure: Path | None, posed: Posed) -> None:
    """Refuse files that could not be written, before anything is spent."""
    if out is not None:
        check_out(out, "--out")
        if out.suffix not in SUFFIXES:
            raise Refused("bad-format", f"rows are not written as {out.suffix or 'a file without suffix'}", "--out",
                          f"name a file that ends in {', '.join(SUFFIXES)}")  # fmt: skip
    check_page(figure)
    if figure is not None and posed.scorer is None:
        raise Refused("no-scorer", "a figure shows accuracies, and nothing scores the answers", "--figure",
                      "give --grader, or leave the figure out")  # fmt: skip


def write_rows(found: Results, out: Path | None, figure: Path | None, title: str) -> dict[str, str | None]:
    """Write what is asked for, each file whole or not at all; their names."""
    if out is not None:
        _write_table(found, out)
    if figure is not None:
        from allometry.reports.sweep_page import write_sweep_page

        write_sweep_page(found, figure, title)
    return {"out": None if out is None else str(out), "figure": None if figure is None else str(figure)}


def _write_table(found: Results, out: Path) -> None:
    from allometry.reports.writing import write_whole

    contents, frame = io.BytesIO(), found.to_polars()
    if out.suffix == ".csv":
        frame.write_csv(contents)
    elif out.suffix == ".parquet":
        frame.write_parquet(contents)
    else:
        frame.write_ndjson(contents)
    write_whole(out, contents.getvalue(), "the rows")
