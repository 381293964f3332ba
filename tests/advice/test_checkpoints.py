"""Which checkpoints to use is tested on the table's own larger runs."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.advice import Finding, Study, list_rules
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.runs import read_runs

LAW = find_law("chinchilla")
TRUTH = np.array([LAW.published["epoch"].values[name] for name in LAW.parameter_names])
Columns = dict[str, list[object]]


def curves(undecayed: float, noise: float) -> Columns:
    """Eight sizes, four lengths, six checkpoints each; the loss before the end lies above the law by a share."""
    rng = np.random.default_rng(0)
    table: Columns = {name: [] for name in ("run_id", "params", "tokens", "loss")}
    for n in np.geomspace(5e7, 5e9, 8):
        for end in (1e10, 3e10, 9e10, 2.7e11):
            share = np.linspace(0.04, 1, 6)
            point = {"params": np.full(6, n), "tokens": share * end}
            loss = LAW.evaluate(TRUTH, point) * np.exp(undecayed * (1 - share) + rng.normal(0, noise, 6))
            table["run_id"] += [f"{n:.0f}-{end:.0f}"] * 6
            table["params"] += point["params"].tolist()
            table["tokens"] += point["tokens"].tolist()
            table["loss"] += loss.tolist()
    return table


def findings(table: Columns, rows: str) -> dict[str, Finding]:
    study = Study(
        read_runs(table, rows=rows), LAW, Settings(bootstrap=30), read=lambda rule: read_runs(table, rows=rule)
    )
    known = list_rules()
    return {finding.code: finding for rule in ("checkpoints", "early_tokens") for finding in known[rule](study)}


def test_final_rows_are_kept_where_earlier_ones_lie_above_the_law() -> None:
    found = findings(curves(0.2, 0.003), "final")
    assert set(found) == {"which-checkpoints"}
    assert found["which-checkpoints"].level == "note"
    assert found["which-checkpoints"].do.startswith("keep to the rows in use")
    assert "192 checkpoints of 32 runs, 32 in use" in found["which-checkpoints"].evidence


def test_checkpoints_that_lie_above_the_law_are_advised_against() -> None:
    found = findings(curves(0.2, 0.003), "all")
    assert found["which-checkpoints"].level == "advice"
    assert found["which-checkpoints"].do == "--rows final"
    assert len(found["which-checkpoints"].effect) == 2
    assert found["early-checkpoints"].level == "advice"
    # the first 4% of a run of 270B tokens are 10.8B: past the first 10B, so of four lengths three have early rows
    assert len(found["early-checkpoints"].rows) == 24


def test_a_choice_that_is_better_within_noise_is_a_note() -> None:
    found = findings(curves(0.0, 0.02), "final")["which-checkpoints"]
    assert found.level == "note"


@pytest.mark.parametrize("rows", ["final", "all"])
def test_a_table_without_runs_has_no_such_finding(rows: str) -> None:
    table = curves(0.0, 0.01)
    del table["run_id"]
    assert "which-checkpoints" not in findings(table, rows)
