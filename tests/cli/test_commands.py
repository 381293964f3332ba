"""Each command as a new user runs it: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli import main


@pytest.fixture
def run(capsys):
    """Run a command line; gives status, stdout and stderr."""

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def told(run):
    """Run with --json; gives the object after checking it against the command's schema."""

    def call(command: str, *words: object) -> dict:
        status, out, _ = run(command, *words, "--json")
        assert status == 0, out
        contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
        schema = json.loads(resources.files("allometry.cli").joinpath("schemas", f"{command}.json").read_text())
        jsonschema.validate(contents, schema)
        return contents

    return call


@pytest.fixture
def table(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    params, tokens = 10 ** generator.uniform(7, 10, 40), 10 ** generator.uniform(9, 12, 40)
    loss = (1.8 + 480 / params**0.35 + 2100 / tokens**0.37) * np.exp(0.005 * generator.standard_normal(40))
    lines = [f"{n!r},{d!r},{y!r}" for n, d, y in zip(params.tolist(), tokens.tolist(), loss.tolist(), strict=True)]
    path = tmp_path / "runs.csv"
    path.write_text("n,tokens,loss\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def saved(told, table: Path, tmp_path: Path) -> Path:
    path = tmp_path / "fit.json"
    told("fit", table, "--law", "chinchilla", "--map", "params=n", "--bootstrap", 60, "--out", path)
    return path


def test_runs_tells_what_a_table_holds(told, run, table: Path) -> None:
    found = told("runs", table, "--map", "params=n")
    assert found["rows"] == 40
    assert found["axes"]["params"]["low"] > 1e7
    assert "40 of 40 rows used" in run("runs", table, "--map", "params=n")[1]


def test_fit_prints_what_others_rely_on(told, run, table: Path) -> None:
    found = told("fit", table, "--law", "chinchilla", "--map", "params=n", "--bootstrap", 60)
    assert found["n_runs"] == 40
    alpha = found["parameters"]["alpha"]
    assert alpha["low"] < 0.35 < alpha["high"]
    assert found["influence"][0]["expected"]
    shown = run("fit", table, "--law", "chinchilla", "--map", "params=n", "--bootstrap", 60)[1]
    assert "fit noise only" in shown


def test_fit_by_group_and_by_target(told, table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    wide = tmp_path / "wide.csv"
    rows = [f"{line},{float(line.split(',')[2]) * 1.1},{i % 2}" for i, line in enumerate(lines[1:])]
    wide.write_text("\n".join([lines[0] + ",other_loss,half", *rows]) + "\n")
    base = (wide, "--law", "chinchilla", "--map", "params=n", "--bootstrap", 40)
    both = told("fit", *base, "--target", "loss", "--target", "other_loss")
    assert len(both["fits"]) == 2
    assert both["paired"][0]["low"] is not None
    assert {f["group"] for f in told("fit", *base, "--by", "half")["fits"]} == {"0", "1"}


def test_forecast_plan_inspect_and_report(told, run, saved: Path, tmp_path: Path) -> None:
    forecast = told("forecast", saved, "--at", "params=7B tokens=2e12", "--for", "new-run")["forecasts"][0]
    assert forecast["low"] < forecast["value"] < forecast["high"]
    plan = told("plan", saved, "--flops", "1e24", "--vocab", 32000)
    assert plan["interval"] == "fit noise only"
    assert plan["plan"]["params"]["low"] < plan["plan"]["params"]["value"]
    assert {step["mark"] for step in plan["steps"]} <= {"measured", "fitted", "published", "assumed"}
    assert told("inspect", saved)["rows_used"][:2] == [0, 1]
    page = tmp_path / "report.html"
    assert told("report", saved, "--out", page, "--flops", "1e23")["report"] == str(page)
    assert page.stat().st_size > 100_000


def test_repeating_a_fit_like_another_gives_the_same(told, table: Path, saved: Path) -> None:
    again = told("fit", table, "--map", "params=n", "--like", saved)
    assert again["objective"] == pytest.approx(json.loads(saved.read_text())["objective"], rel=1e-12)


def test_published_constants_stand_in_for_a_fit(told) -> None:
    plan = told("plan", "chinchilla@epoch", "--flops", 5.76e23)
    assert plan["plan"]["params"]["low"] is None
    assert plan["provenance"] == "published"
    assert told("evaluate", "chinchilla@hoffmann", "--at", "params=70e9 tokens=1.4e12")["value"] == pytest.approx(
        1.9366, abs=1e-4
    )
    assert {law["name"] for law in told("laws")["laws"]} >= {"chinchilla", "kaplan", "bnsl", "power", "parscale"}


def test_isoflop(told, tmp_path: Path) -> None:
    spread, budget = np.meshgrid(np.geomspace(0.2, 5, 7), [1e18, 1e19, 1e20])
    size = spread * np.sqrt(budget / 120)
    rows = zip(size.ravel(), (budget / 6 / size).ravel(), (2 + np.log(spread.ravel()) ** 2).ravel(), strict=True)
    path = tmp_path / "sweep.csv"
    path.write_text(
        "params,tokens,loss\n" + "".join(f"{a!r},{b!r},{c!r}\n" for a, b, c in (map(float, r) for r in rows))
    )
    found = told("isoflop", path, "--flops", 1e21, "--bootstrap", 20)
    assert found["exponent_tokens"]["value"] == pytest.approx(0.5, abs=1e-6)
    assert all(b["convex"] for b in found["budgets"])


BAD_TABLES = {
    "empty": "", "header only": "params,tokens,loss\n", "one row": "params,tokens,loss\n1e7,1e9,3.0\n",
    "text": "params,tokens,loss\n1e7,1e9,3.0\nbig,1e9,3.0\n1e8,1e9,2.9\n",
    "constant": "params,tokens,loss\n" + "1e7,1e9,3.0\n2e7,3e9,3.0\n3e7,2e9,3.0\n4e7,1e10,3.0\n5e7,6e9,3.0\n",
    "four runs": "params,tokens,loss\n1e7,1e9,3.0\n2e7,3e9,2.9\n3e7,2e9,2.8\n4e7,1e10,2.7\n",
    "nan": "params,tokens,loss\n1e7,1e9,3.0\n2e7,3e9,nan\n3e7,2e9,2.8\n4e7,1e10,2.7\n",
    "negative": "params,tokens,loss\n1e7,1e9,3.0\n-2e7,3e9,2.9\n3e7,2e9,2.8\n4e7,1e10,2.7\n",
    "ragged": "params,tokens,loss\n1e7,1e9,3.0,9\n2e7,3e9,2.9\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_refused_in_one_sentence(run, tmp_path: Path, name: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(BAD_TABLES[name])
    status, out, err = run("fit", path, "--law", "chinchilla")
    assert (status, out) == (2, "")
    assert err.startswith("allometry: ")
    assert "Traceback" not in err
    status, out, _ = run("fit", path, "--law", "chinchilla", "--json")
    assert status == 2
    assert set(json.loads(out)["error"]) == {"code", "message", "where", "mend"}


@pytest.mark.parametrize("words", [
    ("fit", "absent.csv", "--law", "chinchilla"), ("fit", "TABLE", "--law", "chinchila"), ("fit", "TABLE", "--law", "__import__('os')"),
    ("fit", "TABLE", "--law", "E + 9**9**8"), ("fit", "TABLE", "--law", "chinchilla", "--fix", "alpha"), ("fit", "TABLE"),
    ("fit", "TABLE", "--law", "chinchilla", "--where", "colour == 3"), ("fit", "TABLE", "--law", "chinchilla", "--delta", "-1"),
    ("fit", "TABLE", "--law", "chinchilla", "--robust", "cubic"), ("fit", "TABLE", "--law", "chinchilla", "--level", "90"),
    ("forecast", "absent.json", "--at", "params=1"), ("plan", "chinchilla@nobody", "--flops", "1e20"), ("plan", "chinchilla@epoch"),
    ("plan", "power@nobody", "--flops", "1e20"), ("evaluate", "chinchilla@epoch", "--published", "hoffmann", "--at", "params=1e9 tokens=1e9"),
    ("fit", "TABLE", "--law", "chinchilla", "--map", "params=n", "--bootstrap", "1"), ("nonsense",), ("fit", "TABLE", "--nonsense"), ("evaluate", "chinchilla", "--at", "params=1"),
])  # fmt: skip
def test_bad_words_are_refused(run, table: Path, words: tuple[str, ...]) -> None:
    status, _, err = run(*(table if word == "TABLE" else word for word in words))
    assert status == 2
    assert err.startswith("allometry: ")


def test_a_table_whose_axes_move_together_gets_no_plan(told, run, tmp_path: Path) -> None:
    params = np.logspace(7, 10, 20)
    loss = (1.8 + 480 / params**0.35 + 2100 / (20 * params) ** 0.37) * np.exp(0.003 * np.sin(np.arange(20.0)))
    path, fit = tmp_path / "chinchilla_line.csv", tmp_path / "fit.json"
    path.write_text(
        "params,tokens,loss\n"
        + "".join(f"{n!r},{20 * n!r},{y!r}\n" for n, y in zip(params.tolist(), loss.tolist(), strict=True))
    )
    found = told("fit", path, "--law", "chinchilla", "--bootstrap", 40, "--out", fit)
    assert "axes-together" in {w["code"] for w in found["warnings"]}
    assert found["parameters"]["A"]["value"] is None
    status, _, err = run("plan", fit, "--flops", "1e23")
    assert status == 2
    assert "move together" in err
