"""A saved fit is read back to the last digit, and anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from allometry.fits import Huber, Prior, Settings, diagnose, fit, load_fit, refit, save_fit
from allometry.notices import Refused
from allometry.runs import Reading, read_runs

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def saved(ladder, tmp_path: Path) -> Path:
    settings = Settings(
        objective=Huber(2e-3), bootstrap=60, priors={"alpha": Prior(0.35, 0.1)}, fixed={"E": 1.8}, seed=3
    )
    return save_fit(fit(ladder(), "chinchilla", settings), tmp_path / "fit.json")


def test_reading_gives_identical_numbers(saved: Path) -> None:
    one = load_fit(saved)
    again = load_fit(save_fit(one, saved.with_name("again.json")))
    assert saved.read_text() == saved.with_name("again.json").read_text()
    assert np.array_equal(one.draws, again.draws)
    assert one.settings == again.settings
    assert one.rows.fingerprint == again.rows.fingerprint


def test_a_refit_from_the_artifact_repeats_the_fit(saved: Path) -> None:
    one = load_fit(saved)
    again = refit(one, np.ones(len(one.rows), bool))
    assert again.objective == pytest.approx(one.objective, rel=1e-12)
    np.testing.assert_allclose(again.draws, one.draws, rtol=1e-9)


def test_a_formula_text_survives(ladder, tmp_path: Path) -> None:
    one = fit(ladder(), "G = A / params**alpha\nE + G + B / tokens**beta", Settings(bootstrap=10))
    again = load_fit(save_fit(one, tmp_path / "f.json"))
    assert again.law.formula.text == one.law.formula.text
    assert diagnose(again, {}).influence == ()


@pytest.mark.parametrize("damage", [
    lambda d: d | {"version": 99}, lambda d: d | {"format": "other"}, lambda d: {k: v for k, v in d.items() if k != "draws"},
    lambda d: d | {"estimate": [1.0]}, lambda d: d | {"rows": {**d["rows"], "target": [1.0]}}, lambda d: d | {"law": {"name": "x"}},
])  # fmt: skip
def test_a_damaged_newer_or_foreign_file_is_refused(saved: Path, damage) -> None:
    saved.write_text(json.dumps(damage(json.loads(saved.read_text()))))
    with pytest.raises(Refused):
        load_fit(saved)


def test_half_a_file_and_none_are_refused(saved: Path, tmp_path: Path) -> None:
    saved.write_text(saved.read_text()[:200])
    for path in (saved, tmp_path / "absent.json"):
        with pytest.raises(Refused):
            load_fit(path)
    with pytest.raises(Refused):
        save_fit(load_published(), tmp_path / "no" / "folder.json")


def load_published():
    from allometry.fits import published_fit

    return published_fit("chinchilla@hoffmann")


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    """`fixtures/fit-1.json` was written by the first version: 14 runs of which one crashed, a prior, a fixed value."""
    one = load_fit(FIXTURES / "fit-1.json")
    assert (one.rows.count, one.rows.names, one.rows.withheld, one.rows.reading) == (13, None, None, Reading())
    assert one.rows.fingerprint == json.loads((FIXTURES / "fit-1.json").read_text())["rows"]["fingerprint"]
    again = load_fit(save_fit(one, tmp_path / "now.json"))
    assert np.array_equal(again.draws, one.draws)
    assert again.settings == one.settings
    assert refit(one, np.ones(13, bool), bootstrap=0).objective == pytest.approx(one.objective, rel=1e-9)


def test_names_and_the_reading_are_kept(ladder_table, tmp_path: Path) -> None:
    table = {**ladder_table(), "name": [f"run {i}" for i in range(40)]}
    runs = read_runs(table, map={"run_id": "name"}, where="params > 1e7", conventions={"params": "total"})
    one = fit(runs.where("tokens > 2e9"), "chinchilla", Settings(bootstrap=0))
    again = load_fit(save_fit(one, tmp_path / "fit.json"))
    assert again.rows.names == tuple(f"run {i}" for i in again.rows.numbers)
    assert again.rows.reading == one.rows.reading
    assert again.rows.reading.where == "(params > 1e7) and (tokens > 2e9)"
    assert again.rows.reading.map == {"run_id": "name"}
    part = again.rows.subset(again.rows.numbers > 20)
    assert part.names == tuple(f"run {i}" for i in part.numbers)
    like = read_runs(table, map=again.rows.reading.map, where=again.rows.reading.where, conventions={"params": "total"})
    assert like.rows_for(["params", "tokens"], "loss").fingerprint == one.rows.fingerprint


def test_rows_said_to_be_withheld_and_there_are_refused(saved: Path) -> None:
    contents = json.loads(saved.read_text())
    saved.write_text(json.dumps({**contents, "rows": {**contents["rows"], "withheld": 40}}))
    with pytest.raises(Refused, match="withheld"):
        load_fit(saved)
