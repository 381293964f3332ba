"""`allometry decide` as a user runs it: every question answers in one schema, and bad input is one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.decide import build
from allometry.cli.main import main
from allometry.fits import Settings, fit, published_fit, save_fit
from allometry.laws import find_law
from allometry.runs import read_runs


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["decide", *(str(word) for word in words)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


QUESTIONS = {
    "grow": ("--params", "1.1B", "--flops", "8e20"),
    "recipe": ("--params", "7B", "--tokens", "2T"),
    "compound": ("--base", "depths=1,2,7,12 widths=32,64,160,384 groups=16,16,16,16", "--times", "8"),
    "filtering": ("quality_mixture_early_floor@tmars", "--pool", "12.8M", "--examples", "32M,128M"),
    "split": ("--item", "3,1", "--item", "10,1.5", "--total", "4k"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_answers_in_one_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, name, *QUESTIONS[name], "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/decide.json").read_text()))
    status, out, _ = run(capsys, name, *QUESTIONS[name])
    assert status == 0
    assert contents["sentence"].split()[0] in out
    assert "[published]" in out


def test_strategies_come_from_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "strategies.csv"
    table.write_text("strategy,budget,accuracy\na,1,0.2\na,10,0.8\nb,1,0.4\nb,10,0.5\n")
    status, out, _ = run(capsys, "strategies", table, "--problems", 200, "--json")
    assert status == 0
    contents = json.loads(out)
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/decide.json").read_text()))
    assert contents["sentence"] == "b is better up to a budget of 2.512, a beyond"
    table.write_text("strategy,budget,accuracy\na,1,0.2\n")
    assert "1 strategies" in run(capsys, "strategies", table, "--problems", 200)[2]


def test_choices_come_from_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "options.csv"
    table.write_text(
        "stage,option,cost,value\nread,small x1,1,0.5\nread,large x1,5,0.9\nsolve,small x1,1,0.4\nsolve,large x1,5,0.6\n"
    )
    status, out, _ = run(capsys, "choose", table, "--budget", 6, "--json")
    assert status == 0
    contents = json.loads(out)
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/decide.json").read_text()))
    assert [row["option"] for row in contents["rows"]] == ["large x1", "small x1"]
    assert run(capsys, "choose", table, "--budget", 1)[0] == 2
    table.write_text("stage,option,cost\na,b,1\n")
    assert "no column 'value'" in run(capsys, "choose", table, "--budget", 1)[2]


def saved(path: Path, law: str, values: tuple[float, ...]) -> Path:
    """A fit without rows or draws, with these constants."""
    found = find_law(law)
    save_fit(
        replace(
            published_fit("chinchilla@epoch"), law=found, estimate=np.array(values), draws=np.empty((0, len(values)))
        ),
        path,
    )
    return path


def hours(path: Path, limit: tuple[float, float, float], longest: float) -> Path:
    """A fit of a loss that falls with accelerator hours, with draws, from runs up to `longest` hours."""
    hours = np.geomspace(6, longest, 12)
    loss = (limit[0] + limit[1] * hours ** -limit[2]) * np.exp(np.random.default_rng(1).normal(0, 2e-4, 12))
    table = {"accelerator_hours": hours, "loss": loss}
    save_fit(fit(read_runs(table), "accelerator_hours", Settings(bootstrap=20)), path)
    return path


def test_machines_say_where_two_systems_cross_and_what_that_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Trends that meet at 5000 hours of the first machine; tokens a second are those of Languini for two of its models."""
    first = hours(tmp_path / "gpt.json", (2.0, 1.0, 0.1), 10_000)
    second = hours(tmp_path / "lstm.json", (2.0, 5000**0.1, 0.2), 1_000)
    words = ("machines", first, second, "--machine", "rtx3090=55416,11143,0.2", "--machine", "a100=135107,20000,1.5")
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0
    contents = json.loads(out)
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/decide.json").read_text()))
    at = contents["figures"]["crossing 1, hours"]
    assert at["low"] < at["value"] < at["high"]
    assert at["value"] == pytest.approx(5000, rel=0.1)
    money = contents["figures"]["crossing 1, money on a100, second"]
    assert money == pytest.approx(at["value"] * 11_143 / 20_000 * 1.5)
    assert len(contents["rows"]) == 5 * 2 * 2
    [warning] = contents["warnings"]
    assert warning["code"] == "crossing-beyond-runs"
    assert "0.7 decades beyond the longest run of the second system (1000 hours)" in warning["message"]
    status, out, _ = run(capsys, *words)
    assert "intervals hold fit noise only" in out
    assert "second beyond" in out
    assert run(capsys, *words[:3], "--machine", "a=1,2", "--machine", "a=1,3")[0] == 2


