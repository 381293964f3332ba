"""The same measurement in two tables that are to be joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from allometry.advice.finding import Change, Finding, listed
from allometry.advice.rounding import half_unit, same_rows
from allometry.advice.sources import OWN
from allometry.advice.study import Study
from allometry.notices import Refused
from allometry.runs import Runs, read_runs

Array = np.ndarray

# Assumed: below this relative rounding of the metric, equal values at equal settings are not two runs; above it they
# may be, since runs of equal settings differ by some tenths of a per cent.
FINE = 1e-4


def find(study: Study) -> Iterator[Finding]:
    """Rows of each other table that are rows of this one, up to the rounding in which the two are written."""
    names = [*study.law.axes, study.law.metric]
    for other in study.others:
        ours, theirs = ([runs.column(name) for name in names] for runs in (study.runs, other))
        pairs = same_rows(ours, theirs)
        if pairs:
            yield _found(study, other, names, pairs)


def _found(study: Study, other: Runs, names: list[str], pairs: list[tuple[int, int]]) -> Finding:
    metric = study.law.metric
    rounding = half_unit(other.column(metric)) + half_unit(study.runs.column(metric))
    fine = rounding / float(np.median(study.runs.column(metric))) < FINE
    own = [i for i, _ in pairs]
    rows = tuple(int(study.runs.row_numbers[i]) for i in own)
    farthest = max(abs(float(np.log(study.runs.column(n)[i] / other.column(n)[j]))) for i, j in pairs for n in names)
    evidence = (
        f"{len(pairs)} of {len(other)} rows of {other.source} are rows of this table: they agree in {', '.join(names)} "
        f"up to the rounding of the files (largest relative difference {farthest:.1g}): {listed(rows, 6)}"
    )
    left = len(other) - len(pairs)
    do = f"do not count {other.source} as further evidence: " + (
        "every row of it is here, so use this table alone" if not left else f"join only its other {left} rows"
    )
    return Finding(
        "duplicates-across", "warning" if fine else "note", evidence, do, OWN, rows, _effect(study, other, names, pairs)
    )


def _effect(study: Study, other: Runs, names: list[str], pairs: list[tuple[int, int]]) -> tuple[Change, ...]:
    """Both tables as they are, against both with each row once: mostly the intervals are too narrow."""
    again = np.isin(np.arange(len(other)), [j for _, j in pairs])
    try:
        both, once = (
            Study(joined(study.runs, other, names, keep), study.law, study.settings, study.at, study.flops)
            for keep in (np.ones(len(other), dtype=bool), ~again)
        )
        if both.fit is None or once.fit is None:
            return ()
        return tuple(replace(change, quantity=f"{change.quantity}, tables joined") for change in both.changed(once.fit))
    except Refused:
        return ()


def joined(one: Runs, other: Runs, names: list[str], keep: Array) -> Runs:
    """The columns `names` of one table and, below them, those of another's rows where `keep` (m,) holds."""
    table = {name: np.concatenate([one.column(name), other.column(name)[keep]]) for name in names}
    return read_runs(table, drop_invalid=one.drop_invalid)
