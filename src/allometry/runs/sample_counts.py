"""A table of graded samples, one row a sample, as counts for each problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allometry.notices import Refused
from allometry.runs.columns import Column, Floats, codes, is_number
from allometry.runs.messages import listed_rows
from allometry.runs.tables import Table, read_table


@dataclass(frozen=True, eq=False)
class SampleCounts:
    """For each problem (n,), in the order of their first rows: name, right samples, samples, and their mean tokens.

    `tokens` is the mean over all samples, None where the table has no such column.
    """

    problems: tuple[str, ...]
    successes: Floats
    trials: Floats
    tokens: float | None


def count_samples(
    table: object,
    *,
    problem: str = "problem",
    sample: str | None = None,
    correct: str = "correct",
    tokens: str | None = None,
) -> SampleCounts:
    """The right samples and the samples of each problem, from a table with one row a sample.

    Use it for recorded samples of any tool, before `forecasts.coverage_of`; the names of columns are arguments.
    Arguments: `table` as `read_table` takes it; `problem`, `correct` (0 or 1, or true and false) and, if given,
    `sample` (number or name, one row each within a problem) and `tokens` are its columns.
    Errors: `Refused` for a column that is not there, a grade that is neither, missing problems, a sample twice.

    >>> told = count_samples({"problem": ["a", "b", "a"], "correct": [True, False, False]})
    >>> told.problems, told.successes.tolist(), told.trials.tolist()
    (('a', 'b'), [1.0, 0.0], [2.0, 1.0])
    """
    given = read_table(table)
    names, grades = _column(given, problem), _column(given, correct)
    _refuse(given, _missing(names), f"`{problem}` is missing")
    wrong = ~np.isin(grades, (0.0, 1.0)) if is_number(grades) else np.ones(len(grades), dtype=bool)
    _refuse(given, wrong, f"`{correct}` is neither 0 nor 1")
    _, first, which = np.unique(codes([names], len(names)), return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))[which]
    if sample is not None:
        _, kinds, often = np.unique(
            codes([names, _column(given, sample)], len(names)), return_inverse=True, return_counts=True
        )
        _refuse(given, often[kinds] > 1, f"a `{sample}` of one `{problem}` stands twice")
    used = None if tokens is None else _tokens(given, tokens)
    right = np.asarray(np.bincount(order, weights=grades), dtype=float)
    return SampleCounts(tuple(_name(names[at]) for at in np.sort(first)), right, np.bincount(order).astype(float), used)


def _name(value: object) -> str:
    """Numbers come as floats, also where they were whole."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _column(table: Table, name: str) -> Column:
    if name not in table.columns:
        raise Refused("no-column", f"there is no column `{name}`", table.where, f"it has {', '.join(table.columns)}")
    return table.columns[name]


def _missing(column: Column) -> np.ndarray:
    return np.isnan(column) if is_number(column) else np.array([value is None for value in column])


def _tokens(table: Table, name: str) -> float:
    column = _column(table, name)
    if not is_number(column):
        raise Refused("not-a-number", f"`{name}` is text", table.where, "give a column of counts")
    _refuse(table, ~(np.isfinite(column) & (column >= 0)), f"`{name}` is no count")
    return float(column.mean())


def _refuse(table: Table, wrong: np.ndarray, said: str) -> None:
    if wrong.any():
        where = f"{table.where}, {listed_rows(np.flatnonzero(wrong))}"
        raise Refused("bad-samples", said, where, "mend these rows or leave them out")
