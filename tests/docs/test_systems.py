"""The page of published systems: every answer exists, and every paper that a law names is on it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import systems
import typer

from allometry.cli.main import build_app
from allometry.laws import list_laws
from allometry.reproduction import table_names

ROOT = Path(__file__).parents[2]
ENTRIES = list(systems.entries())


def commands(app: typer.Typer, before: str = "") -> set[str]:
    """The names of all commands, those of groups behind their group's."""
    names = {before + found.callback.__name__ for found in app.registered_commands if found.callback}
    groups = [(found.name, found.typer_instance) for found in app.registered_groups if found.typer_instance]
    return names.union(*(commands(group, f"{before}{name} ") for name, group in groups))


COMMANDS = commands(build_app())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['answer']} {entry['paper'][-10:]}")
def test_every_declared_answer_is_there(entry: dict[str, str]) -> None:
    assert set(entry) == {"paper", "answer", "does", "held", "test"}
    if entry["answer"].startswith("allometry "):
        assert entry["answer"].removeprefix("allometry ") in COMMANDS
    else:
        room, _, name = entry["answer"].rpartition(".")
        assert name in import_module(room).__all__
    assert (ROOT / entry["test"]).is_file()


def test_every_paper_of_a_law_and_every_table_is_on_the_page() -> None:
    page = systems.systems_page()
    for law in list_laws():
        assert f"(laws.md#{law.name})" in page or not law.papers
    assert all(f"table `{name}`" in page for name in table_names())
    numbers = [system.number for system in systems.systems() if system.number]
    assert len(numbers) == len(set(numbers)) >= 70


def test_one_system_has_one_place_whatever_answers_it() -> None:
    found = {system.number: system for system in systems.systems()}
    answers = [answer.by for answer in found["2403.08540"].answers]
    assert {"`allometry forecast`", "table `gadre_overtraining`", "law [overtraining](laws.md#overtraining)"} <= set(
        answers
    )
    assert found["2404.10102"].title == "Chinchilla Scaling: A replication attempt"


def test_figures_that_are_not_met_are_said() -> None:
    assert "not met" not in systems.systems_page()


def test_cells_cannot_break_the_table() -> None:
    lines = [line for line in systems.systems_page().splitlines() if line.startswith("| ")]
    assert all(line.replace(r"\|", "").count("|") == 5 for line in lines)
