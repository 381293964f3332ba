"""Every page that shows commands with their output is run, and shows what they print."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import page_commands as commands
import pytest

DOCS = Path(__file__).parents[2] / "docs"
OWN_TEST = ("sharing.md",)  # makes its tables in Python first: tests/test_sharing.py runs it
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if commands.examples(page) and page.name not in OWN_TEST]


@pytest.mark.docs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_what_its_commands_print(page: Path, tmp_path: Path) -> None:
    found = commands.examples(page)
    outputs = commands.run_all(found, tmp_path)
    for example, output in zip(found, outputs, strict=True):
        told = commands.difference(example.output, output)
        assert not told, f"{page.name}: {example.commands}{told}\npython docs/page_commands.py {page} writes it anew"


def test_every_workflow_is_a_page_that_is_run() -> None:
    assert len([page for page in PAGES if page.parent.name == "workflows"]) == 5


@pytest.mark.parametrize(
    ("shown", "found", "same"),
    [
        ("loss 0.7862 of 70 runs\n", "loss  0.7863 of 70 runs\n", True),
        ("loss 0.7862 of 70 runs\n", "loss 0.7962 of 70 runs\n", False),
        ("loss 0.7862 of 70 runs\n", "loss 0.7862 of 71 runs\n", False),
        ("3.599 M\n", "3.599 B\n", False),
        ("p = 2.3e-06\n", "p = 2.4e-06\n", True),
        ("a\nb\n", "a\n", False),
    ],
)
def test_words_must_agree_and_numbers_nearly(shown: str, found: str, same: bool) -> None:
    assert (commands.difference(shown, found) == "") is same


def test_a_page_is_written_anew_from_its_commands(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say\n\n```sh\nallometry evaluate chinchilla@epoch --at 'params=1e9 tokens=2e10' | tail -1\necho 5\n```\n\n```text\nold\n```\n\nend\n"
    )
    assert commands.refresh(page)
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("Say\n\n```sh\nallometry evaluate")
    assert text.endswith("5\n```\n\nend\n")
    assert not commands.refresh(page)


def test_a_command_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such file"):
        commands.run_all([commands.Example("allometry runs absent.csv\n", "")], tmp_path)


def test_the_script_does_as_its_examples() -> None:
    result = doctest.testmod(commands)
    assert result.attempted
    assert not result.failed


@pytest.mark.docs
def test_examples_of_docstrings_are_fenced() -> None:
    fenced = import_module("doctest_fences").fenced
    assert fenced("Adds.\n\n>>> 1 + 1\n2\n\nMore.") == "Adds.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore."
    assert fenced("Says >>> in a line.") == "Says >>> in a line."
