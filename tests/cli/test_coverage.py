"""`allometry coverage` as a user runs it: tables, counts and logs in, one schema out, bad input in one sentence."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["coverage", *(str(word) for word in words)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    status, out, err = run(capsys, *words, "--json")
    assert status == 0, out + err
    contents: dict[str, Any] = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/coverage.json").read_text()))
    return contents


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two models, 30 problems, 10 samples of each."""
    drawn = np.random.default_rng(0)
    lines = ["model,problem,sample,correct,tokens"]
    for model, hard in (("small", 20), ("large", 5)):
        for problem, chance in enumerate(drawn.beta(0.5, hard, 30)):
            lines += [f"{model},{problem},{i},{int(drawn.random() < chance)},100" for i in range(10)]
    path = tmp_path / "samples.csv"
    path.write_text("\n".join(lines))
    return path


def test_groups_forecasts_targets_gains_and_a_figure(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (
        table,
        "--by",
        "model",
        "--sample",
        "sample",
        "--tokens",
        "tokens",
        "--at",
        "1k",
        "--target",
        0.5,
        "--gain",
        0.001,
    )
    found = told(capsys, *asked, "--figure", tmp_path / "curves.html")
    assert [one["group"] for one in found["groups"]] == ["small", "large"]
    for one in found["groups"]:
        assert (one["problems"], one["samples"], one["tokens"]) == (30, 300, 100)
        (far,) = one["forecasts"]
        assert one["solved"] < far["value"] <= far["high"] <= 1
        assert 10 < far["spent"] < 1000
    assert (tmp_path / "curves.html").stat().st_size > 100_000
    status, out, _ = run(capsys, *asked)
    assert status == 0
    assert "tokens spent" in out
    assert "large" in out


def test_rows_that_are_counts_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "counts.jsonl"
    path.write_text("\n".join(json.dumps({"id": i, "right": i % 4, "n": 20}) for i in range(40)))
    found = told(capsys, path, "--problem", "id", "--correct", "right", "--trials", "n", "--at", 20)
    assert found["groups"][0]["forecasts"][0]["value"] == pytest.approx(0.75)


def log_line(problem: int, grade: object, **more: object) -> str:
    return json.dumps({
        "doc_id": problem, "target": "4", "arguments": [["2+2=", {}]], "resps": [["4"]], "filter": "strict",
        "metrics": ["exact_match"], "exact_match": grade, **more,
    })  # fmt: skip


def test_logs_of_lm_eval_are_samples_under_one_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / f"samples_sums_{seed}.jsonl" for seed in range(5)]
    for seed, path in enumerate(paths):
        lines = [log_line(problem, float(seed < problem)) for problem in range(4)]
        path.write_text("\n".join([*lines, log_line(0, 1.0, filter="flexible")]))
    (one,) = told(capsys, *paths, "--at", 1)["groups"]
    assert (one["problems"], one["samples"]) == (4, 20)
    assert one["forecasts"][0]["value"] == pytest.approx((0 + 1 + 2 + 3) / 20)


@pytest.mark.parametrize(
    ("contents", "words", "said"),
    [
        ("", ("--at", "9"), "the file is empty"),
        ("problem,correct\n", ("--at", "9"), "row"),
        ("problem,grade\na,1\n", ("--at", "9"), "no column `correct`: it has problem, grade"),
        ("problem,correct\na,1\na,0.5\n", ("--at", "9"), "neither 0 nor 1"),
        ("problem,correct\na,1\nb,0\n", ("--at", "9"), "one sample a problem"),
        ("problem,correct\na,1\na,0\n", ("--at", "9"), "2 problems or more"),
        ("problem,correct\na,1\na,0\nb,0\nb,0\n", (), "nothing was asked"),
        ("problem,correct\na,1\na,0\nb,0\nb,0\n", ("--at", "many"), "many"),
        ("problem,correct\na,1\na,0\nb,0\nb,0\n", ("--at", "9", "--by", "model"), "no column `model`"),
        ("problem,correct\na,1\na,0\nb,0\nb,0\n", ("--target", "2"), "no coverage to reach"),
        ("problem,correct\na,1\na,0\nb,0\nb,0\n", ("--at", "9", "--figure", "x.doc"), "a page is not written as .doc"),
        ("problem,correct,n\na,3,2\nb,0,2\n", ("--at", "9", "--trials", "n"), "no count of up to `n`"),
    ],
)
def test_bad_input_is_one_sentence(
    contents: str, words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(contents)
    status, out, err = run(capsys, path, *words)
    assert status == 2
    assert not out
    assert said in err.replace(f" ({path})", "")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "words", "said"),
    [
        (log_line(0, 0.5), (), "neither right nor wrong"),
        (log_line(0, 1.0, resps=[["4", "5"]]), (), "2 answers have one grade"),
        (log_line(0, 1.0, metrics=["exact_match", "doc_id"]), (), "name one: exact_match, doc_id"),
        (log_line(0, 1.0), ("--metric", "f1"), "no grade 'f1'"),
        (log_line(0, 1.0, metrics=3), (), "no graded sample"),
    ],
)
def test_logs_without_one_grade_a_sample_are_refused(
    line: str, words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "samples_sums_1.jsonl"
    path.write_text(line)
    status, _, err = run(capsys, path, "--at", "9", *words)
    assert status == 2
    assert said in err
