"""`allometry plan --inference-tokens` as a user runs it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_json_keeps_the_keys_of_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("plan", "chinchilla@epoch", "--loss", "2.1", "--inference-tokens", "2T", "--json")
    status, out, _ = run(capsys, *words)
    assert status == 0
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/plan.json").read_text()))
    life = contents["lifetime"]
    assert contents["plan"]["flops"]["value"] == pytest.approx(life["training"]["value"])
    assert life["training"]["value"] + life["serving"]["value"] == pytest.approx(life["total"]["value"])
    assert [saving["against"] for saving in life["savings"]] == ["least training", "20 tokens per parameter"]
    assert all(saving["share"]["value"] > 0 and saving["certain"] is None for saving in life["savings"])
    assert contents["loss"]["value"] == 2.1
    assert contents["wrong"]["why"] == "no draws"


def test_text_says_what_it_saves_and_how_certain(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "plan", "chinchilla@epoch", "--flops", "1e23", "--inference-tokens", "2T")
    assert status == 0
    assert "against" in out
    assert "20 tokens per parameter" in out
    assert "[assumed] serving" in out
    assert "how certain the saving is, is not known" in " ".join(out.split())


def test_a_fit_with_draws_says_how_certain_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 3e11, 6)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(np.random.default_rng(0).normal(0, 0.01, len(n)))
    table, fit = tmp_path / "runs.csv", tmp_path / "fit.json"
    table.write_text(
        "params,tokens,loss\n" + "\n".join(f"{a:.8g},{b:.8g},{c:.8g}" for a, b, c in zip(n, d, loss, strict=True))
    )
    assert run(capsys, "fit", table, "--law", "chinchilla", "--bootstrap", 40, "--out", fit)[0] == 0
    status, out, _ = run(capsys, "plan", fit, "--flops", "1e22", "--inference-tokens", "3T", "--json")
    assert status == 0
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/plan.json").read_text()))
    assert all(isinstance(saving["certain"], bool) for saving in contents["lifetime"]["savings"])
    assert contents["recommended"]["compute"]["expected"] <= contents["wrong"]["compute"]["expected"]
    assert "ratio-beyond-runs" not in {warning["code"] for warning in contents["warnings"]}
    assert contents["ledger"]["new"] == 1


def test_money_is_counted_where_a_price_is(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("plan", "chinchilla@epoch", "--loss", "2.1", "--inference-tokens", "2T", "--hardware", "h100", "--json")
    status, out, _ = run(capsys, *words)
    contents = json.loads(out)
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/plan.json").read_text()))
    assert status == 0
    assert contents["lifetime"]["unit"] == contents["lifetime"]["money"]["currency"] == "USD"
    assert "old-price" in {warning["code"] for warning in contents["warnings"]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--loss", "2.1", "--inference-tokens=-5"), "tokens to be served"),
        (("--loss", "2.1", "--inference-tokens", "many"), "is not a number"),
        (("--inference-tokens", "1T"), "a plan needs a FLOPs budget or a loss"),
        (("--loss", "0.3", "--inference-tokens", "1T"), "never reaches a loss of 0.3"),
        (("--loss", "2.1", "--hardware", "h100"), "money is counted over a model's life alone"),
        (("--loss", "2.1", "--inference-tokens", "1T", "--serve-hardware", "l4"), "the device that trains is missing"),
        (("--loss", "2.1", "--inference-tokens", "1T", "--prices", "mine.toml"), "no money is counted"),
        (("--loss", "2.1", "--prices", "mine.toml"), "money is counted over a model's life alone"),
        (("--loss", "2.1", "--inference-tokens", "1T", "--hardware", "p100"), "no price of an hour of p100"),
        (("--loss", "2.1", "--inference-tokens", "1T", "--among", "params=1e9,2e9"), "chooses among all sizes"),
    ],
)
def test_bad_input_is_one_sentence(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "plan", "chinchilla@epoch", *words)
    assert status == 2
    assert not out
    assert says in " ".join(err.split())


def test_a_plan_over_a_life_is_kept_and_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 6)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(np.random.default_rng(0).normal(0, 0.005, len(n)))
    table, fit, bigger = tmp_path / "runs.csv", tmp_path / "fit.json", tmp_path / "bigger.csv"
    rows = [f"{a:.8g},{b:.8g},{c:.8g}" for a, b, c in zip(n, d, loss, strict=True)]
    table.write_text("params,tokens,loss\n" + "\n".join(rows))
    assert run(capsys, "fit", table, "--law", "chinchilla", "--bootstrap", 40, "--out", fit)[0] == 0
    words = ("plan", fit, "--loss", 2.4, "--inference-tokens", "1T")
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0
    contents = json.loads(out)
    assert contents["ledger"]["new"] == 1
    assert "kept in" in run(capsys, *words)[1]
    plan = {name: contents["plan"][name]["value"] for name in ("params", "tokens")}
    bigger.write_text("params,tokens,loss\n" + "\n".join([*rows, f"{plan['params']:.8g},{plan['tokens']:.8g},2.41"]))
    status, out, _ = run(capsys, "check", fit, bigger, "--json")
    assert status == 0
    checks = json.loads(out)["checks"]
    assert [check["kind"] for check in checks] == ["plan"]
    assert run(capsys, *words, "--no-record", "--json")[0] == 0