def test_exchange_and_machines_take_two_fits(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("comparison@clip", "comparison@mammut")
    status, _, err = run(capsys, "machines", *words, "--machine", "a=1,2")
    assert status == 2
    assert "accelerator_hours" in err
    status, _, err = run(
        capsys,
        "exchange",
        "chinchilla@epoch",
        "chinchilla@hoffmann",
        "--larger",
        8,
        "--tokens",
        "1T",
        "--inference-tokens",
        "1T",
    )
    assert status == 2
    assert "coverage" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("grow", "--params", "-1", "--flops", "1e20"), "no number of params"),
        (("grow", "--params", "1e9", "--flops", "1e15"), "the budget is 1e+15"),
        (("recipe", "--params", "many", "--tokens", "2T"), "not a number"),
        (("compound", "--base", "resnet", "--times", "8"), "is no network"),
        (("compound", "--base", "depths=1 widths=20 groups=8", "--times", "8"), "no multiple of its group width"),
        (("filtering", "chinchilla@epoch", "--pool", "1M", "--examples", "1M"), "no law of pools"),
        (("split", "--item", "3", "--total", "4k"), "an item is two numbers"),
        (("split", "--item", "3,1", "--total", "0"), "cannot be split"),
        (("machines", "comparison@clip", "comparison@clip", "--machine", "fast"), "is no machine"),
    ],
)
def test_bad_input_is_one_sentence(words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *words)
    assert status == 2
    assert not out
    assert says in " ".join(err.split())


def test_each_file_is_a_command() -> None:
    folder = files("allometry.cli").joinpath("decide")
    names = {
        path.name.removesuffix(".py")
        for path in folder.iterdir()
        if path.name.endswith(".py") and not path.name.startswith("_")
    }
    assert {command.callback.__name__ for command in build().registered_commands if command.callback} == names


def test_a_verifier_is_judged_by_a_table_of_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, page, rng = tmp_path / "samples.csv", tmp_path / "page.html", np.random.default_rng(0)
    right = rng.random((30, 8)) < 0.4
    scores = np.where(right, 0.8, 0.2)
    scores[~right & (rng.random(right.shape) < 0.2)] = 0.99  # what it takes for best is wrong
    rows = [f"p{i},{scores[i, j]},{int(right[i, j])},{j % 3}" for i in range(30) for j in range(8)]
    table.write_text("\n".join(["problem,mine,correct,answer", *rows]) + "\n")
    words = ("verifier", table, "--score", "mine", "--figure", page)
    status, out, _ = run(capsys, *words, "--json")
    assert status == 0, out
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/decide.json").read_text()))
    wrong = contents["figures"]["false positives"]
    assert wrong["low"] < 0.2 < wrong["high"]
    assert contents["figures"]["false negatives"]["value"] == 0
    assert contents["figures"]["more samples hurt"] is True
    assert [row["samples"] for row in contents["rows"]] == [1, 2, 4, 8]
    assert "best of N" in page.read_text()
    status, out, _ = run(capsys, *words)
    assert "samples hurt" in out


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("problem,score\na,1\n", (), "no column 'correct'"),
        ("problem,score,correct\na,x,1\n", (), "no number"),
        ("problem,score,correct\na,1,yes\n", (), "no number"),
        ("problem,score,correct\na,7,1\n", (), "--threshold"),
        ("problem,score,correct\na,1,1\n", ("--group", "where"), "no column 'where'"),
    ],
)
def test_samples_that_say_nothing_are_refused(
    text: str, words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "samples.csv"
    table.write_text(text)
    status, _, err = run(capsys, "verifier", table, *words)
    assert status == 2
    assert said in err
