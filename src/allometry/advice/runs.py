"""Where in its run a row stands."""

from __future__ import annotations

import numpy as np

from allometry.runs import Runs

Array = np.ndarray


def run_ends(runs: Runs) -> Array:
    """Tokens (n,) of the last row in use of each row's run; infinite where rows belong to no run."""
    if runs.run_labels is None or "tokens" not in runs.columns:
        return np.full(len(runs), np.inf)
    longest = np.zeros(int(runs.run_labels.max()) + 1)
    np.maximum.at(longest, runs.run_labels, runs.columns["tokens"])
    return np.asarray(longest[runs.run_labels])


def last_rows(runs: Runs) -> Array:
    """Which rows (n,) are the last in use of their run; all where rows belong to no run.

    >>> from allometry.runs import read_runs
    >>> table = {"run_id": ["a", "a", "b"], "params": [1e6] * 3, "tokens": [1e8, 2e8, 1e8], "loss": [4.0, 3.5, 3.9]}
    >>> last_rows(read_runs(table, rows="all")).tolist()
    [False, True, True]
    """
    ends = run_ends(runs)
    return np.asarray(np.isinf(ends) | (runs.columns["tokens"] >= ends) if "tokens" in runs.columns else np.isinf(ends))
