"""`share`, `diff`, `check`, what `forecast` and `plan` keep, and `fit --like`, as a user runs them."""

from __future__ import annotations

import json
import os
import stat
from importlib import resources
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli import main

POINT = "params=2e10 tokens=1e12"
TRUTH = 1.8 + 480 / 2e10**0.35 + 2100 / 1e12**0.37


@pytest.fixture
def run(capsys, tmp_path: Path, monkeypatch):
    """Run a command line in an empty folder; gives status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def told(run):
    """Run with --json; gives the object after checking it against the command's schema."""

    def call(command: str, *words: object, status: int = 0) -> dict:
        ended, out, _ = run(command, *words, "--json")
        assert ended == status, out
        contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
        schema = json.loads(resources.files("allometry.cli").joinpath("schemas", f"{command}.json").read_text())
        jsonschema.validate(contents, schema)
        return contents

    return call


def lines(rows: int) -> list[str]:
    draws = np.random.default_rng(0).standard_normal((60, 3))[:rows]
    n, d = np.round(10 ** (8.5 + 0.7 * draws[:, 0])), np.round(10 ** (10.5 + 0.7 * draws[:, 1]))
    loss = (1.8 + 480 / n**0.35 + 2100 / d**0.37) * np.exp(0.005 * draws[:, 2])
    family = ["odd" if i % 7 == 3 else "main" for i in range(rows)]
    return [
        f"moon-{i},{family[i]},{a!r},{b!r},{y!r}"
        for i, (a, b, y) in enumerate(zip(n.tolist(), d.tolist(), loss.tolist(), strict=True))
    ]


def table(path: Path, rows: int, *more: str, head: str = "run_id,family,n,tokens,loss") -> Path:
    path.write_text("\n".join([head, *lines(rows), *more]) + "\n")
    return path


@pytest.fixture
def saved(told, tmp_path: Path) -> Path:
    """A fit of 40 runs, with a mapped column and a filter."""
    runs, path = table(tmp_path / "runs.csv", 40), tmp_path / "fit.json"
    told("fit", runs, "--map", "params=n", "--where", 'family == "main"', "--law", "chinchilla", "--robust", "squared",
         "--bootstrap", 60, "--seed", 3, "--out", path)  # fmt: skip
    return path


