"""`allometry decide policy` and `decide kept` as a user runs them."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from allometry.cli.main import main

WORLD = "success = [2.0, 2.0]\nwrong = 5\nlean = 1.0\n"
SWEEP = ("--strategy", "greedy", "--strategy", "self_consistency", "--budget", "64:1024:x2")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of 200 problems, and of 400 beside them."""
    home = tmp_path_factory.mktemp("samples")
    (home / "world.toml").write_text(WORLD)
    for name, count in (("some", 200), ("more", 400)):
        words = ["sweep", "simulated", "--engine", f"simulator:{home / 'world.toml'}", *SWEEP, "--problems", f"{count}"]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--records", f"{home / name}"])
        assert not ended.value.code
    return home


def decided(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    status, out, err = run(capsys, "decide", *words, "--json")
    assert status == 0, err
    found: dict[str, object] = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(found, json.loads(files("allometry.cli").joinpath("schemas/decide.json").read_text()))
    return found


def test_a_plan_becomes_a_policy_that_keeps_its_promise(
    samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.json"
    found = decided(capsys, "policy", samples / "some", "--target", "0.6", "--out", file)
    assert "self_consistency" in str(found["sentence"])
    held = json.loads(file.read_text())
    assert held["sample_tokens"] == 64
    assert held["accuracy"]["low"] < held["accuracy"]["value"] < held["accuracy"]["high"]
    told = decided(capsys, "kept", file, samples / "more", "--without", samples / "some")
    assert told["figures"] == {"kept": True}
    status, _, err = run(capsys, "decide", "kept", file, samples / "some")
    assert (status, "made from these very records" in err) == (2, True)


def test_lengths_and_scores_may_decide(samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("problem,score\n" + "".join(f"{i},{i % 7}\n" for i in range(200)))
    decided(capsys, "policy", samples / "some", "--budget", "500", "--lengths", "--scores", table)
    table.write_text("problem,score\n1,2\n")
    assert "has no score" in run(capsys, "decide", "policy", samples / "some", "--budget", "500", "--scores", table)[2]


BAD = {
    "no target or budget": ((), "a target or a budget"),
    "both": (("--target", "0.5", "--budget", "100"), "not both"),
    "too much": (("--target", "0.99"), "no cell reaches 99.0%: the most is"),
    "too little": (("--budget", "2"), "the least is"),
    "no number": (("--target", "nan"), "is not a number"),
    "a unit": (("--budget", "smiles=3"), "no unit of cost"),
    "two units": (("--budget", "calls=3", "--unit", "flops"), "--unit says flops"),
    "money": (("--budget", "money=3"), "have no money"),
    "scorer": (("--target", "0.5", "--scorer", "other"), "nothing is scored by 'other'"),
    "kind": (("--target", "0.5", "--selects", "learned"), "no selector is of the kind 'learned'"),
    "reader": (("--target", "0.5", "--read", "hole", "--out", "policy.json"), "no reader of answers is called 'hole'"),
    "requests alone": (("--target", "0.5", "--requests", "10"), "share the compute of training"),
    "training alone": (("--target", "0.5", "--trained", "simulator=1e9"), "requests of a life"),
    "training of another": (("--target", "0.5", "--trained", "gpt=1e9", "--requests", "10"), "names none of the engines"),
    "no FLOPs": (("--target", "0.5", "--trained", "simulator=1e9", "--requests", "10"), "FLOPs of some answers are not known"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_planned_is_refused_in_one_sentence(
    name: str, samples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words, said = BAD[name]
    status, out, err = run(capsys, "decide", "policy", samples / "some", *words)
    assert status == 2
    assert said in err
    assert (err.count("\n"), out) == (1, "")
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no strategy was run" in run(capsys, "decide", "policy", tmp_path, "--target", "0.5")[2]
    assert "no such folder" in run(capsys, "decide", "policy", tmp_path / "none", "--target", "0.5")[2]
