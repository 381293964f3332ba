"""Checkpoints from the first tokens of a run, where the loss is not yet on the curve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.finding import Finding, listed
from allometry.advice.runs import run_ends
from allometry.advice.sources import EARLY_TOKENS
from allometry.advice.study import Study
from allometry.runs import Runs

Array = np.ndarray

FIRST_TOKENS = 10e9
# Assumed: the runs behind the 10B tokens of the source saw 180B to 300B, so for shorter runs the same share counts.
FIRST_SHARE = 0.05


def find(study: Study) -> Iterator[Finding]:
    """Rows in use from the first 10B tokens of their run, or its first 5% where that is less."""
    if study.fit is None:
        return
    early = early_rows(study.runs) & np.isin(study.runs.row_numbers, study.fit.rows.numbers)
    if not early.any():
        return
    rows = tuple(study.runs.row_numbers[early].tolist())
    effect = study.without(np.isin(study.fit.rows.numbers, rows))
    evidence = (
        f"{len(rows)} of {len(study.runs)} rows in use are checkpoints from the first {FIRST_SHARE:.0%} of their run or "
        f"its first {FIRST_TOKENS / 1e9:g}B tokens: {listed(rows, 6)}"
    )
    do = f"--rows after:{FIRST_SHARE:g}, or a filter on tokens"
    yield Finding("early-checkpoints", "advice", evidence, do, EARLY_TOKENS, rows, effect)


def early_rows(runs: Runs) -> Array:
    """Which rows (n,) are early ones of a run that has later rows in use."""
    if "tokens" not in runs.columns:
        return np.zeros(len(runs), dtype=bool)
    tokens, ends = runs.columns["tokens"], run_ends(runs)
    return np.asarray(np.isfinite(ends) & (tokens < ends) & (tokens < np.minimum(FIRST_TOKENS, FIRST_SHARE * ends)))