def ledger(fit: Path) -> list[dict]:
    path = fit.with_name(fit.name + ".ledger.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_forecasts_and_plans_are_kept_once(told, run, saved: Path) -> None:
    before = saved.read_bytes()
    kept = told("forecast", saved, "--at", POINT, "--at", "params=1e9 tokens=1e11")["ledger"]
    assert (kept["new"], kept["path"]) == (2, f"{saved}.ledger.jsonl")
    assert told("forecast", saved, "--at", POINT)["ledger"]["new"] == 0
    assert told("plan", saved, "--flops", "1e23")["ledger"]["new"] == 1
    assert [line["kind"] for line in ledger(saved)] == ["forecast", "forecast", "plan"]
    assert saved.read_bytes() == before
    assert "kept in" in run("forecast", saved, "--at", POINT, "--for", "new-run")[1]
    assert "before" in run("forecast", saved, "--at", POINT, "--for", "new-run")[1]


def test_keeping_is_refused_quietly_where_it_cannot_be(told, run, saved: Path, tmp_path: Path) -> None:
    assert told("forecast", saved, "--at", POINT, "--no-record")["ledger"] == {
        "path": None,
        "new": 0,
        "why": "not asked for",
    }
    assert "no ledger" in told("forecast", "chinchilla@epoch", "--at", POINT)["ledger"]["why"]
    points = tmp_path / "points.csv"
    points.write_text("params,tokens\n" + "".join(f"{i}e9,1e11\n" for i in range(1, 102)))
    assert "101 points at once" in told("forecast", saved, "--points", points)["ledger"]["why"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fit.json", "points.csv", "runs.csv"]
    Path(f"{saved}.ledger.jsonl").mkdir()
    status, out, _ = run("forecast", saved, "--at", POINT)
    assert status == 0
    assert "not kept: the ledger cannot be written" in out


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_stops_no_forecast(told, saved: Path, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert "Permission" in told("forecast", saved, "--at", POINT)["ledger"]["why"]
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_runs_that_finished_are_scored_once(told, run, saved: Path, tmp_path: Path) -> None:
    told("forecast", saved, "--at", POINT, "--at", "params=5e10 tokens=1e12")
    new = table(tmp_path / "new.csv", 45, f"big,main,2.02e10,0.99e12,{TRUTH}")
    found = told("check", saved, new)
    (one,) = found["checks"]
    assert (one["run"], one["inside"], found["added"], found["inside"]) == ("big", True, 1, 1)
    assert abs(one["error"]) < 0.02
    assert 0 < one["rank"] < 1
    assert one["expected_low"] < TRUTH < one["expected_high"]
    assert found["open"][0]["why"] == "no finished run there yet"
    assert told("check", saved, new)["added"] == 0
    assert told("check", saved, new, "--within", "0.001")["checks"] == []
    shown = run("check", saved, new)[1]
    assert "1 of 1 inside their 90% interval" in shown
    assert [line["kind"] for line in ledger(saved)] == ["forecast", "forecast", "check"]


def test_a_table_of_the_one_run_that_finished_will_do(told, saved: Path, tmp_path: Path) -> None:
    told("forecast", saved, "--at", POINT)
    new = table(tmp_path / "new.csv", 0, f"big,main,2e10,1e12,{1.2 * TRUTH}")
    assert told("check", saved, new, "--fail-if", "outside", "--no-record", status=3)["checks"][0]["inside"] is False
    assert told("check", saved, new, "--no-record")["added"] == 0
    assert len(ledger(saved)) == 1


def test_a_longer_table_is_fitted_and_read_as_before(told, run, saved: Path, tmp_path: Path) -> None:
    longer, out = table(tmp_path / "longer.csv", 50), tmp_path / "longer.json"
    found = told("fit", longer, "--like", saved, "--out", out)
    assert (found["n_runs"], found["rows_given"]) == (sum(",main," in line for line in lines(50)), 50)
    assert found["like"] == str(saved)
    one, two = json.loads(saved.read_text()), json.loads(out.read_text())
    assert one["settings"] == two["settings"]
    assert two["settings"]["seed"] == 3
    assert one["rows"]["reading"]["map"] == two["rows"]["reading"]["map"] == {"params": "n"}
    assert "as in" in run("fit", longer, "--like", saved)[1]
    everything = told("fit", longer, "--like", saved, "--where", "tokens > 0")
    assert everything["n_runs"] == 50
    renamed = table(tmp_path / "renamed.csv", 50, head="run_id,family,size,tokens,loss")
    assert told("fit", renamed, "--like", saved, "--map", "params=size")["objective"] == found["objective"]


@pytest.mark.parametrize(
    "words", [("--seed", 1), ("--bootstrap", 10), ("--level", 0.8), ("--law", "chinchilla"), ("--delta", "0.1")]
)
def test_like_and_another_setting_contradict(run, saved: Path, tmp_path: Path, words: tuple) -> None:
    status, _, err = run("fit", tmp_path / "runs.csv", "--like", saved, *words)
    assert status == 2
    assert f"{words[0]} would change it" in err.replace("\n", " ")


def test_diff_says_which_rows_moved_what(told, run, saved: Path, tmp_path: Path) -> None:
    told("fit", table(tmp_path / "longer.csv", 50), "--like", saved, "--out", tmp_path / "longer.json")
    found = told("diff", saved, tmp_path / "longer.json", "--flops", "1e23", "--at", POINT)
    assert found["rows"]["common"] == found["rows"]["before"]
    assert len(found["rows"]["came"]) == found["rows"]["after"] - found["rows"]["before"]
    assert found["plan"]["flops"] == 1e23
    whole = np.log(found["plan"]["params"]["factor"])
    parts = sum(np.log(move["effects"]["plan.params"]["factor"]) for move in found["moves"])
    assert parts == pytest.approx(whole, abs=1e-9)
    shown = run("diff", saved, tmp_path / "longer.json")[1]
    assert "moon-4" in shown
    assert "only together" in shown
    assert max(map(len, shown.splitlines())) <= 200


def test_diff_of_published_constants(told) -> None:
    found = told("diff", "chinchilla@hoffmann", "chinchilla@epoch", "--flops", "5.76e23")
    assert found["plan"]["params"]["factor"] > 2
    assert not found["complete"]


def test_a_copy_without_names(told, run, saved: Path, tmp_path: Path) -> None:
    told("forecast", saved, "--at", POINT)
    told("check", saved, table(tmp_path / "new.csv", 40, f"moon-99,main,2e10,1e12,{TRUTH}"))
    out = tmp_path / "copy.json"
    found = told("share", saved, "--anonymous", "--out", out)
    assert found["replaced"]["runs"] == found["rows"] + 1
    assert found["left"] == {"column of params": "n", "filter": 'family == "text-1"'}
    for path in (out, Path(f"{out}.ledger.jsonl")):
        assert "moon" not in path.read_text()
        assert str(tmp_path) not in path.read_text()
    told("fit", table(tmp_path / "longer.csv", 50), "--like", saved, "--out", tmp_path / "longer.json")
    ours, theirs = (told("diff", fit, tmp_path / "longer.json") for fit in (saved, out))
    assert ours["moves"] == theirs["moves"]
    assert told("check", out, tmp_path / "new.csv")["checks"][0]["inside"]
    assert "still in it, column of params: n" in run("share", saved, "--anonymous", "--out", tmp_path / "again.json")[1]


def test_a_copy_without_rows(told, run, saved: Path, tmp_path: Path) -> None:
    told("forecast", saved, "--at", POINT)
    told("check", saved, table(tmp_path / "new.csv", 40, f"moon-99,main,2e10,1e12,{TRUTH}"))
    out = tmp_path / "bare.json"
    found = told("share", saved, "--fingerprint-only", "--out", out)
    assert (found["rows"], found["rows_used"]) == (0, json.loads(saved.read_text())["rows"]["given"] - 6)
    assert [line["kind"] for line in ledger(out)] == ["forecast"]
    assert told("inspect", out)["fingerprint"] == told("inspect", saved)["fingerprint"]
    told("inspect", out)
    one = told("forecast", out, "--at", POINT)["forecasts"][0]
    assert one["low"] is not None
    assert one["calibrated"]["low"] is None
    assert "not handed on" in one["calibrated"]["why"]
    assert "plan-untested" in {warning["code"] for warning in told("plan", out, "--flops", "1e23")["warnings"]}
    assert told("report", out, "--out", tmp_path / "page.html")["backtest"] is None
    assert told("fit", tmp_path / "runs.csv", "--like", out)["n_runs"] == found["rows_used"]
    assert told("check", out, tmp_path / "new.csv")["checks"][0]["inside"]
    assert "handed on without its" in run("diff", out, saved)[1]


def test_the_report_shows_the_ledger(told, saved: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    told("report", saved, "--out", page, "--no-backtest")
    assert "what came of it" not in page.read_text()
    told("forecast", saved, "--at", POINT)
    told("report", saved, "--out", page, "--no-backtest")
    assert "1 forecast on record; no run that would test them has finished yet." in page.read_text()
    told("check", saved, table(tmp_path / "new.csv", 0, f"<b>big</b>,main,2e10,1e12,{TRUTH}"))
    told("report", saved, "--out", page, "--no-backtest")
    assert "1 of 1 inside the interval for one run" in page.read_text()
    assert 'data-figure="figure-ledger"' in page.read_text()
    assert "<b>big</b>" not in page.read_text()
    assert told("inspect", saved)["ledger"] == {"forecasts": 1, "plans": 0, "checks": 1}


def test_what_cannot_be_is_refused_in_one_sentence(run, told, saved: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs.csv"
    assert run("check", saved, runs)[0] == 2  # nothing was said yet
    told("forecast", saved, "--at", POINT)
    running = tmp_path / "running.csv"
    running.write_text(
        "run_id,family,n,tokens,loss,state\nbig,main,2e10,1e12,2.1,running\nb,main,3e10,1e12,2.1,crashed\n"
    )
    narrow = tmp_path / "narrow.csv"
    narrow.write_text("n,loss\n2e10,2.1\n3e10,2.1\n")
    told(
        "fit",
        runs,
        "--map",
        "params=n",
        "--law",
        "E + A / params**alpha",
        "--bootstrap",
        0,
        "--out",
        tmp_path / "other.json",
    )
    newer = tmp_path / "newer.json"
    newer.write_bytes(saved.read_bytes())
    Path(f"{newer}.ledger.jsonl").write_text('{"ledger": 9}\n')
    for words, said in (
        (("check", "chinchilla@epoch", runs), "no ledger"), (("check", tmp_path / "absent.json", runs), "cannot be read"),
        (("check", saved, tmp_path / "absent.csv"), "no such file"), (("check", saved, running), "none of 2 rows is left"),
        (("check", saved, narrow), "no column `tokens`"), (("check", saved, runs, "--within", "0.9"), "not a share"),
        (("check", saved, runs, "--fail-if", "inside"), "nothing to fail on"), (("check", newer, runs), "version 9"),
        (("diff", saved, tmp_path / "other.json"), "another formula"), (("diff", saved, tmp_path / "absent.json"), "cannot be read"),
        (("diff", saved, saved, "--at", "params=1e9"), "no tokens"), (("diff", saved, saved, "--flops", "much"), "much"),
        (("share", saved, "--out", saved), "replace the fit itself"), (("share", runs, "--out", tmp_path / "x.json"), "not a whole JSON"),
        (("share", saved, "--out", tmp_path / "no" / "x.json"), "does not exist"),
        (("share", "chinchilla@epoch", "--out", tmp_path / "x.json", "--with-rows"), "cannot be read"),
    ):  # fmt: skip
        status, out, err = run(*words)
        assert (status, out) == (2, ""), words
        assert said in err.replace("\n", " "), (words, err)
    told("share", saved, "--out", tmp_path / "copy.json")
    status, _, err = run("share", saved, "--out", tmp_path / "copy.json")
    assert status == 2
    assert "is there already" in err.replace("\n", " ")


def test_a_line_torn_by_a_kill_is_told_and_loses_nothing_else(told, run, saved: Path, tmp_path: Path) -> None:
    told("forecast", saved, "--at", POINT, "--at", "params=5e10 tokens=1e12")
    path = Path(f"{saved}.ledger.jsonl")
    path.write_bytes(path.read_bytes()[:-100])
    found = told("check", saved, table(tmp_path / "new.csv", 0, f"big,main,2e10,1e12,{TRUTH}"))
    assert [warning["code"] for warning in found["warnings"]] == ["ledger-torn"]
    assert len(found["checks"]) == 1
    assert told("forecast", saved, "--at", "params=5e10 tokens=1e12")["ledger"]["new"] == 1
    assert told("inspect", saved)["ledger"] == {"forecasts": 2, "plans": 0, "checks": 1}
