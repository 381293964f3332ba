"""Too few models for a law in their size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.finding import Finding
from allometry.advice.sources import FEW_MODELS
from allometry.advice.study import Study
from allometry.costs import size_axis

FEWEST = 5


def find(study: Study) -> Iterator[Finding]:
    """Fewer than five different sizes, or five values of the first axis where the law has no size."""
    name = size_axis(study.law.axes) or study.law.axes[0]
    column = study.runs.columns.get(name)
    count = FEWEST if column is None or column.dtype.kind != "f" else len(np.unique(column[np.isfinite(column)]))
    if count >= FEWEST:
        return
    evidence = f"{count} different value{'s' if count > 1 else ''} of {name}, where {FEWEST} are the least to rely on"
    do = f"train {FEWEST - count} more models of other {name}; smaller ones than the largest do as well"
    yield Finding("few-sizes", "advice", evidence, do, FEW_MODELS)
