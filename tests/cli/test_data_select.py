"""`allometry data select` as a user runs it: samples in, proportions out, bad input in one sentence."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest

from allometry.cli.main import main

FAST = ("--rows", 40, "--resamples", 6)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["data", "select", *(str(word) for word in words)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def told(out: str) -> dict:
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/data_select.json").read_text()))
    return contents


def cloud(place: float, count: int, seed: int) -> pl.DataFrame:
    moved = np.random.default_rng(seed)
    label = moved.integers(2, size=count)
    vectors = np.stack([place + moved.normal(0, 0.4, count), 3.0 * label + moved.normal(0, 0.4, count)], axis=1)
    return pl.DataFrame({"embeddings": vectors, "x": vectors[:, 0], "y": vectors[:, 1], "label": label.astype(str)})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for i, (name, place) in enumerate({"a": 0.0, "b": 4.0, "c": 15.0}.items()):
        cloud(place, 100, i).write_parquet(f"{name}.parquet")
    pl.concat([cloud(0.0, 70, 8), cloud(4.0, 30, 9)]).write_parquet("target.parquet")
    return tmp_path


def trained(fall: float) -> Path:
    """Accuracies of five mixtures at two sizes, falling by so much as the share of c grows."""
    moved, lines = np.random.default_rng(0), ["share_a,share_b,share_c,examples,accuracy"]
    for shares in ((1, 0, 0), (0.7, 0.3, 0), (0, 1, 0), (0.5, 0, 0.5), (0, 0, 1)):
        for size in (500, 2000):
            accuracy = 0.7 + 0.03 * np.log(size / 500) - fall * shares[2] + moved.normal(0, 0.02)
            lines.append(f"{','.join(map(str, shares))},{size},{accuracy:.4f}")
    Path("trained.csv").write_text("\n".join(lines) + "\n")
    return Path("trained.csv")


SOURCES = ("a.parquet", "b.parquet", "far=c.parquet", "--target", "target.parquet")


def test_planted_proportions_with_their_distances(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(
        capsys,
        *SOURCES,
        "--label",
        "label",
        *FAST,
        "--now",
        "a=0.5",
        "--now",
        "far=0.5",
        "--figure",
        "p.html",
        "--json",
    )
    assert (status, err) == (0, "")
    contents = told(out)
    assert contents["mixture"]["a"]["value"] == pytest.approx(0.7, abs=0.1)
    assert contents["mixture"]["far"]["value"] == 0
    away = {row["mixture"]: row["distance"] for row in contents["curve"]}
    assert list(away) == ["the nearest", "even shares", "the mixture given", "a alone", "b alone", "far alone"]
    assert min(away, key=lambda name: away[name]) == "the nearest"
    assert contents["distance"]["value"] == pytest.approx(away["the nearest"], rel=1e-6)
    assert contents["gap"] < 1e-3 * away["a alone"]
    assert (contents["rows"], contents["kept"], contents["projection"]) == (400, 160, None)
    assert "How far from the target" in Path("p.html").read_text()


def test_columns_of_numbers_are_features_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_vectors = told(run(capsys, *SOURCES, "--rows", 40, "--resamples", 0, "--json")[1])
    by_columns = told(run(capsys, *SOURCES, "--rows", 40, "--resamples", 0, "--features", "x,y", "--json")[1])
    assert by_vectors["curve"] == by_columns["curve"]
    assert by_vectors["mixture"]["a"]["why"] == "no resamples were asked for"


def test_trained_mixtures_say_what_nearness_is_worth(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("a.parquet", "b.parquet", "c.parquet", "--target", "target.parquet", *FAST, "--trained", trained(0.3))
    status, out, _ = run(capsys, *words, "--examples", "4k", "--figure", "p.html", "--json")
    assert status == 0
    contents = told(out)["projection"]
    assert (contents["mixtures"], contents["runs"]) == (5, 10)
    assert contents["held_out"] < 0.5 * contents["size_alone"]
    accuracy = {row["mixture"]: row["accuracy"] for row in contents["accuracies"] if row["examples"] == 4000}
    assert accuracy["the nearest"]["value"] > accuracy["c alone"]["value"] + 0.2
    assert accuracy["the nearest"]["low"] <= 0.7 + 0.03 * np.log(8) <= accuracy["the nearest"]["high"]
    assert {"few-mixtures", "beyond-sizes", "few-resamples"} <= {notice["code"] for notice in told(out)["warnings"]}
    assert "What a distance was worth" in Path("p.html").read_text()


def test_a_distance_that_tells_nothing_is_said_and_nearness_is_never_accuracy(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("a.parquet", "b.parquet", "c.parquet", "--target", "target.parquet", *FAST, "--trained", trained(0.0))
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert "warning distance-tells-nothing" in out
    assert "[measured] nearness: it is not accuracy" in out
    assert "4000" in out  # twice the largest size


def test_a_killed_call_goes_on(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from allometry.data.selection import resamples

    words = (*SOURCES, *FAST, "--keep", "resamples.jsonl", "--json")
    whole = told(run(capsys, *words)[1])
    lines = Path("resamples.jsonl").read_text().splitlines(keepends=True)
    assert len(lines) == 6
    Path("resamples.jsonl").write_text("".join(lines[:3]) + lines[3][:20])  # killed while it wrote the fourth
    made, add = list[object](), resamples._add
    monkeypatch.setattr(resamples, "_add", lambda path, row: (made.append(row["resample"]), add(path, row)))
    assert told(run(capsys, *words)[1]) == whole
    assert made == [3, 4, 5]
    assert told(run(capsys, *words)[1]) == whole
    assert made == [3, 4, 5]
    run(capsys, *words, "--seed", 1)  # other samples: none of these is of them
    assert len(made) == 9


BAD = [
    (("a.parquet", "--target", "target.parquet"), "1 source"),
    (("a.parquet", "a.parquet", "--target", "target.parquet"), "two sources are called a"),
    (("a.parquet", "none.parquet", "--target", "target.parquet"), "no such file"),
    (("a.parquet", "nan.parquet", "--target", "target.parquet"), "is nan in row 1"),
    (("a.parquet", "wide.parquet", "--target", "target.parquet"), "3 features, and the target has 2"),
    (("a.parquet", "bare.parquet", "--target", "target.parquet", "--label", "label"), "bare has no column `label`"),
    (("a.parquet", "b.parquet", "--target", "target.parquet", "--features", "vector"), "a has no column `vector`"),
    (("a.parquet", "b.parquet", "--target", "target.parquet", "--features", "label"), "`label` of a holds text"),
    ((*SOURCES, "--now", "a=0.5", "--now", "b=0.6"), "sum to 1.1, not to 1"),
    ((*SOURCES, "--now", "d=1"), "no source is called d"),
    ((*SOURCES, "--examples", "4k"), "what accuracy a distance is worth"),
    ((*SOURCES, "--trained", "short.csv"), "no column share_far"),
    (("a.parquet", "b.parquet", "--target", "target.parquet", "--trained", "sum.csv"), "sum to 1.2, not to 1"),
    (("a.parquet", "b.parquet", "--target", "target.parquet", "--trained", "one.csv"), "trained at one size"),
    ((*SOURCES, "--figure", "p.png"), "a page is not written as .png"),
    ((*SOURCES, "--keep", "other.txt"), "something else than resamples"),
    ((*SOURCES, "--keep", "no/other.txt"), "folder no does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "says"), BAD)
def test_bad_input_is_one_sentence(
    here: Path, words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pl.DataFrame({"embeddings": [[0.0, 1.0], [float("nan"), 1.0]]}).write_parquet("nan.parquet")
    pl.DataFrame({"embeddings": [[0.0, 1.0, 2.0]] * 3}).write_parquet("wide.parquet")
    pl.DataFrame({"embeddings": [[0.0, 1.0]] * 3}).write_parquet("bare.parquet")
    Path("short.csv").write_text("share_a,share_b,examples,accuracy\n1,0,500,0.7\n0,1,900,0.6\n")
    Path("sum.csv").write_text("share_a,share_b,examples,accuracy\n1,0.2,500,0.7\n0,1,900,0.6\n")
    Path("one.csv").write_text("share_a,share_b,examples,accuracy\n1,0,500,0.7\n0,1,500,0.6\n")
    Path("other.txt").write_text("a letter\nto somebody\n")
    before = {path: path.read_bytes() for path in here.iterdir()}
    status, out, err = run(capsys, *words, "--rows", 20, "--resamples", 2)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in here.iterdir()} == before


def test_without_the_library_it_says_how_to_get_it(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ot", None)
    status, _, err = run(capsys, *SOURCES)
    assert status == 2
    assert "pip install 'allometry[selection]'" in err
