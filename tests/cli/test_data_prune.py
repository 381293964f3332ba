"""`allometry data score` and `prune` as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest

from allometry.cli.main import main


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    """Three classes, the last rare and easy, with embeddings."""
    draw = np.random.default_rng(0)
    label = np.repeat(["cat", "dog", "owl"], [90, 90, 20])
    frame = pl.DataFrame({"label": label, "loss": draw.exponential(size=200) + (label != "owl"),
                          "embeddings": draw.standard_normal((200, 8)).tolist()})  # fmt: skip
    frame.write_parquet(tmp_path / "pool.parquet")
    return tmp_path / "pool.parquet"


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    draw = np.random.default_rng(1)
    rows = [
        f"{metric},{n},{5 * n**-0.4 * (n / 1500) ** -gain * np.exp(draw.normal(0, 0.02)):.6f},{seed}"
        for metric, gain in (("random", 0.0), ("loss", 0.2))
        for n in (1000, 2000, 4000, 8000)
        for seed in range(3)
    ]
    (tmp_path / "runs.csv").write_text("\n".join(["metric,examples,error,seed", *rows]) + "\n")
    return tmp_path / "runs.csv"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["data", *(str(word) for word in words)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def valid(out: str, command: str) -> dict[str, object]:
    told = json.loads(out)
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath(f"schemas/data_{command}.json").read_text()))
    return told


def test_scores_then_pruned_json_keeps_the_contract(
    pool: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores, kept = tmp_path / "scores.parquet", tmp_path / "kept.csv"
    status, out, err = run(capsys, "score", pool, "--metric", "prototype", "--clusters", 4, "--out", scores, "--json")
    assert (status, err) == (0, "")
    assert valid(out, "score")["rows"] == pl.read_parquet(scores).height == 200
    status, out, _ = run(capsys, "prune", pool, "--scores", scores, "--keep", 0.25, "--params", 10, "--label", "label",
                         "--runs", runs, "--out", kept, "--json")  # fmt: skip
    told = valid(out, "prune")
    assert (status, told["kept"], told["rows"], told["side"]) == (0, 50, 200, "hardest")
    assert [curve["metric"] for curve in told["curve"]] == ["random", "loss"]  # type: ignore[attr-defined]
    table = pl.read_csv(kept)
    assert table["row"].to_list() == sorted(table["row"].to_list())
    assert np.allclose(table["score"], pl.read_parquet(scores)["score"].to_numpy()[table["row"].to_numpy()])


def test_a_metric_is_scored_on_the_way_and_leaves_nothing_else(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.npy"
    status, out, _ = run(
        capsys, "prune", pool, "--metric", "loss", "--keep", 0.5, "--side", "hardest", "--label", "label", "--out", kept
    )
    assert status == 0
    assert "100 of 200 examples kept, the hardest" in out
    assert "owl" in out
    assert len(np.load(kept)) == 100
    assert {path.name for path in tmp_path.iterdir()} == {"pool.parquet", "kept.npy"}


def test_the_examples_themselves_and_a_page(
    pool: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, page, themselves = tmp_path / "kept.csv", tmp_path / "page.html", tmp_path / "examples.parquet"
    words = ("prune", pool, "--metric", "loss", "--keep", 0.3, "--params", 10, "--runs", runs, "--out", kept)
    status, out, _ = run(capsys, *words, "--kept-pool", themselves, "--figure", page, "--json")
    told = valid(out, "prune")
    assert (status, told["kept_pool"], told["figure"]) == (0, str(themselves), str(page))
    rows, whole = pl.read_csv(kept), pl.read_parquet(pool)
    assert pl.read_parquet(themselves).equals(whole[rows["row"].to_numpy()])
    assert told["threshold"] == rows["score"].min()
    assert all(title in page.read_text() for title in ("What is kept", "What the theory says", "Against random"))
    status, out, _ = run(
        capsys, "score", pool, "--metric", "loss", "--out", tmp_path / "s.npy", "--figure", page, "--json"
    )
    assert (status, valid(out, "score")["figure"]) == (0, str(page))
    assert "How hard the examples are" in page.read_text()


def test_scores_outlive_a_page_that_cannot_be_written(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What took long is kept until all is written, and the next call begins with it."""
    from allometry.data.pruning import scoring
    from allometry.notices import Refused

    def broken(*_: object) -> None:
        raise Refused("cannot-write", "no room", "there", "make some")

    words = (
        "prune",
        pool,
        "--metric",
        "loss",
        "--keep",
        0.5,
        "--side",
        "hardest",
        "--out",
        tmp_path / "k.csv",
        "--kept-pool",
        tmp_path / "e.parquet",
    )
    with monkeypatch.context() as patch:
        patch.setattr("allometry.cli.data.prune.write_rows", broken)
        assert run(capsys, *words)[0] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"pool.parquet", "k.csv.parts"}
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "_scored", broken)  # nothing is scored again
        assert run(capsys, *words)[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"pool.parquet", "k.csv", "e.parquet"}


