"""`allometry data mix` as a user runs it: a table of mixtures in, one schema out, bad input in one sentence."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest

from allometry.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["data", "mix", *(str(word) for word in words)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def table(tmp_path: Path) -> Path:
    code, noise = np.linspace(0.05, 0.95, 12), np.random.default_rng(0).normal(0, 0.001, (2, 12))
    losses = (1 + np.exp(-3 * code)) * np.exp(noise[0]), (2 + 0.6 * np.exp(-3 * (1 - code))) * np.exp(noise[1])
    frame = pl.DataFrame({"share_code": code, "share_web": 1 - code, "loss_code": losses[0], "loss_web": losses[1]})
    frame.write_csv(tmp_path / "mixtures.csv")
    return tmp_path / "mixtures.csv"


def test_the_best_mixture_and_its_page(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "costs.html"
    status, out, _ = run(
        capsys, table, "--bootstrap", 100, "--now", "code=0.2", "--now", "web=0.8", "--figure", page, "--json"
    )
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/data_mix.json").read_text()))
    code = contents["mixture"]["code"]
    assert code["low"] <= (3 + np.log(1 / 0.6)) / 6 <= code["high"]
    assert contents["base"] == {"is": "the mixture given", "mixture": {"code": 0.2, "web": 0.8}}
    assert contents["gain"]["low"] > 0
    assert (contents["rows"], contents["kept"]) == (12, 12)
    assert {row["domain"] for row in contents["curve"]} == {"code", "web"}
    assert "What each share costs" in page.read_text()


def test_what_a_person_reads(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, table, "--bootstrap", 0, "--weigh", "code=3", "--weigh", "web=1")
    assert status == 0
    assert "mixture of least loss, by data_mixing on 12 mixtures" in out
    assert "[assumed] weights: 0.75 code, 0.25 web" in out
    assert "[measured] unseen mixtures: mean 0." in out


def test_one_weight_given_leaves_the_others_at_one(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, table, "--bootstrap", 0, "--weigh", "code=3", "--starts", 8)
    assert status == 0
    assert "[assumed] weights: 0.75 code, 0.25 web" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--shares", "share_code"), "1 columns of shares"),
        (("--shares", "share_code,nothing"), "nothing"),
        (("--weigh", "code"), "is not name=value"),
        (("--now", "code=0.9"), "sum to 0.9, not to 1"),
        (("--level", "3"), "not between 0 and 1"),
        (("--figure", "page.png"), "a page is not written as .png"),
        (("--weigh", "code=1", "--weigh", "web=0", "--where", "share_code < 0.8"), "share of code that was tried"),
        (("--transfer", "none.csv"), "no such file"),
    ],
)
def test_bad_input_is_one_sentence(
    table: Path, words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, table, "--bootstrap", 0, *words)
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1
