"""Several families of models in one table: data sets, tokenizers, architectures that lie on different curves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import f_oneway

from allometry.advice.families import family_columns
from allometry.advice.finding import Finding
from allometry.advice.sources import FAMILIES
from allometry.advice.study import Study

# Assumed: rare enough that several columns may be asked without a correction.
CHANCE = 1e-4


def find(study: Study) -> Iterator[Finding]:
    """A column of families whose groups lie on different sides of the common curve, by an analysis of variance."""
    fitted = study.fit
    if fitted is None:
        return
    used = study.runs.keep(np.isin(study.runs.row_numbers, fitted.rows.numbers), "not in the fit")
    for name in family_columns(used):
        labels = used.columns[name].astype(str)
        groups = {label: -fitted.residuals[labels == label] for label in dict.fromkeys(labels.tolist())}
        sound = [group for group in groups.values() if len(group) > 1]
        if len(sound) < 2 or not np.ptp(fitted.residuals) or f_oneway(*sound).pvalue > CHANCE:
            continue
        means = {label: float(np.mean(group)) for label, group in groups.items()}
        low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        evidence = (
            f"one curve was fitted to {len(groups)} values of `{name}`, and they lie apart: {high} is on average "
            f"{means[high] - means[low]:.2g} above {low} in the fit's own space"
        )
        do = f"fit them apart (allometry fit ... --by {name}), or keep one: --where '{name} == \"{low}\"'"
        yield Finding("mixed-families", "warning", evidence, do, FAMILIES, (), study.without(labels != low))
