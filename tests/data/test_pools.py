"""Pools of every kind give the same batches, and refuse what cannot be used by its row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.data.pools import Pool, open_pool, write_rows
from allometry.notices import Refused

ROWS = 103
VECTORS = np.random.default_rng(0).standard_normal((ROWS, 5)).astype(np.float32)
LOSS, LABEL = VECTORS[:, 0].astype(float), np.array(["cat", "dog", "owl"])[np.arange(ROWS) % 3]


def frame() -> pl.DataFrame:
    return pl.DataFrame({"loss": LOSS, "label": LABEL, "embeddings": VECTORS.tolist()})


def made(kind: str, folder: Path) -> Pool:
    match kind:
        case "dict":
            return open_pool({"loss": LOSS, "label": LABEL, "embeddings": VECTORS})
        case "parquet":
            frame().write_parquet(folder / "pool.parquet", row_group_size=17)
        case "array":
            frame().cast({"embeddings": pl.Array(pl.Float32, 5)}).write_parquet(folder / "pool.parquet")
            return open_pool(folder / "pool.parquet")
        case "jsonl":
            frame().write_ndjson(folder / "pool.jsonl")
        case "folder":
            (folder / "pool").mkdir()
            for place in range(3):
                frame()[place * 40 : (place + 1) * 40].write_parquet(folder / "pool" / f"{place}.parquet")
            return open_pool(folder / "pool")
        case "npz":
            np.savez(folder / "pool.npz", loss=LOSS, label=LABEL, embeddings=VECTORS)
        case "beside":
            frame().drop("embeddings").write_csv(folder / "pool.csv")
            np.save(folder / "vectors.npy", VECTORS)
            return open_pool(folder / "pool.csv", folder / "vectors.npy")
        case "beside, compressed":
            frame().drop("embeddings").write_parquet(folder / "pool.parquet")
            np.savez_compressed(folder / "vectors.npz", anything=VECTORS)
            return open_pool(folder / "pool.parquet", folder / "vectors.npz")
        case "column":
            frame().rename({"embeddings": "clip"}).write_parquet(folder / "pool.parquet")
            return open_pool(folder / "pool.parquet", "clip")
    return open_pool(next(folder.iterdir()))


KINDS = ["dict", "parquet", "array", "jsonl", "folder", "npz", "beside", "beside, compressed", "column"]


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_the_rows_in_order_from_anywhere(kind: str, tmp_path: Path) -> None:
    pool = made(kind, tmp_path)
    assert pool.height == ROWS
    for start, rows in ((0, 10), (0, 1000), (37, 16), (102, 5)):
        batches = list(pool.batches(["label", "embeddings", "loss"], rows, start))
        assert [batch.start for batch in batches] == list(np.cumsum([start, *map(len, batches)])[:-1])
        assert max(map(len, batches)) <= rows
        np.testing.assert_allclose(
            np.concatenate([batch["embeddings"] for batch in batches]), VECTORS[start:], rtol=1e-6
        )
        np.testing.assert_allclose(np.concatenate([batch["loss"] for batch in batches]), LOSS[start:])
        assert np.concatenate([batch["label"] for batch in batches]).tolist() == LABEL[start:].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_the_same_of_every_kind(kind: str, tmp_path: Path) -> None:
    found = made(kind, tmp_path).sample("embeddings", 20, seed=3)
    np.testing.assert_allclose(found, made("dict", tmp_path).sample("embeddings", 20, seed=3), rtol=1e-6)
    assert len(found) == 20


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(1, 120), start=st.integers(0, ROWS - 1))
def test_any_cut_gives_all_rows_once(rows: int, start: int) -> None:
    pool = open_pool({"row": np.arange(ROWS), "vector": VECTORS})
    held = [row for batch in pool.batches(["vector", "row"], rows, start) for row in batch["row"]]
    assert held == list(range(start, ROWS))


def refused(make: object) -> Refused:
    with pytest.raises(Refused) as found:
        make()  # type: ignore[operator]
    assert "\n" not in str(found.value)
    return found.value


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_name_with_brackets_is_no_pattern(suffix: str, tmp_path: Path) -> None:
    import polars as pl

    path, frame = tmp_path / f"p[1] *.{suffix}", pl.DataFrame({"loss": [1.0, 2.0]})
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[suffix](path)
    (tmp_path / f"p1 .{suffix}").write_text("another")
    pool = open_pool(path)
    assert pool.column("loss").tolist() == [1.0, 2.0]
    write_rows(pool, np.array([1]), tmp_path / f"kept[2].{suffix}")
    assert open_pool(tmp_path / f"kept[2].{suffix}").column("loss").tolist() == [2.0]


def test_a_number_that_is_none_is_refused_by_its_row(tmp_path: Path) -> None:
    broken = VECTORS.copy()
    broken[71, 2] = np.nan
    np.save(tmp_path / "v.npy", broken)
    pool = open_pool(tmp_path / "v.npy")
    error = refused(lambda: [None for _ in pool.batches(["embeddings"], rows=16)])
    assert error.code == "not-finite"
    assert "row 71" in error.message
    assert "place 2" in error.message


def test_an_empty_cell_is_refused_by_its_row(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("loss,label\n" + "1.0,a\n" * 20 + ",b\n")
    error = refused(lambda: [None for _ in open_pool(tmp_path / "p.csv").batches(["loss"], rows=8)])
    assert (error.code, "row 20" in error.message) == ("missing-value", True)


def test_ragged_embeddings_are_refused_by_their_row(tmp_path: Path) -> None:
    rows = [{"embeddings": [1.0, 2.0]}] * 5 + [{"embeddings": [1.0]}] + [{"embeddings": [1.0, 2.0]}]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    error = refused(lambda: [None for _ in open_pool(tmp_path / "p.jsonl").batches(["embeddings"], rows=3)])
    assert (error.code, "row 5" in error.message) == ("ragged", True)
    assert refused(lambda: open_pool({"embeddings": [[1.0, 2.0], [1.0]]})).code == "ragged"


def test_lists_in_lists_of_other_lengths_are_refused_by_their_row(tmp_path: Path) -> None:
    rows = [{"probabilities": [[0.5, 0.5], [1.0, 0.0]]}] * 4 + [{"probabilities": [[0.5, 0.5], [1.0]]}]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    error = refused(lambda: [None for _ in open_pool(tmp_path / "p.jsonl").batches(["probabilities"])])
    assert (error.code, "row 4" in error.message) == ("ragged", True)


def test_a_column_that_is_not_there_is_refused_with_the_nearest() -> None:
    error = refused(lambda: open_pool({"lable": [1], "loss": [0.1]}).need(["label"], "the metric margin"))
    assert error.code == "no-column"
    assert "nearest: `lable`" in error.mend


@pytest.mark.parametrize(
    ("name", "contents", "code"),
    [
        ("p.txt", b"x", "unknown-format"), ("p.npy", b"x", "not-numpy"), ("p.npz", b"x", "not-numpy"),
        ("p.parquet", b"x", "unreadable"), ("p.csv", b"", "unreadable"), ("p.csv", b"a,b\n", "empty-pool"),
        ("q/p.txt", b"", "bad-folder"), ("q/../none.csv", b"", "no-file"),
    ],
)  # fmt: skip
def test_files_that_are_no_pools_are_refused(name: str, contents: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.startswith("q/"):
        (tmp_path / "q").mkdir()
        path = path if code == "no-file" else path.parent
    else:
        path.write_bytes(contents)
    assert refused(lambda: open_pool(path)).code == code


def test_an_array_cut_short_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    whole = (tmp_path / "v.npy").read_bytes()
    (tmp_path / "v.npy").write_bytes(whole[:-40])
    assert refused(lambda: list(open_pool(tmp_path / "v.npy").batches(["embeddings"]))).code == "cut-short"


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    assert refused(lambda: open_pool(tmp_path / "v.npy")).code == "bad-array"


def test_heights_that_differ_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VECTORS)
    assert refused(lambda: open_pool({"a": [1, 2], "b": [1]})).code == "ragged"
    assert refused(lambda: open_pool({"a": [1, 2]}, tmp_path / "v.npy")).code == "ragged"
    assert refused(lambda: open_pool({"embeddings": VECTORS}, tmp_path / "v.npy")).code == "column-twice"
