"""`allometry compare` as a user runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main
from allometry.laws import find_law


@pytest.fixture
def table(tmp_path: Path) -> Path:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 3e11, 6)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(np.random.default_rng(0).normal(0, 0.003, len(n)))
    path = tmp_path / "runs.csv"
    rows = "\n".join(f"{a:.8g},{b:.8g},{c:.8g}" for a, b, c in zip(n, d, loss, strict=True))
    path.write_text(f"params,tokens,loss\n{rows}\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_laws_are_ranked(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("compare", table, "--law", "kaplan", "--law", "chinchilla")
    status, out, _ = run(capsys, *words, "--bootstrap", 20, "--json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/compare.json").read_text()))
    assert status == 0
    assert [entry["law"] for entry in told["ranking"]] == ["chinchilla", "kaplan"]
    assert told["verdict"] == "chinchilla forecasts best"
    assert told["ranking"][0]["coverage"] is not None
    status, out, _ = run(capsys, *words, "--bootstrap", 0)
    assert "chinchilla forecasts best" in out


def test_a_given_hold_out(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("compare", table, "--law", "chinchilla", "--holdout", "params > 2e9", "--bootstrap", 0, "--json")
    told = json.loads(run(capsys, *words)[1])
    assert told["rows"] == 12
    assert told["ranking"][0]["coverage"] is None
    assert told["stack"]["error_mean"] is None


def test_the_stack_forecasts(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("compare", table, "--law", "kaplan", "--law", "chinchilla", "--bootstrap", 20)
    told = json.loads(run(capsys, *words, "--at", "params=7e10 tokens=1e12", "--json")[1])["stack"]["forecasts"][0]
    exact = 1.7 + 400 / 7e10**0.34 + 410 / 1e12**0.28
    assert told["low"] < told["value"] < told["high"]
    assert told["interval"].startswith("fit noise only")
    assert told["new_run"]["low"] < told["low"] < told["high"] < told["new_run"]["high"]
    assert told["new_run"]["interval"] == "calibrated on published tables"
    assert told["value"] == pytest.approx(exact, rel=0.02)


def test_the_page_is_that_of_the_recommended_law(
    table: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    words = ("compare", table, "--law", "kaplan", "--law", "chinchilla", "--bootstrap", 0, "--report", page)
    told = json.loads(run(capsys, *words, "--json")[1])
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/compare.json").read_text()))
    assert told["report"] == str(page)
    text = page.read_text(encoding="utf-8")
    assert find_law(told["recommended"]).title in text.split("</h1>")[0]
    for name in ("errors", "fan", "tournament", "influence", "fit"):
        assert f'id="figure-{name}"' in text


def test_a_page_in_no_folder_is_refused_before_anything_is_fitted(
    table: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ("compare", table, "--law", "chinchilla", "--report", tmp_path / "nowhere" / "page.html")
    status, _, err = run(capsys, *words)
    assert status == 2
    assert "does not exist" in err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--law", "chinchilla"), "a law is named twice"),
        (("--law", "nonsense"), "no law is called 'nonsense'"),
        (("--holdout", "params > 1"), "leaves no row to fit"),
        (("--holdout", "params > 1e99"), "leaves no row to score"),
        (("--backtest", "colour"), "colour"),
        (("--backtest", "loss"), "loss is what is forecast"),
        (("--target", "params"), "`params` is an axis of the law"),
        (("--at", "params=1e9"), "chinchilla needs tokens as well"),
        (("--at", "params=1e9 tokens=1e9 depth=3"), "chinchilla has no axis depth"),
        (("--where", "params < 2e7"), "no cut leaves"),
        (("--level", "2"), "level"),
    ],
)
def test_bad_questions_end_in_one_sentence(
    table: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    status, _, err = run(capsys, "compare", table, "--law", "chinchilla", "--bootstrap", 0, *more)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
