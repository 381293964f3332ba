"""Some rows of a pool as a file of its own kind: nothing converted, nothing half-written, never the whole in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from allometry.data.pools import keeping, open_pool, write_rows
from allometry.notices import Refused

ROWS = np.array([0, 2, 5])
FRAME = pl.DataFrame(
    {"id": [7, 8, 9, 10, 11, 12], "text": ["a", 'b, "quoted"', "c\nd", "", "e", "ü"], "vector": [[float(i), 0.5] for i in range(6)]}
)  # fmt: skip


@pytest.fixture(params=[2, 1 << 16])
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(keeping, "BATCH", request.param)  # the most rows of a piece
    return int(request.param)


def test_parquet_keeps_its_types(tmp_path: Path, batch: int) -> None:
    FRAME.with_columns(pl.col("id").cast(pl.UInt8), pl.col("text").cast(pl.Categorical)).write_parquet(
        tmp_path / "p.parquet"
    )
    ticks = list[int]()
    write_rows(open_pool(tmp_path / "p.parquet"), ROWS, tmp_path / "k.parquet", ticks.append)
    found, whole = pl.read_parquet(tmp_path / "k.parquet"), pl.read_parquet(tmp_path / "p.parquet")
    assert found.schema == whole.schema
    assert found.equals(whole[ROWS])
    assert sum(ticks) == 6


def test_fields_of_csv_stay_the_text_they_were(tmp_path: Path, batch: int) -> None:
    lines = ["code,word,empty", "007,x,", '1e3,"a, b",""', "08,y,z", "1.50,w,", '9,"two\nlines",q', "0,é,r"]
    (tmp_path / "p.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_rows(open_pool(tmp_path / "p.csv"), np.array([0, 1, 3, 4]), tmp_path / "k.csv")
    assert (tmp_path / "k.csv").read_text("utf-8").splitlines() == [*lines[:3], *lines[4:5], *lines[5].split("\n")]


def test_lines_of_json_are_copied_as_they_are(tmp_path: Path, batch: int) -> None:
    lines = ['{"b": 1.0, "a": {"x": [1, 2]}}', '{"b": 2}', '{"a": null,   "b": 3}', '{"b": 4, "c": "later"}']
    folder = tmp_path / "pool"
    folder.mkdir()
    (folder / "1.jsonl").write_text("\n".join(lines[:2]) + "\n\n")  # a blank line is no example
    (folder / "2.jsonl").write_text("\r\n".join(lines[2:]))
    write_rows(open_pool(folder), np.array([0, 2, 3]), tmp_path / "k.jsonl")
    assert (tmp_path / "k.jsonl").read_bytes().decode() == "\n".join([lines[0], *lines[2:]]) + "\n"


def test_a_folder_becomes_one_file_and_beside_it_nothing_is_written(tmp_path: Path, batch: int) -> None:
    (tmp_path / "pool").mkdir()
    FRAME[:4].write_parquet(tmp_path / "pool" / "a.parquet")
    FRAME[4:].write_parquet(tmp_path / "pool" / "b.parquet")
    np.save(tmp_path / "v.npy", np.zeros((6, 3)))
    write_rows(open_pool(tmp_path / "pool", tmp_path / "v.npy"), ROWS, tmp_path / "k.parquet")
    assert pl.read_parquet(tmp_path / "k.parquet").equals(FRAME[ROWS])


def test_an_array_keeps_its_type_and_shape(tmp_path: Path, batch: int) -> None:
    values = np.random.default_rng(0).standard_normal((6, 2, 3)).astype(np.float16)
    np.save(tmp_path / "p.npy", values)
    write_rows(open_pool(tmp_path / "p.npy"), ROWS, tmp_path / "k.npy")
    found = np.load(tmp_path / "k.npy")
    assert found.dtype == values.dtype
    assert np.array_equal(found, values[ROWS])


@pytest.mark.parametrize(
    ("pool", "out", "code"),
    [("p.parquet", "k.csv", "other-kind"), ("p.jsonl", "k", "other-kind"), ("p.npz", "k.npz", "no-table")],
)
def test_another_kind_is_refused(tmp_path: Path, pool: str, out: str, code: str) -> None:
    FRAME.write_parquet(tmp_path / "p.parquet")
    (tmp_path / "p.jsonl").write_text('{"a": 1}\n')
    np.savez(tmp_path / "p.npz", a=np.zeros(3))
    with pytest.raises(Refused) as refused:
        write_rows(open_pool(tmp_path / pool), np.array([0]), tmp_path / out)
    assert refused.value.code == code


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_a_pool_that_has_changed_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    path, frame = tmp_path / f"p.{suffix}", FRAME.drop("vector")
    write = {"parquet": pl.DataFrame.write_parquet, "csv": pl.DataFrame.write_csv, "jsonl": pl.DataFrame.write_ndjson}[
        suffix
    ]
    write(frame, path)
    pool = open_pool(path)
    write(frame[:4] if suffix == "csv" else pl.concat([frame, frame]), path)
    with pytest.raises(Refused):
        write_rows(pool, ROWS, tmp_path / f"k.{suffix}")
    assert {other.name for other in tmp_path.iterdir()} == {path.name}


def test_memory_does_not_grow_with_the_pool(tmp_path: Path) -> None:
    """Peak of a process of its own, in kB, over one file of 20 MB and over 36 of them."""
    one = tmp_path / "00.parquet"
    pl.DataFrame({"text": [f"{i:0400d}" for i in range(50_000)]}).write_parquet(one, row_group_size=10_000)
    for i in range(1, 36):
        (tmp_path / f"{i:02d}.parquet").symlink_to(one)
    code = (
        "import sys, resource, shutil, numpy as np; from pathlib import Path; from allometry.data.pools import open_pool, write_rows\n"
        "pool = open_pool(Path(sys.argv[1])); write_rows(pool, np.arange(0, pool.height, 2), Path(sys.argv[2]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = list[int]()
    for source in (one, tmp_path):
        out = tmp_path.parent / f"{tmp_path.name}.kept.parquet"
        done = subprocess.run([sys.executable, "-c", code, str(source), str(out)], capture_output=True, text=True, check=True,
                              env={**os.environ, "POLARS_MAX_THREADS": "2"})  # fmt: skip
        peaks.append(json.loads(done.stdout))
        out.unlink()
    assert peaks[1] - peaks[0] < 350_000  # of 700 MB more that pass through
