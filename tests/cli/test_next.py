"""`allometry next` as a user runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main

ASK = ("--law", "chinchilla", "--budget", "1e21", "--bootstrap", "150")
TARGET = ("--target", "params=1e10 tokens=2e11")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 5)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(np.random.default_rng(0).normal(0, 0.003, len(n)))
    path = tmp_path / "runs.csv"
    rows = "\n".join(f"{a:.8g},{b:.8g},{c:.8g}" for a, b, c in zip(n, d, loss, strict=True))
    path.write_text(f"params,tokens,loss\n{rows}\n")
    return path


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Coverage of up to 128 samples a problem."""
    counts = np.repeat(2.0 ** np.arange(8), 3)
    coverage = np.exp(-1.2 * counts**-0.5 + np.random.default_rng(0).normal(0, 0.01, len(counts)))
    rows = ["samples,coverage", *(f"{a:g},{b:.6g}" for a, b in zip(counts, coverage, strict=True))]
    path = tmp_path / "samples.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_json_keeps_the_contract(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "next", table, *ASK, *TARGET, "--json")
    told = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/next.json").read_text()))
    assert status == 0
    assert told["expected_width_after"] < told["expected_width_grid"] < told["expected_width_before"]
    assert told["spent"] <= 1e21
    assert told["unit"] == "FLOPs"
    assert told["interval"] == "fit noise only"
    assert told["complete"] is True
    assert run(capsys, "next", table, *ASK, *TARGET, "--json")[1] == out


def test_a_person_reads_batches_and_limits(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--batches", 2, "--among", "params=1e8,1e9", "--at-most", "tokens=2e10", "--run-flops", "2e19")
    status, out, _ = run(capsys, "next", table, *ASK, *TARGET, *words)
    assert status == 0
    assert "Make batch 1 only, then ask again" in out
    assert "expected after these runs" in out
    built = json.loads(run(capsys, "next", table, *ASK, *TARGET, *words, "--json")[1])["runs"]
    assert {made["batch"] for made in built} == {1, 2}
    assert {made["at"]["params"] for made in built} <= {1e8, 1e9}
    assert max(made["at"]["tokens"] for made in built) <= 2e10
    assert max(made["cost"] for made in built) <= 2e19


def test_a_plan_is_asked_for_in_place_of_a_point(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(run(capsys, "next", table, *ASK, "--plan", "1e23", "--json")[1])
    assert told["for"] == "the optimal size at 1e23 FLOPs"
    assert told["expected_width_after"] < told["expected_width_before"]


def test_samples_at_test_time(samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offered = tmp_path / "offered.csv"
    offered.write_text("samples,cost,weight\n16,1600,1\n256,25600,1\n2048,204800,1\n2048,51200,0.25\n")
    words = ("next", samples, "--law", "coverage", "--budget", 260_000, "--target", "samples=1e5",
             "--candidates", offered)  # fmt: skip
    told = json.loads(run(capsys, *words, "--json")[1])
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/next.json").read_text()))
    assert told["unit"] == "cost"
    assert 2 in [made["candidate"] for made in told["runs"]]
    assert "row" in run(capsys, *words)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "one of the two (--target, --plan)"),
        ((*TARGET, "--plan", "1e23"), "one of the two (--target, --plan)"),
        (("--plan", "-1"), "-1 is not a budget (--plan)"),
        (("--target", "params=1e10"), "chinchilla needs tokens as well (--target)"),
        (("--target", "params=1e10 tokens=0"), "tokens cannot be 0 (--target)"),
        (("--target", "params=1e10 tokens=1e11 lr=1"), "chinchilla has no axis lr (--target)"),
        ((*TARGET, "--budget", "1e3"), "raise the budget, or allow smaller runs"),
        ((*TARGET, "--budget", "much"), "'much' is not a number (--budget)"),
        ((*TARGET, "--budget", "1e400"), "is not a budget (--budget)"),
        ((*TARGET, "--level", "2"), "--level"),
        ((*TARGET, "--bootstrap", "0"), "too few to design from (--bootstrap)"),
        ((*TARGET, "--at-least", "params=1e9", "--at-most", "params=1e8"), "params cannot be at least 1e+09 and at most 1e+08"),
        ((*TARGET, "--among", "params=1e7,"), "'' is not a number (--among)"),
        ((*TARGET, "--fix", "epochs=1"), "epochs is not an axis that can be set here"),
        ((*TARGET, "--batches", "50"), "do not go together"),
        ((*TARGET, "--candidates", "missing.csv"), "no such file (missing.csv)"),
        ((*TARGET, "--candidates", "missing.csv", "--at-most", "tokens=1e10"), "says all that can be built"),
        (("--target", "samples=1e3", "--law", "coverage"), "no column `samples`"),
    ],
)  # fmt: skip
def test_bad_questions_end_in_one_sentence(
    table: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    status, out, err = run(capsys, "next", table, *ASK, *words)
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_laws_without_a_cost_ask_for_candidates(samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "next", samples, "--law", "coverage", "--budget", 10, "--target", "samples=1e4")
    assert status == 2
    assert "give --candidates TABLE with columns samples and cost" in err
