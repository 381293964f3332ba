"""`allometry advise` as a user runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Six sizes by five budgets with three rows of the largest runs too high."""
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(5e7, 5e9, 6), np.geomspace(1e9, 1e11, 5)))
    noise = np.random.default_rng(0).normal(0, 0.004, len(n))
    loss = (1.8172 + 482 / n**0.3478 + 2085 / d**0.3658) * np.exp(noise)
    loss[-3:] *= 1.15
    path = tmp_path / "runs.csv"
    path.write_text(
        "N,tokens,loss\n" + "\n".join(f"{a:.8g},{b:.8g},{c:.8g}" for a, b, c in zip(n, d, loss, strict=True))
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_findings_as_json(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "advise", table, "--map", "params=N", "--at", "params=7e10 tokens=1e12", "--json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/advise.json").read_text()))
    assert status == 0
    assert told["law"] == "chinchilla"
    assert told["complete"]
    first = told["findings"][0]
    assert (first["code"], first["level"], sorted(first["rows"])) == ("above-the-curve", "warning", [27, 28, 29])
    assert [change["quantity"] for change in first["effect"]] == ["loss at params=7e+10 tokens=1e+12"]
    assert told["target"]["at"] == {"params": 7e10, "tokens": 1e12}


def test_a_person_reads_what_to_do_and_what_it_changes(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "advise", table, "--map", "params=N", "--flops", "1e23", "--with", table)
    assert status == 0
    for words in ("1. warning: ", "do: ", "then: N* at 1e+23 FLOPs", "why: ", "duplicates-across", "30 of 30 rows"):
        assert words in out


def test_without_size_and_tokens_the_law_is_in_compute(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flops = np.geomspace(1e18, 1e22, 14)
    loss = (1.7 + 1000 * flops**-0.15) * np.exp(np.random.default_rng(1).normal(0, 0.003, 14))
    path = tmp_path / "frontier.csv"
    path.write_text("flops,loss\n" + "\n".join(f"{a:.8g},{b:.8g}" for a, b in zip(flops, loss, strict=True)))
    told = json.loads(run(capsys, "advise", path, "--json")[1])
    assert told["law"] == "power"
    assert told["worst"] == "note"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "neither params, tokens and loss nor flops and loss"),
        (("--map", "params=N", "--at", "params=1e9"), "chinchilla needs tokens as well"),
        (("--map", "params=N", "--at", "params=-1 tokens=1e9"), "params cannot be -1"),
        (("--map", "params=N", "--at", "params=1e9 tokens=1e9 width=3"), "no axis width"),
        (("--map", "params=N", "--at", "params=1e9 tokens=1e9", "--flops", "1e21"), "both name a target"),
        (("--map", "params=N", "--law", "nonsense"), "no law is called"),
        (("--map", "params=N", "--with", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_bad_questions_end_in_one_sentence(
    table: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    status, _, err = run(capsys, "advise", table, *more)
    assert status == 2
    assert message in err
    assert "Traceback" not in err


def test_text_where_numbers_belong_is_the_first_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "text.csv"
    path.write_text("params,tokens,loss\n1e8,1e9,3.5\n2e8,1e9,abc\n4e8,1e9,3.1\n")
    status, out, _ = run(capsys, "advise", path, "--json")
    told = json.loads(out)
    assert status == 0
    assert told["complete"] is False
    assert told["findings"][0]["code"] == "no-fit"
    assert "abc" in told["findings"][0]["evidence"]
