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
    trials: str | None = None,
) -> SampleCounts:
    """The right samples and the samples of each problem, from a table with one row a sample.

    Use it for recorded samples of any tool, before `forecasts.coverage_of`; the names of columns are arguments.
    Arguments: `table` as `read_table` takes it; `problem`, `correct` (0 or 1, or true and false) and, if given,
    `sample` (number or name, one row each within a problem) and `tokens` are its columns. Where rows are counted
    already, `trials` is the column of how many samples a row stands for, and `correct` of how many of them were right.
    Errors: `Refused` for a column that is not there, a grade that is neither, missing problems, a sample twice.

    >>> told = count_samples({"problem": ["a", "b", "a"], "correct": [True, False, False]})
    >>> told.problems, told.successes.tolist(), told.trials.tolist()
    (('a', 'b'), [1.0, 0.0], [2.0, 1.0])
    """
    (counts,) = count_sample_groups(
        table, None, problem=problem, sample=sample, correct=correct, tokens=tokens, trials=trials
    ).values()
    return counts


def count_sample_groups(
    table: object,
    by: str | None,
    *,
    problem: str = "problem",
    sample: str | None = None,
    correct: str = "correct",
    tokens: str | None = None,
    trials: str | None = None,
) -> dict[str, SampleCounts]:
    """The same for each value of the column `by`, such as models, in the order of their first rows; all under "" for None.

    >>> told = count_sample_groups({"model": ["m", "n"], "problem": ["a", "a"], "correct": [1, 0]}, "model")
    >>> {name: counts.successes.tolist() for name, counts in told.items()}
    {'m': [1.0], 'n': [0.0]}
    """
    given = read_table(table)
    if not given.height:
        raise Refused("no-rows", "the table has no rows", given.where, "give one row a sample")
    names, right = _column(given, problem), _column(given, correct)
    groups: Column = np.full(given.height, "", dtype=object) if by is None else _column(given, by)
    for column, name in ((names, problem), (groups, by)):
        _refuse(given, _missing(column), f"`{name}` is missing")
    drawn = np.ones(given.height) if trials is None else _trials(given, trials)
    _refuse(given, ~_counts_of(right, drawn), f"`{correct}` is neither 0 nor 1" if trials is None
            else f"`{correct}` is no count of up to `{trials}`")  # fmt: skip
    if sample is not None:
        keys = codes([groups, names, _column(given, sample)], given.height)
        _, kinds, often = np.unique(keys, return_inverse=True, return_counts=True)
        _refuse(given, often[kinds] > 1, f"a `{sample}` of one `{problem}` stands twice")
    used = None if tokens is None else _tokens(given, tokens)
    return {
        _name(groups[rows[0]]): _counted(
            names[rows], right[rows], drawn[rows], None if used is None else float(used[rows].mean())
        )
        for rows in _rows_by(groups)
    }


def _rows_by(column: Column) -> list[np.ndarray]:
    """The rows of each value, in the order of their first ones."""
    _, which = np.unique(codes([column], len(column)), return_inverse=True)
    rows = [np.flatnonzero(which == kind) for kind in range(int(which.max()) + 1)]
    return sorted(rows, key=lambda own: int(own[0]))


def _counted(names: Column, right: Floats, drawn: Floats, tokens: float | None) -> SampleCounts:
    _, first, which = np.unique(codes([names], len(names)), return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))[which]
    successes, trials = (np.asarray(np.bincount(order, weights=weights), dtype=float) for weights in (right, drawn))
    return SampleCounts(tuple(_name(names[at]) for at in np.sort(first)), successes, trials, tokens)


def _counts_of(right: Column, drawn: Floats) -> np.ndarray:
    if not is_number(right):
        return np.zeros(len(right), dtype=bool)
    return np.asarray((right == np.round(right)) & (right >= 0) & (right <= drawn))


def _trials(table: Table, name: str) -> Floats:
    column = _column(table, name)
    known = is_number(column)
    wrong = (
        ~((column == np.round(column)) & (column >= 1) & np.isfinite(column)) if known else np.ones(len(column), bool)
    )
    _refuse(table, wrong, f"`{name}` is no number of samples")
    return np.asarray(column, dtype=float)


def _name(value: object) -> str:
    """Numbers come as floats, also where they were whole."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _column(table: Table, name: str) -> Column:
    if name not in table.columns:
        raise Refused("no-column", f"there is no column `{name}`", table.where, f"it has {', '.join(table.columns)}")
    return table.columns[name]


def _missing(column: Column) -> np.ndarray:
    return np.isnan(column) if is_number(column) else np.array([value is None for value in column])


def _tokens(table: Table, name: str) -> Floats:
    column = _column(table, name)
    if not is_number(column):
        raise Refused("not-a-number", f"`{name}` is text", table.where, "give a column of counts")
    _refuse(table, ~(np.isfinite(column) & (column >= 0)), f"`{name}` is no count")
    return column


def _refuse(table: Table, wrong: np.ndarray, said: str) -> None:
    if wrong.any():
        where = f"{table.where}, {listed_rows(np.flatnonzero(wrong))}"
        raise Refused("bad-samples", said, where, "mend these rows or leave them out")
