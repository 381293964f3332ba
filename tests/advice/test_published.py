"""What must be found unprompted in published tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from allometry.advice import Finding, Study, list_rules
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.runs import read_runs

Published = Callable[[str], Path]


def findings(path: Path, *rules: str, **more: object) -> dict[str, Finding]:
    study = Study(read_runs(path), find_law("chinchilla"), Settings(bootstrap=60), **more)  # type: ignore[arg-type]
    known = list_rules()
    return {finding.code: finding for rule in rules for finding in known[rule](study)}


def test_the_five_rows_of_the_replication_are_the_first_named(published: Published) -> None:
    """Epoch leaves out rows 0 to 4; three more lie off the curve of the other 237, nearer to it than those five."""
    other = read_runs(published("kyotakano_llm.csv"))
    found = findings(published("chinchilla_epoch.csv"), "influence", "duplicates_across", others=(other,))
    finding = found["few-rows-decide"]
    assert finding.level == "warning"
    assert set(finding.rows[:5]) == {0, 1, 2, 3, 4}
    assert len(finding.rows) <= 8
    change = next(change for change in finding.effect if change.quantity.startswith("N*"))
    assert change.factor is not None
    assert change.factor < 0.7
    duplicates = found["duplicates-across"]
    assert duplicates.level == "warning"
    assert len(duplicates.rows) == len(other) == 234
    assert not set(duplicates.rows) & {0, 1, 2, 3, 4}


def test_under_tuned_rungs_of_misfitting(published: Published) -> None:
    path = published("misfitting_final.csv")
    finding = findings(path, "under_tuned")["under-tuned"]
    assert finding.level == "warning"
    assert "`lr`" in finding.evidence
    runs = read_runs(path)
    params, tokens, loss = (runs.columns[name] for name in ("params", "tokens", "loss"))
    for row in finding.rows:
        same = (params == params[row]) & (tokens == tokens[row])
        assert loss[row] > 1.04 * np.min(loss[same])
    change = next(change for change in finding.effect if change.quantity.startswith("loss"))
    assert change.factor is not None
    assert change.factor < 0.98
