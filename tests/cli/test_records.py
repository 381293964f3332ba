"""`allometry records` as a person uses it: look, erase, hand on."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from allometry.cli import main
from allometry.inference import Budget, Records, Simulator, World, find_strategy, simulated_problems, sweep
from allometry.inference.records import read_lines


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command line; gives status, stdout and stderr."""

    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def told(run: Any) -> Any:
    """Run with --json; gives the object after checking it against the command's schema."""

    def call(command: str, *words: object) -> dict[str, Any]:
        status, out, _ = run("records", command, *words, "--json")
        assert status == 0, out
        contents: dict[str, Any] = json.loads(out)
        schema = files("allometry.cli").joinpath(f"schemas/records_{command}.json").read_text()
        jsonschema.validate(contents, json.loads(schema))
        return contents

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve problems answered once by a simulator."""
    with Records(tmp_path / "own") as records:
        greedy = find_strategy("greedy")()
        sweep(simulated_problems(12), [greedy], [Budget(64)], Simulator(World(success=1.0)), records=records)
    return tmp_path / "own"


def test_what_is_kept_is_counted_and_not_shown(folder: Path, run: Any, told: Any) -> None:
    found = told("show", folder)["records"]
    assert found["lines"] == {"episode": 12, "prompt": 12, "sample": 12}
    assert (found["problems"], found["keep"], found["broken"], found["lost"]) == (12, {"text": 24}, 0, 0)
    assert found["engines"][0]["generated_tokens"] == 12 * 40
    assert [(one["samples"], one["episodes"]) for one in found["strategies"]] == [(12, 12)]
    assert found["bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    status, out, _ = run("records", "show", folder)
    assert status == 0
    assert "12 answers and 12 outcomes on 12 problems" in out
    assert "simulated problem" not in out
    assert "of texts: 24 as they are" in out


def test_lines_that_are_damaged_or_torn_are_counted(folder: Path, run: Any, told: Any) -> None:
    with Records(folder) as records:
        records.append([{"kind": "sent", "key": "k", "episode": "e", "started": 0.0, "engine": "x"}])
        records.close(compacted=False)
    live = next(folder.glob("live-*.jsonl"))
    live.write_bytes(live.read_bytes() + b'not JSON\n{"kind":"fail')
    found = told("show", folder)["records"]
    assert (found["live"], found["broken"], found["torn"], found["lost"]) == (1, 1, 1, 1)
    _, out, _ = run("records", "show", folder)
    assert "1 lines are damaged" in out
    assert "1 calls were begun and gave nothing" in out


def test_what_is_erased_is_told_before_and_gone_after(folder: Path, run: Any, told: Any) -> None:
    where = ("--where", 'problem == "7" or problem == "8"')
    before = list(read_lines(folder))
    would = told("scrub", folder, *where, "--dry-run")
    assert would == {"removed": 0, "matched": 6, "kinds": {"episode": 2, "prompt": 2, "sample": 2}, "dry_run": True,
                     "complete": True}  # fmt: skip
    status, out, err = run("records", "scrub", folder, *where)
    assert status == 2  # nobody is there to ask
    assert "go from" in out
    assert "--yes" in err
    assert list(read_lines(folder)) == before
    assert told("scrub", folder, *where, "--yes")["removed"] == 6
    left = list(read_lines(folder))
    assert len(left) == len(before) - 6
    assert not any(line.get("problem") in ("7", "8") for line in left)
    assert b"problem 7" not in b"".join(path.read_bytes() for path in folder.iterdir())
    status, out, _ = run("records", "scrub", folder, *where, "--yes")
    assert (status, out) == (0, f"no lines go from {folder}\n")


def test_numbers_and_empty_cells_pick_lines(folder: Path, told: Any) -> None:
    assert told("scrub", folder, "--where", "generated_tokens >= 40", "--dry-run")["kinds"]["sample"] == 12
    assert told("scrub", folder, "--where", "generated_tokens < 40", "--dry-run")["matched"] == 0
    assert told("scrub", folder, "--where", "seed == 0 and kind == 'sample'", "--dry-run")["kinds"] == {
        "sample": 12,
        "prompt": 12,
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "{none}"), "there is no such folder"),
        (("scrub", "{none}", "--where", "seed == 0"), "there is no such folder"),
        (("scrub", "{own}", "--where", "problm == '7'", "--yes"), "there is no column `problm`"),
        (("scrub", "{own}", "--where", "problem", "--yes"), "a filter is true or false"),
        (("scrub", "{own}", "--where", "seed == 'x'", "--yes"), "seed"),
        (("scrub", "{own}"), "Missing option '--where'"),
        (("export", "{own}"), "Missing option '--without-text'"),
        (("export", "{own}", "--without-text", "{own}"), "not empty"),
        (("export", "{own}", "--without-text", "{own}/lock"), "cannot be made"),
        (("export", "{own}", "--without-text", "{none}", "--keep", "text"), "holds no texts"),
        (("export", "{own}", "--without-text", "{none}", "--keep", "all"), "cannot keep 'all'"),
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(folder: Path, run: Any, words: tuple[str, ...], said: str) -> None:
    before = list(read_lines(folder))
    filled = [word.format(own=folder, none=folder.parent / "none") for word in words]
    status, out, err = run("records", *filled)
    assert status == 2, out
    assert said in err
    assert list(read_lines(folder)) == before
    assert not (folder.parent / "none").exists()


@pytest.mark.parametrize("keep", ["hashes", "meters"])
def test_a_copy_holds_no_texts(folder: Path, told: Any, keep: str) -> None:
    out = folder.parent / "other"
    assert told("export", folder, "--without-text", out, "--keep", keep)["lines"] == 36
    assert told("show", out)["records"]["keep"] == {keep: 24}
    assert b"simulated problem" not in b"".join(path.read_bytes() for path in out.iterdir())


def test_help_names_the_three(run: Any) -> None:
    status, out, _ = run("records")
    assert status == 0
    assert all(name in out for name in ("show", "scrub", "export"))
