"""Reading what others wrote without running it."""

from __future__ import annotations

import csv
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allometry.notices import Refused
from allometry.reproduction.sources import csv_bytes, file_in, literals, read_csv, read_frame


class Wicked:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch was-run",)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused, match="wants to load"):
        read_frame(pickle.dumps(Wicked()))
    assert not (tmp_path / "was-run").exists()


def test_a_frame_is_read_column_by_column_without_pandas_objects() -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "n": [1, 2], "x": [0.5, np.nan], "y": [1.5, 2.5]}, dtype=object)
    frame = frame.astype({"n": int, "x": float, "y": float})
    frame.columns = pd.Index(list(frame.columns), dtype=object)
    read = read_frame(pickle.dumps(frame, protocol=4))
    assert list(read) == ["name", "n", "x", "y"]
    assert (read["name"], read["n"], read["y"]) == (["a", "b"], [1, 2], [1.5, 2.5])
    assert read["x"][0] == 0.5
    assert np.isnan(read["x"][1])


def test_numbers_come_back_from_the_written_table_as_they_went_in() -> None:
    generator = np.random.default_rng(0)
    values = (10 ** generator.uniform(-300, 300, 200)).tolist()
    written = csv_bytes({"x": values, "missing": [None] * 200, "nan": [float("nan")] * 200})
    rows = list(csv.DictReader(io.StringIO(written.decode())))
    assert [float(row["x"]) for row in rows] == values
    assert {(row["missing"], row["nan"]) for row in rows} == {("", "")}


def test_literals_skip_what_would_have_to_be_run() -> None:
    found = literals("a = [1, -2.5]\nb = open('x').read()\nc = np.array([[1] * 3, [2]])\nd = [a, 1]\ne = {'k': 1e9}")
    assert found == {"a": [1, -2.5], "c": [[1, 1, 1], [2]], "e": {"k": 1e9}}


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"has no data/x\.csv"):
        file_in(tmp_path, "data/x.csv")
    (tmp_path / "x.csv").write_text('a,b\n1,"two, three"\n')
    assert read_csv(tmp_path, "x.csv") == {"a": ["1"], "b": ["two, three"]}
