"""Columns that say which family of models a row is of: one law seldom holds for several."""

from __future__ import annotations

import re

from allometry.runs import Runs

# Words of column names that say what was trained on, measured on or built.
_FAMILY = {"dataset", "corpus", "data", "evaluation", "eval", "val", "tokenizer", "arch", "architecture", "family",
           "recipe", "arm", "domain", "language", "convention"}  # fmt: skip


def family_columns(runs: Runs) -> list[str]:
    """Text columns of that kind that hold more than one value in the rows in use.

    >>> from allometry.runs import read_runs
    >>> family_columns(read_runs({"params": [1e6, 2e6], "dataset": ["a", "b"], "loss": [3.0, 2.0]}))
    ['dataset']
    """
    texts = [name for name, column in runs.columns.items() if column.dtype.kind == "O" and _is_family(name)]
    return [name for name in texts if len(set(runs.columns[name].tolist())) > 1]


def _is_family(name: str) -> bool:
    return bool(_FAMILY & set(re.split(r"[^a-z0-9]+", name.lower())))