def test_a_person_reads_the_curve_and_the_rule(
    pool: Path, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "prune",
        pool,
        "--metric",
        "random",
        "--keep",
        0.5,
        "--params",
        100,
        "--runs",
        runs,
        "--out",
        tmp_path / "k.csv",
    )
    _, out, _ = run(capsys, *words)
    assert "[assumed] side: at 2 examples per parameter" in out
    assert "the easiest" in out
    assert "exponent" in out
    assert "metric" in out


BAD = [
    (("score", "POOL", "--metric", "margin", "--out", "s.csv"), "no-column"),
    (("score", "POOL", "--metric", "hardness", "--out", "s.csv"), "unknown-metric"),
    (("score", "POOL", "--metric", "loss", "--out", "s.txt"), "unknown-format"),
    (("score", "POOL", "--metric", "loss", "--out", "nowhere/s.csv"), "no-folder"),
    (("score", "POOL", "--metric", "prototype", "--clusters", "500", "--out", "s.csv"), "few-rows"),
    (("score", "POOL", "--metric", "loss", "--map", "loss=los", "--out", "s.csv"), "no-column"),
    (("score", "absent.csv", "--metric", "loss", "--out", "s.csv"), "no-file"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--out", "k.csv"), "no-parameters"),
    (("prune", "POOL", "--metric", "loss", "--keep", "1.5", "--side", "hardest", "--out", "k.csv"), "bad-fraction"),
    (("prune", "POOL", "--keep", "0.5", "--side", "hardest", "--out", "k.csv"), "bad-option"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--side", "best", "--out", "k.csv"), "bad-option"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--side", "easiest", "--label", "lable", "--out", "k.csv"), "no-column"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--side", "easiest", "--out", "k.csv", "--kept-pool", "k.jsonl"), "other-kind"),
    (("prune", "s3.npz", "--metric", "random", "--keep", "0.5", "--side", "easiest", "--out", "k.csv", "--kept-pool", "k.npz"), "no-table"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--side", "easiest", "--out", "k.parquet", "--kept-pool", "k.parquet"), "written-twice"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--side", "easiest", "--out", "k.csv", "--figure", "k.png"), "bad-format"),
    (("prune", "POOL", "--metric", "loss", "--keep", "0.5", "--side", "easiest", "--out", "k.csv", "--figure", "no/k.html"), "no-folder"),
    (("score", "POOL", "--metric", "loss", "--out", "s.csv", "--figure", "s.svg"), "bad-format"),
    (("prune", "POOL", "--scores", "s3.npy", "--keep", "0.5", "--side", "easiest", "--out", "k.csv"), "ragged"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code"), BAD)
def test_bad_input_is_one_sentence_and_nothing_written(
    words: tuple[str, ...], code: str, pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    np.save("s3.npy", np.arange(3.0))
    np.savez("s3.npz", loss=np.arange(3.0))
    before = sorted(tmp_path.iterdir())
    status, out, _ = run(capsys, *(pool if word == "POOL" else word for word in words), "--json")
    error = json.loads(out)["error"]
    assert (status, error["code"]) == (2, code)
    assert error["message"]
    assert "\n" not in error["message"]
    assert sorted(tmp_path.iterdir()) == before


OVERWRITING = [
    ("score", "q.parquet", "--metric", "loss", "--out", "q.parquet"),
    ("score", "q.parquet", "--metric", "loss", "--out", "../{here}/q.parquet"),
    ("score", "v.npy", "--metric", "random", "--out", "v.npy"),
    ("score", "q.parquet", "--embeddings", "v.npy", "--metric", "prototype", "--out", "v.npy"),
    ("score", "folder", "--metric", "loss", "--out", "folder/a.csv"),
    ("score", "folder", "--metric", "loss", "--out", "folder/b.csv"),
    ("prune", "q.parquet", "--metric", "loss", "--keep", "0.5", "--side", "hardest", "--out", "q.parquet"),
    ("prune", "q.parquet", "--scores", "s.csv", "--keep", "0.5", "--side", "hardest", "--out", "s.csv"),
    ("prune", "q.parquet", "--scores", "s.csv", "--runs", "r.csv", "--keep", "0.5", "--side", "hardest", "--out", "r.csv"),
    ("prune", "q.parquet", "--metric", "loss", "--keep", "0.5", "--side", "hardest", "--out", "k.csv", "--kept-pool", "q.parquet"),
    ("prune", "folder", "--metric", "loss", "--keep", "0.5", "--side", "hardest", "--out", "k.csv", "--kept-pool", "folder/b.csv"),
    ("prune", "q.parquet", "--scores", "s.csv", "--keep", "0.5", "--side", "hardest", "--out", "k.csv", "--figure", "s.html"),
    ("score", "q.parquet", "--embeddings", "v.npy", "--metric", "loss", "--out", "k.csv", "--figure", "v.html"),
]  # fmt: skip


@pytest.mark.parametrize("words", OVERWRITING)
def test_no_input_is_overwritten(
    words: tuple[str, ...], pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    pl.read_parquet(pool).select("loss").write_csv("folder/a.csv")
    pl.read_parquet(pool).drop("embeddings").write_parquet("q.parquet")
    pool.unlink()
    np.save("v.npy", np.random.default_rng(0).standard_normal((200, 3)))
    Path("v.html").symlink_to("v.npy")
    Path("s.html").symlink_to("s.csv")
    pl.DataFrame({"row": range(200), "score": np.arange(200.0)}).write_csv("s.csv")
    Path("r.csv").write_text("metric,examples,error\nrandom,1,0.5\n")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, out, _ = run(capsys, *(word.format(here=tmp_path.name) for word in words), "--json")
    assert (status, json.loads(out)["error"]["code"]) == (2, "overwrites-input")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_killed_score_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Killed for real, while a second part is scored."""
    vectors = np.random.default_rng(0).standard_normal((600_000, 4), dtype=np.float32)
    np.save(tmp_path / "pool.npy", vectors)
    out = tmp_path / "s.npy"
    slow = (
        "import time; from allometry.data.pruning import scoring; scoring.PART = 1 << 17; save = scoring._save\n"
        "def _slow(path, part):\n    save(path, part); time.sleep(0.3)\n"
        "scoring._save = _slow\nfrom allometry.cli import main\n"
        f"main(['data', 'score', {str(tmp_path / 'pool.npy')!r}, '--metric', 'random', '--out', {str(out)!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", slow], start_new_session=True)
    try:
        while not list(Path(f"{out}.parts").glob("0*.npy")) and process.poll() is None:
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not out.exists()
    told = valid(run(capsys, "score", tmp_path / "pool.npy", "--metric", "random", "--out", out, "--json")[1], "score")
    assert 0 < told["resumed"] < 600_000  # type: ignore[operator]
    assert len(np.unique(np.load(out))) == 600_000
