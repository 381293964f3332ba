"""`allometry plan` with limits as a user runs it: what they cost, and what being wrong costs."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0), capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    status, out = run(capsys, "plan", *words, "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/plan.json").read_text()))
    return contents


@pytest.fixture
def saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 3e11, 6)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(np.random.default_rng(0).normal(0, 0.003, len(n)))
    table, fit = tmp_path / "runs.csv", tmp_path / "fit.json"
    rows = "\n".join(f"{a:.8g},{b:.8g},{c:.8g}" for a, b, c in zip(n, d, loss, strict=True))
    table.write_text(f"params,tokens,loss\n{rows}\n")
    assert run(capsys, "fit", table, "--law", "chinchilla", "--bootstrap", 40, "--out", fit)[0] == 0
    return fit


def test_every_limit_and_being_wrong_have_a_price(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (saved, "--flops", "1e22", "--at-most", "params=2e9", "--at-least", "tokens=1e9")
    found = told(capsys, *words)
    costs = {cost["limit"]: cost for cost in found["limits"]}
    assert list(costs) == ["params at most 2e+09", "tokens at least 1e+09", "all limits together"]
    assert costs["params at most 2e+09"]["binds"]
    assert 0 < costs["params at most 2e+09"]["compute"]["low"] < costs["params at most 2e+09"]["compute"]["value"] < 1
    assert not costs["tokens at least 1e+09"]["binds"]
    assert costs["tokens at least 1e+09"]["compute"]["high"] == 0
    assert costs["all limits together"]["loss"]["value"] == pytest.approx(
        costs["params at most 2e+09"]["loss"]["value"]
    )
    assert found["wrong"]["compute"]["expected"] <= found["wrong"]["compute"]["p95"] < 1
    assert found["recommended"]["params"] <= 2e9
    status, out = run(capsys, "plan", *words)
    assert status == 0
    assert "tokens at least 1e+09: costs 0" in out
    assert "it does not bind" in out
    assert "[fitted] recommended" in out


def test_without_limits_the_price_is_across_the_interval(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, saved, "--flops", "1e22")
    assert found["limits"] == []
    sizes = [priced["params"] for priced in found["wrong"]["across"]]
    assert (sizes[0], sizes[-1]) == pytest.approx((found["plan"]["params"]["low"], found["plan"]["params"]["high"]))
    assert found["recommended"]["expected"] <= found["wrong"]["expected"]
    out = run(capsys, "plan", saved, "--flops", "1e22")[1]
    assert "price of being wrong" in out
    assert "the plan" in out


def test_a_loss_is_priced_in_flops(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (saved, "--loss", "2.2", "--among", "params=1e9,2e9")
    found = told(capsys, *words)
    (cost,) = found["limits"]
    assert (cost["option"], cost["loss"]["value"]) == ("--among", None)
    assert cost["flops"]["value"] == pytest.approx(cost["compute"]["value"] * found["plan"]["flops"]["value"])
    assert "FLOPs" in run(capsys, "plan", *words)[1]


def test_published_constants_have_prices_of_limits_alone(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "chinchilla@epoch", "--flops", "5.76e23", "--fix", "params=280e9")
    assert found["limits"][0]["compute"]["value"] > 0
    assert found["limits"][0]["compute"]["low"] is None
    assert found["recommended"]["why"] == "no draws"
    assert "price of being wrong" not in run(capsys, "plan", "chinchilla@epoch", "--flops", "5.76e23")[1]
