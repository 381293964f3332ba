"""The documented example of a task of one's own: its files, its commands and its Python, as the page shows them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from allometry.cli import main
from allometry.inference.tasks import READERS, read_problems
from allometry.inference.tasks.reading import FIELDS
from allometry.inference.verifiers import list_graders

PAGE = (Path(__file__).parents[1] / "docs" / "own-task.md").read_text(encoding="utf-8")


def fences(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's own files."""
    monkeypatch.chdir(tmp_path)
    write, grader, _ = fences("python")
    exec(compile(write, "the page", "exec"), {})
    (tmp_path / "grade.py").write_text(grader, encoding="utf-8")
    (tmp_path / "world.toml").write_text(fences("toml")[0], encoding="utf-8")
    return tmp_path


def test_the_python_of_the_page_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problems = read_problems("chats.jsonl")
    assert (len(problems), len({problem.group for problem in problems})) == (20, 5)
    assert len(fences("python")[1].strip().splitlines()) <= 10
    exec(compile(fences("python")[2], "the page", "exec"), {})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    best = [line for line in lines if line[0].startswith("best_of_n")]
    votes = [line for line in lines if line[0].startswith("self_consistency")]
    assert (len(best), len(votes)) == (4, 4)
    assert all(line[-1] == "oracle" for line in best)
    assert not any(line[-1] == "oracle" for line in votes)
    accuracies = [float(line[2]) for line in best]
    assert accuracies == sorted(accuracies)  # best-of-N by an exact grader never falls
    assert accuracies[-1] > float(votes[-1][2])
    main_records = [*shlex.split(fences("sh")[0].splitlines()[-1])[1:]]
    with pytest.raises(SystemExit) as ended:
        main(main_records)
    assert not ended.value.code
    assert "on 20 problems" in capsys.readouterr().out


def test_the_three_commands_of_the_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = fences("sh")[0].strip().splitlines()
    assert len(commands) == 3
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main(shlex.split(command)[1:])
        assert not ended.value.code, capsys.readouterr().err
    assert (folder / "rows.csv").read_text(encoding="utf-8").count("\n") == 1 + 8
    assert "plotly" in (folder / "figure.html").read_text(encoding="utf-8")


def test_the_page_names_every_grader_reader_and_field() -> None:
    for name in (*list_graders(), *READERS, "tool_call"):
        assert re.search(rf"`{name}\b", PAGE), name
    for name in FIELDS:
        assert f"`{name}`" in PAGE, name
