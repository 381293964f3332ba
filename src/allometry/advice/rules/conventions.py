"""Rows that count parameters, FLOPs or loss in different ways, and conventions that nobody stated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.filters import option_without
from allometry.advice.finding import Finding, listed
from allometry.advice.sources import COUNTING
from allometry.advice.study import Study
from allometry.costs import rule_flops, size_axis
from allometry.runs import Runs

Array = np.ndarray

# Assumed: two ways of counting differ by more than this (attention, the head or the embeddings of a small model).
LEAST_GAP = np.log(1.05)
_UNSTATED = "not stated"


def find(study: Study) -> Iterator[Finding]:
    """Mixed conventions by what the table says, then by its numbers; what is not stated is a note."""
    mixed = [notice for notice in study.runs.notices if notice.code in ("mixed-convention", "flops-convention")]
    for notice in mixed:
        do = "count every row one way, or fit the ways apart with --where; state it with --convention name=value"
        yield Finding("mixed-conventions", "warning", notice.message, do, COUNTING)
    if not mixed:
        yield from _two_counts(study)
    unstated = [name for name in ("params", "loss_unit") if study.runs.conventions.get(name) == _UNSTATED]
    if unstated:
        evidence = f"the table does not say how it counts {' and '.join(unstated)}"
        do = " ".join(f"--convention {name}=..." for name in unstated) + ", before constants are compared with others'"
        yield Finding("convention-not-stated", "note", evidence, do, COUNTING)


def _two_counts(study: Study) -> Iterator[Finding]:
    """FLOPs over 6ND in two groups that no difference in scale explains."""
    ratio = flops_ratio(study.runs)
    upper = None if ratio is None else two_groups(ratio, study.runs)
    if ratio is None or upper is None:
        return
    fewer = upper if upper.sum() <= (~upper).sum() else ~upper
    rows = tuple(study.runs.row_numbers[fewer].tolist())
    low, high = (float(np.median(ratio[group])) for group in (~upper, upper))
    evidence = (
        f"flops / (6 x params x tokens) falls into two groups at the same sizes, x{low:.3g} ({int((~upper).sum())} rows) "
        f"and x{high:.3g} ({int(upper.sum())} rows): {listed(rows, 6)} are the fewer; either flops or params or tokens "
        "are counted in two ways"
    )
    option = option_without(study.runs, rows, study.law.axes, study.law.metric)
    do = f"count every row one way (total or non-embedding params, attention or not); to keep one group: {option}"
    dropped = np.zeros(0, dtype=bool) if study.fit is None else np.isin(study.fit.rows.numbers, rows)
    yield Finding(
        "mixed-conventions", "warning", evidence, do, COUNTING, rows, study.without(dropped) if dropped.size else ()
    )


def flops_ratio(runs: Runs) -> Array | None:
    """FLOPs over 6ND (n,); None where one of the three is missing, derived from the others or not positive."""
    size = size_axis(tuple(runs.columns))
    if size is None or not {"tokens", "flops"} <= set(runs.columns) or {"flops", "tokens", size} & set(runs.formulas):
        return None
    columns = [runs.columns[name] for name in (size, "tokens", "flops")]
    if any(column.dtype.kind != "f" or not np.all(column > 0) for column in columns):
        return None
    return np.asarray(columns[2] / rule_flops(columns[0], columns[1]), float)


def two_groups(ratio: Array, runs: Runs) -> Array | None:
    """Which rows (n,) lie above the widest gap of the ratios, None where there is one group only.

    A ratio that depends on size or tokens makes groups too; groups that differ in scale are therefore none.
    """
    logs = np.sort(np.log(ratio))
    gaps = np.diff(logs)
    cut = int(np.argmax(gaps)) if len(gaps) else 0
    if not len(gaps) or gaps[cut] < max(LEAST_GAP, logs[cut] - logs[0], logs[-1] - logs[cut + 1]):
        return None
    upper = np.asarray(np.log(ratio) > logs[cut] + gaps[cut] / 2)
    size = size_axis(tuple(runs.columns))
    scales = [runs.columns[name] for name in (size, "tokens") if name]
    apart = any(a[upper].min() > a[~upper].max() or a[upper].max() < a[~upper].min() for a in scales)
    return None if apart or min(upper.sum(), (~upper).sum()) < 2 else upper
