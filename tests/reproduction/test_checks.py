"""Every check of every published table, on the table itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from allometry.reproduction import find_table, table_names
from allometry.reproduction.suite import checkers, run_checker

CHECKS = [(table, key) for table in table_names() for key in checkers(table)]

pytestmark = pytest.mark.published


@pytest.mark.parametrize(("table", "key"), CHECKS, ids=[f"{table}-{key}" for table, key in CHECKS])
def test_figures_are_met(published: Callable[[str], Path], table: str, key: str) -> None:
    path = published(f"{table}.csv")
    assert find_table(table).missing(path.parent) == ""
    checks = run_checker(table, key, path)
    assert checks
    assert [f"{check.name}: {check.ours!r}, not {check.expected!r}" for check in checks if not check.met] == []
    assert all(check.why for check in checks if check.kind == "differs")
    assert all(
        0 <= check.tolerance <= 0.11 * abs(check.expected)
        for check in checks
        if check.expected and "end" not in check.name
    )


@pytest.mark.parametrize("table", table_names())
def test_the_declared_rows_are_those_of_the_table(published: Callable[[str], Path], table: str) -> None:
    lines = published(f"{table}.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) - 1 == find_table(table).rows
