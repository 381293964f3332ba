"""Which checkpoints of each run to fit: tested on the larger runs of the table, not taken on trust."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from allometry.advice.finding import Change, Finding
from allometry.advice.sources import CHECKPOINTS
from allometry.advice.study import Study
from allometry.costs import compute_of
from allometry.fits import fit, select
from allometry.notices import Refused
from allometry.runs import Rows, Runs

Array = np.ndarray

# Assumed: shares of each run to leave out, from just past warm-up to where most schedules have decayed far.
SHARES = (0.1, 0.5, 0.8)
CUTS = (0.5, 1.0)  # decades below the largest compute above which runs are held out, as where plans are cut back
FEWEST_HELD = 5  # of four differences three standard errors are too easily passed or missed (assumed)
BEYOND_NOISE = 3.0  # standard errors of the paired difference, since several choices are tried (assumed)


@dataclass(frozen=True)
class _Trial:
    """One rule for rows and the absolute log errors (k,) of its forecasts of the held-out final rows."""

    rows: str
    errors: Array

    @property
    def words(self) -> str:
        return f"{self.errors.mean():.2%} by --rows {self.rows}"


def find(study: Study) -> Iterator[Finding]:
    """Another choice of rows is advice only where it forecasts the larger runs of this table better than those in use."""
    if study.read is None or study.fit is None or study.runs.run_labels is None:
        return
    final, more = study.read("final"), len(study.read("all"))
    if more <= len(final):
        return
    evidence = (
        f"the table has {more} checkpoints of {len(np.unique(study.runs.run_labels))} runs, {len(study.runs)} in use"
    )
    held = _held_out(study, final)
    now = None if held is None else _errors(study, study.runs, held)
    trials = [] if held is None else _trials(study, final, held)
    if now is None or not trials:
        do = "too few larger runs to test which rows to use: try --rows after:0.5 and compare"
        yield Finding("which-checkpoints", "note", evidence, do, CHECKPOINTS)
        return
    best = min(trials, key=lambda trial: float(trial.errors.mean()))
    gains = now - best.errors
    noise = float(np.std(gains, ddof=1) / np.sqrt(len(gains)))
    words = ", ".join(trial.words for trial in trials)
    evidence += f"; forecasts of {len(now)} larger runs held out err by {now.mean():.2%} from the rows in use, {words}"
    if float(gains.mean()) > BEYOND_NOISE * noise:
        yield Finding(
            "which-checkpoints", "advice", evidence, f"--rows {best.rows}", CHECKPOINTS, (), _effect(study, best.rows)
        )
    else:
        do = (
            f"--rows {best.rows} forecasts best here, though by no more than noise"
            if gains.mean() > 0
            else "keep to the rows in use: no other choice forecasts better"
        )
        yield Finding("which-checkpoints", "note", evidence, do, CHECKPOINTS)


def _effect(study: Study, rows: str) -> tuple[Change, ...]:
    try:
        return () if study.read is None else study.changed(fit(study.read(rows), study.law, study.settings))
    except Refused:
        return ()


def _held_out(study: Study, final: Runs) -> Rows | None:
    """The final rows of the largest runs, which all forecasts are scored on; None where too few are larger."""
    rows = select(final, study.law, study.settings)
    compute = compute_of(rows.axes)
    logs = np.zeros(len(rows)) if compute is None else np.log10(compute)
    for decades in CUTS:
        held = logs > logs.max() - decades
        if held.sum() >= FEWEST_HELD and (~held).sum() >= study.least():
            return rows.subset(held)
    return None


def _trials(study: Study, final: Runs, held: Rows) -> list[_Trial]:
    assert study.read is not None
    choices = [("final", final), *((f"after:{share:g}", study.read(f"after:{share:g}")) for share in SHARES)]
    others = [(rows, runs) for rows, runs in choices if not np.array_equal(runs.row_numbers, study.runs.row_numbers)]
    found = [(rows, _errors(study, runs, held)) for rows, runs in others]
    return [_Trial(rows, errors) for rows, errors in found if errors is not None]


def _errors(study: Study, runs: Runs, held: Rows) -> Array | None:
    """Absolute log errors (k,) at the held-out rows, from the rows of all other runs."""
    every = None if study.read is None else study.read("all")
    if every is None or every.run_labels is None or runs.run_labels is None:
        return None
    out = np.unique(every.run_labels[np.isin(every.row_numbers, held.numbers)])
    try:
        kept = runs.keep(~np.isin(runs.run_labels, out), "held out")
        made = fit(kept, study.law, replace(study.settings, bootstrap=0))
    except Refused:
        return None
    return np.abs(np.log(made.predict(held.axes) / held.target))
