"""`allometry data sample` as a user runs it: a forecast by a table, a simulator whose truth is known, a stop and a resume."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main
from allometry.inference.engines import World


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["data", "sample", *(str(word) for word in words)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    status, out, err = run(capsys, *words, "--json")
    assert status == 0, out + err
    contents: dict[str, Any] = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/data_sample.json").read_text()))
    return contents


@pytest.fixture
def engine(tmp_path: Path) -> str:
    path = tmp_path / "world.toml"
    path.write_text("success = [0.7, 1.4]\nseed = 5\n")
    return f"simulator:{path}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Counts of eight samples of the problems of that world."""
    world, drawn = World(success=(0.7, 1.4), seed=5), np.random.default_rng(0)
    lines = ["problem,correct,n", *(f"{i},{drawn.binomial(8, world.success_of(i))},8" for i in range(60))]
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_forecast_by_a_table_asks_nothing(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--rates", table, "--trials", "n", "--correct", 6)
    assert (found["queries"], found["drawn"], found["rates"], found["complete"]) == (60, None, "measured", False)
    trials = found["forecast"]["trials"]
    assert trials["low"] < trials["value"] < trials["high"]
    assert found["vanilla"]["difficulty"] < found["difficulty"]
    status, out, _ = run(capsys, "--rates", table, "--trials", "n")
    assert status == 0
    assert "queries short of target" in out


def test_what_is_beside_it_is_not_by_raw_shares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """500 queries with 8 trials each: the line to beat, as it is by their true rates."""
    drawn = np.random.default_rng(2)
    rates = drawn.beta(0.7, 1.4, 500)
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(["problem,correct,n", *(f"{i},{k},8" for i, k in enumerate(drawn.binomial(8, rates)))]))
    found = told(capsys, "--rates", path, "--trials", "n", "--rule", "uniform", "--correct", 10, "--cap", 256)
    each = found["vanilla"]["trials_each"]
    assert found["vanilla"]["covered"] == pytest.approx((1 - (1 - rates) ** each).mean(), abs=0.02)
    assert found["vanilla"]["difficulty"] == pytest.approx((rates * (1 - rates)).sum() / rates.sum(), abs=0.02)


def test_a_pilot_without_a_success_is_not_certain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(["problem,correct,n", *(f"{i},0,8" for i in range(20))]))
    asked = ("--rates", path, "--trials", "n", "--rule", "uniform", "--correct", 1, "--cap", 256)
    found = told(capsys, *asked)["forecast"]
    for name in ("trials", "right", "short"):
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]
    assert "nan" not in run(capsys, *asked)[1]


def test_a_draw_outside_its_interval_says_so(engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("simulated", "--engine", engine, "--problems", 20, "--correct", 2, "--cap", 20)
    for level, said in ((0.01, True), (0.999, False)):
        _, out, _ = run(capsys, *asked, "--level", level)
        assert ("outside the forecast's interval" in out) == said


def test_a_pilot_a_forecast_and_what_is_drawn(engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "right.jsonl"
    asked = ("simulated", "--engine", engine, "--problems", 60, "--correct", 5, "--cap", 40, "--out", out)
    found = told(capsys, *asked, "--level", 0.99)
    drawn, lines = found["drawn"], [json.loads(line) for line in out.read_text().splitlines()]
    assert found["complete"]
    assert found["forecast"]["trials"]["low"] <= drawn["trials"] <= found["forecast"]["trials"]["high"]
    for query in drawn["queries"]:
        kept = [line for line in lines if line["id"] == query["id"]]
        assert len(kept) == query["right"] == query["target"] or query["trials"] == 40
        assert all(line["response"] == f"answer {query['id']}" for line in kept)
    assert len(lines) == drawn["right"]
    assert drawn["calls_paid"] == drawn["trials"] == sum(query["trials"] for query in drawn["queries"])
    status, said, _ = run(capsys, *asked)
    assert status == 0
    assert "drawn:" in said


def test_it_goes_on_from_where_its_limit_stopped_it(
    engine: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("simulated", "--engine", engine, "--problems", 20, "--rates", table, "--trials", "n", "--rule", "uniform")
    kept = ("--records", tmp_path / "records")
    cut = told(capsys, *asked, *kept, "--limit", "calls=30")
    assert not cut["complete"]
    assert cut["drawn"]["calls_paid"] <= 30
    rest, whole = told(capsys, *asked, *kept), told(capsys, *asked)
    assert rest["drawn"]["queries"] == whole["drawn"]["queries"]
    assert cut["drawn"]["calls_paid"] + rest["drawn"]["calls_paid"] == whole["drawn"]["calls_paid"]


def test_a_limit_met_in_the_pilot_keeps_what_was_right(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("simulated", "--engine", engine, "--problems", 20, "--limit", "calls=60", "--out", tmp_path / "out.jsonl")
    found = told(capsys, *asked)
    assert not found["complete"]
    assert found["drawn"]["calls_paid"] <= 60
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == found["drawn"]["right"] > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "without --rates nothing is known"),
        (("simulated", "--engine", "ENGINE", "--rule", "prop2dif"), "no rule is called 'prop2dif'"),
        (("simulated", "--engine", "ENGINE", "--rates", "TABLE", "--trials", "n", "--problems", "70"), "has no row of problem '60'"),
        (("simulated", "--engine", "ENGINE", "--limit", "calls=1:8:x2"), "is a series"),
        (("simulated", "--engine", "ENGINE", "--out", "/nowhere/out.jsonl"), "does not exist"),
        (("--rates", "TABLE", "--trials", "m"), "`m`"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(
    words: tuple[str, ...], said: str, engine: str, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, *({"ENGINE": engine, "TABLE": str(table)}.get(word, word) for word in words))
    assert status == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
