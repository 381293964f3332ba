"""Running the checks: the figures of the laws, then every published table that is there; what is not is said."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, TypeAlias

from allometry.fits import Tick
from allometry.laws import list_laws
from allometry.notices import Refused
from allometry.reproduction.check import Check
from allometry.reproduction.figures import figure_checks
from allometry.reproduction.table import find_table, table_names

FIGURES = "figures"
Checker: TypeAlias = Callable[[Path], Iterator[Check]]


class Skipped(NamedTuple):
    """A table whose checks did not run, and why."""

    name: str
    why: str


class Report(NamedTuple):
    """What ran and what did not."""

    checks: tuple[Check, ...]
    skipped: tuple[Skipped, ...]

    @property
    def unmet(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.met)


class Job(NamedTuple):
    """One part of the suite: the figures of one law, or one check function of one table."""

    name: str
    run: Callable[[], list[Check]]


class Suite(NamedTuple):
    """What will run, in parts that each report once, and what will not."""

    jobs: tuple[Job, ...]
    skipped: tuple[Skipped, ...]

    def run(self, tick: Tick = lambda _: None) -> Report:
        """Run every part; `tick` is called with 1 after each."""
        checks: list[Check] = []
        for job in self.jobs:
            checks += job.run()
            tick(1)
        return Report(tuple(checks), self.skipped)


def prepare(name: str | None = None, folder: Path | str | None = None) -> Suite:
    """The checks of everything, or of one table or of "figures", as far as the tables are in `folder`.

    Tables that are absent, or whose bytes are not the published ones, are skipped with the reason; none is fetched.
    Errors: `Refused` for an unknown name, a folder that is not there, and where the one table asked for is unusable.

    >>> suite = prepare("figures")
    >>> suite.skipped, suite.jobs[0].name.startswith("figures/")
    ((), True)
    """
    folder = None if folder is None else Path(folder)
    if folder is not None and not folder.is_dir():
        raise Refused("no-folder", f"{folder} is no folder", "--data", "name the folder of the published tables")
    tables = table_names() if name is None else () if name == FIGURES else (find_table(name).name,)
    why = {table: _missing(table, folder) for table in tables}
    skipped = tuple(Skipped(table, reason) for table, reason in why.items() if reason)
    if name is not None and skipped:
        raise Refused("no-table", f"the table of {name} cannot be used: {skipped[0].why}", "--data")
    jobs = _figures() if name in (None, FIGURES) else []
    if folder is not None:
        jobs += [job for table in tables if not why[table] for job in _jobs(table, find_table(table).path(folder))]
    return Suite(tuple(jobs), skipped)


def _missing(table: str, folder: Path | None) -> str:
    found = find_table(table)
    return found.missing(folder) if folder else f"no folder of published tables was named; {found.recipe}"


def _figures() -> list[Job]:
    return [
        Job(f"{FIGURES}/{law.name}", partial(lambda law: list(figure_checks(law)), law))
        for law in list_laws()
        if law.figures
    ]


def _jobs(table: str, path: Path) -> list[Job]:
    return [Job(f"{table}/{key}", partial(run_checker, table, key, path)) for key in checkers(table)]


def checkers(name: str) -> dict[str, Checker]:
    """The checks of a table by name: the public functions of its file, in the order in which they stand there."""
    module = import_module(f"allometry.reproduction.checks.{name}")
    return {key: function for key, function in vars(module).items() if _is_check(module, key, function)}


def _is_check(module: ModuleType, key: str, value: object) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")


def run_checker(table: str, key: str, path: Path) -> list[Check]:
    """The figures of one check function, each under its full name."""
    return [replace(check, name=f"{table}/{key}/{check.quantity}") for check in checkers(table)[key](path)]
