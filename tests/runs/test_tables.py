"""Reading: every source gives the same columns, and what cannot be read is one clear sentence."""

from __future__ import annotations

import datetime
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.notices import Refused
from allometry.runs import read_runs, read_table

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda text: text.strip() == text and not _number(text)
)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() in ("na", "n/a", "null", "none", "true", "false")
    return True


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[Any]]:
    height = draw(st.integers(2, 6))
    columns = {
        "params": st.lists(NUMBERS, min_size=height, max_size=height),
        "loss": st.lists(st.none() | NUMBERS, min_size=height, max_size=height),
        "note": st.lists(TEXT, min_size=height, max_size=height),
        "seed": st.lists(st.integers(-(2**40), 2**40), min_size=height, max_size=height),
        "flag": st.lists(st.booleans(), min_size=height, max_size=height),
    }
    return {name: draw(values) for name, values in columns.items()}


def _same(one: Any, other: Any) -> None:
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        assert column.dtype == other.columns[name].dtype, name
        np.testing.assert_array_equal(column, other.columns[name], strict=True)


@given(tables())
def test_round_trips_give_equal_tables(columns: dict[str, list[Any]]) -> None:
    frame, expected = pl.DataFrame(columns, schema_overrides={"loss": pl.Float64}), read_table(columns)
    with tempfile.TemporaryDirectory() as folder:
        csv, parquet, lines = (Path(folder) / f"t{suffix}" for suffix in (".csv", ".parquet", ".jsonl"))
        frame.write_csv(csv)
        frame.write_parquet(parquet)
        lines.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in frame.to_dicts()), encoding="utf-8")
        for source in (csv, str(parquet), lines, frame, frame.to_arrow(), pd.DataFrame(columns)):
            _same(expected, read_table(source))


@given(tables())
def test_runs_of_every_source_have_one_fingerprint(columns: dict[str, list[Any]]) -> None:
    columns["params"] = [abs(value) + 1 for value in columns["params"]]
    columns["loss"] = [2.0 if value is None else abs(value) + 1 for value in columns["loss"]]
    prints = {
        read_runs(source).rows_for(["params"], "loss").fingerprint
        for source in (columns, pl.DataFrame(columns), pa.table(columns), pd.DataFrame(columns))
    }
    assert len(prints) == 1


def test_other_kinds_of_cells() -> None:
    day = datetime.date(2025, 1, 2)
    frame = pl.DataFrame({"day": [day, None], "kind": pl.Series(["a", "b"], dtype=pl.Categorical), "list": [[1], [2]]})
    columns = read_table(frame).columns
    assert columns["day"].tolist() == ["2025-01-02", None]
    assert columns["kind"].tolist() == ["a", "b"]
    assert columns["list"].tolist() == ["[1]", "[2]"]
    assert read_table({"big": [2**70, 1], "mixed": [1.5, "x"]}).columns["big"][0] == 2.0**70
    nullable = pd.DataFrame({"n": pd.array([1, None], dtype="Int64")})
    np.testing.assert_array_equal(read_table(nullable).columns["n"], [1.0, np.nan])


def test_numbers_beyond_64_bit_integers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("params,flops\n1,9249393319563755520\n2,12\n")
    assert read_table(path).columns["flops"].tolist() == [9249393319563755520.0, 12.0]


def test_missing_cells_and_blank_lines_of_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\ufeffparams, loss ,note\r\n1,NA,\r\n\r\n 2 ,nan,x\r\n")
    columns = read_table(path).columns
    assert columns["params"].tolist() == [1.0, 2.0]
    assert np.isnan(columns["loss"]).all()
    assert columns["note"].tolist() == [None, "x"]


SENTENCES = {
    "empty": ("t.csv", b"", "empty-file"),
    "blank": ("t.csv", b"\n \n", "empty-file"),
    "header only": ("t.csv", b"params,loss\n", "no-rows"),
    "one row": ("t.csv", b"params,loss\n1,2\n", "one-row"),
    "long row": ("t.csv", b"params,loss\n1,2\n1,2,3\n", "ragged"),
    "short row": ("t.csv", b"params,loss\n1,2\n1\n", "ragged"),
    "latin": ("t.csv", b"params,loss\n1,2\n1,\xe9\n", "not-utf8"),
    "twice": ("t.csv", b"params,loss,params\n1,2,3\n1,2,3\n", "duplicate-columns"),
    "semicolons": ("t.csv", b"params;loss\n1;2\n1;2\n", "not-commas"),
    "quote": ("t.csv", b'params,loss\n1,"2\n1,2\n', "not-csv"),
    "no JSON": ("t.jsonl", b'{"a": 1}\n{"a": \n', "not-json"),
    "no object": ("t.jsonl", b'{"a": 1}\n[1]\n', "not-json"),
    "key twice": ("t.jsonl", b'{"a": 1, "a": 2}\n{"a": 1}\n', "duplicate-columns"),
    "no Parquet": ("t.parquet", b"params,loss\n1,2\n", "not-parquet"),
    "other format": ("t.xlsx", b"params,loss\n1,2\n", "unknown-format"),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_files_that_are_refused(case: str, tmp_path: Path) -> None:
    name, contents, code = SENTENCES[case]
    path = tmp_path / name
    path.write_bytes(contents)
    with pytest.raises(Refused) as refused:
        read_runs(path)
    assert (refused.value.code, str(path) in refused.value.where) == (code, True)
    assert refused.value.mend
    assert "\n" not in str(refused.value)


def test_the_ragged_row_is_numbered(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("params,loss\n1,2\n1,2\n1\n1,2\n1\n")
    with pytest.raises(Refused, match=r"row 2 has 1 cells and the header 2 .*2 such rows"):
        read_runs(path)


def test_sources_that_are_refused(tmp_path: Path) -> None:
    twice = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    arrow = pa.table([pa.array([1, 2]), pa.array([1, 2])], names=["a", "a"])
    cases: list[tuple[object, str]] = [
        (tmp_path / "none.csv", "no-file"), (tmp_path, "a-directory"), (3, "not-a-table"), ({}, "no-columns"),
        ({"a": [1, 2], "b": [1]}, "ragged"), ({"a": 1.0}, "not-a-column"), ({"a": np.ones((2, 2))}, "not-a-column"),
        (twice, "duplicate-columns"), (arrow, "duplicate-columns"),
    ]  # fmt: skip
    for source, code in cases:
        with pytest.raises(Refused) as refused:
            read_table(source)
        assert refused.value.code == code


def test_no_polars_object_is_kept() -> None:
    runs = read_runs(pl.DataFrame({"params": [1, 2], "loss": [3.0, 2.0], "note": ["a", None]}))
    assert all(type(column) is np.ndarray for column in runs.columns.values())
    assert runs.to_polars()["note"].to_list() == ["a", None]
    assert runs.to_pandas()["params"].to_list() == [1.0, 2.0]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_hundred_thousand_rows_are_read_whole(suffix: str, tmp_path: Path) -> None:
    generator, height = np.random.default_rng(0), 100_000
    columns = {name: generator.random(height) + 1 for name in ("params", "tokens", "loss", "learning_rate")}
    path = tmp_path / f"t{suffix}"
    frame = pl.DataFrame({"run_id": [f"r{row // 10}" for row in range(height)], **columns})
    write = {".csv": frame.write_csv, ".parquet": frame.write_parquet, ".jsonl": frame.write_ndjson}[suffix]
    write(path)
    rows = read_runs(path, rows="all").rows_for(["params", "tokens"], "loss")
    assert (len(rows), rows.cluster_kind) == (height, "runs")
