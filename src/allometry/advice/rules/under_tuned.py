"""Runs above the best of their setting although only a hyperparameter differs: rungs that were not tuned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allometry.advice.families import family_columns
from allometry.advice.finding import Finding, listed
from allometry.advice.metrics import lower_is_better
from allometry.advice.sources import TUNING
from allometry.advice.study import Study
from allometry.advice.suspects import residual_scale
from allometry.fits import Fit
from allometry.runs import Runs, find_repeats, is_hyperparameter
from allometry.runs.columns import codes

Array = np.ndarray

# Standard deviation of the least of 1 to 6 standard normal values: what the envelope's scatter is of one run's noise.
_LEAST_OF = (1.0, 0.826, 0.748, 0.701, 0.669, 0.645)
# Assumed: the largest and least of three runs differ by more than three standard deviations of a difference in one
# setting of a hundred, so the share of runs is what makes a finding.
EXCESS_SCALES, LEAST_SHARE = 3.0, 0.05


def find(study: Study) -> Iterator[Finding]:
    """Rows above the lower envelope of their setting by more than noise, and the fit of the envelope alone."""
    fitted = study.fit
    names = tuned_columns(study.runs, study.law.axes)
    if fitted is None or not names or not lower_is_better(study.law.metric):
        return
    tuned = study.runs.keep(np.isin(study.runs.row_numbers, fitted.rows.numbers), "not in the fit")
    apart = [tuned.columns[name] for name in family_columns(tuned)]
    settings = codes([*(fitted.rows.axes[name] for name in study.law.axes), *apart], len(fitted.rows))
    labels = codes([tuned.columns[name] for name in names], len(fitted.rows))
    best, excess, rivals = _envelope(fitted.rows.target, settings, labels)
    if not rivals.any():
        return
    after = study.refitted(best) if best.sum() >= study.least() else None
    noise = _noise(study, tuned, names, after, int(np.median(np.bincount(settings)[settings[rivals]])))
    over = rivals & (excess > EXCESS_SCALES * np.sqrt(2) * noise)
    if noise <= 0 or over.sum() < max(2, LEAST_SHARE * rivals.sum()):
        return
    order = np.flatnonzero(over)[np.argsort(-excess[over])]
    rows = tuple(int(fitted.rows.numbers[i]) for i in order)
    several = len(np.unique(settings[rivals]))
    evidence = (
        f"{len(rows)} of {int(rivals.sum())} runs that compete in {several} settings lie above the best of their setting "
        f"by {np.exp(excess[order[-1]]) - 1:.1%} to {np.exp(excess[order[0]]) - 1:.1%} (noise {noise:.2%}), differing "
        f"in {', '.join(f'`{name}`' for name in names)}: {listed(rows, 6)}"
    )
    do = (
        "keep the best run of each setting; no filter says that, so do it in the file, or fit the lower envelope: "
        "allometry fit ... --robust asymmetric"
    )
    yield Finding("under-tuned", "warning", evidence, do, TUNING, rows, () if after is None else study.changed(after))


def tuned_columns(runs: Runs, axes: tuple[str, ...]) -> list[str]:
    """Columns that by their names say how a run was trained, other than the law's axes, and that vary.

    >>> from allometry.runs import read_runs
    >>> tuned_columns(read_runs({"params": [1e6, 2e6], "lr": [1e-3, 2e-3], "loss": [3.0, 2.0]}), ("params",))
    ['lr']
    """
    named = [name for name in runs.columns if name not in axes and is_hyperparameter(name)]
    return [name for name in named if len(set(runs.columns[name].tolist())) > 1]


def _envelope(target: Array, settings: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Which rows (n,) are the first best of their setting, log excess over it, and which rows have a rival there."""
    lowest = np.full(int(settings.max()) + 1, np.inf)
    np.minimum.at(lowest, settings, target)
    order = np.lexsort([np.arange(len(target)), target, settings])
    best = np.zeros(len(target), dtype=bool)
    best[order[np.unique(settings[order], return_index=True)[1]]] = True
    pairs = np.unique(np.stack([settings, labels]), axis=1)[0]
    rivals = np.bincount(pairs, minlength=len(lowest))[settings] > 1
    return best, np.log(target / lowest[settings]), rivals


def _noise(study: Study, tuned: Runs, names: list[str], envelope: Fit | None, each: int) -> float:
    """The smaller of what repeats show and what the envelope of `each` runs a setting leaves: both hold noise and more."""
    alike = [tuned.columns[name] for name in (*study.law.axes, *names)]
    repeats = find_repeats(alike, tuned.columns[study.law.metric], tuned.row_numbers).noise.value
    share = _LEAST_OF[min(each, len(_LEAST_OF)) - 1]
    known = [repeats, None if envelope is None else residual_scale(envelope) / share]
    return min((value for value in known if value), default=0.0)
