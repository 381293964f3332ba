"""`allometry arms` as a user runs it."""

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
    """Two recipes on one ladder, the second worth twice the FLOPs; a third on fewer runs."""
    generator, rows = np.random.default_rng(0), ["flops,recipe,loss"]
    for recipe, gain, runs in (("plain", 1, 14), ("filtered", 2, 14), ("odd", 1, 3)):
        for flops in np.geomspace(1e18, 1e21, 14)[:runs]:
            loss = 50 * (gain * flops) ** -0.07 * np.exp(generator.normal(0, 0.002))
            rows.append(f"{flops:.8g},{recipe},{loss:.8g}")
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


ASK = ("--by", "recipe", "--law", "A * flops**-a", "--at", "flops=1e22", "--bootstrap", "100")
TWO = ("--arm", "plain", "--arm", "filtered")


def test_json_keeps_the_contract(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "arms", table, *ASK, *TWO, "--json")
    told = json.loads(out)
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/arms.json").read_text()))
    assert status == 0
    assert (told["baseline"], told["against"]) == ("plain", "filtered")
    assert told["difference"]["high"] < 0
    assert told["compute_multiplier"]["value"] == pytest.approx(2, rel=0.2)
    assert told["compute_multiplier"]["low"] > 1
    assert (told["crossover"]["value"], told["order_holds"]) == (None, 1.0)
    assert told["interval"] == "fit noise only"
    assert told["paired"] == {"common": 14, "only": [0, 0]}


def test_without_resamples_there_is_still_one_strict_object(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(run(capsys, "arms", table, *ASK, *TWO, "--bootstrap", 0, "--json")[1])
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/arms.json").read_text()))
    assert (told["order_holds"], told["difference"]["low"], told["interval"]) == (None, None, "none")


def test_a_person_reads_the_answer(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "arms", table, *ASK, *TWO)
    assert status == 0
    assert "14 common rungs of 14 and 14; difference: filtered - plain; 90% intervals: fit noise only" in out
    assert "filtered has the lower loss at flops = 1e+22" in out
    assert "the same order at the target in 100% of the paired draws" in out
    assert "1.00 decades beyond the largest common rung" in out


def test_a_shared_parameter_may_be_fixed(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(run(capsys, "arms", table, *ASK, *TWO, "--fix", "a=0.07", "--json")[1])
    assert [arm["parameters"]["a"]["value"] for arm in told["arms"]] == [0.07, 0.07]
    assert told["compute_multiplier"]["value"] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "`recipe` has 3 values (plain, filtered, odd)"),
        (("--arm", "plain", "--arm", "none"), "`recipe` has no value 'none'"),
        ((*TWO, "--baseline", "odd"), "none of the two arms"),
        (("--arm", "plain", "--arm", "odd", "--law", "power"), "arm odd: 3 rungs for 3 parameters"),
        ((*TWO, "--at", "params=7e9"), "has no axis params"),
        ((*TWO, "--law", "A * params**-a"), "which FLOPs alone do not place"),
        ((*TWO, "--by", "colour"), "there is no column `colour`"),
        ((*TWO, "--tried", "some"), "neither best nor all"),
        ((*TWO, "--level", "2"), "level"),
        ((*TWO, "--tuned", "rate"), "there is no column `rate`"),
    ],
)
def test_bad_questions_end_in_one_sentence(
    table: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    status, _, err = run(capsys, "arms", table, *ASK, *more)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
