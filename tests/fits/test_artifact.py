"""A saved fit is read back to the last digit, and anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from allometry.fits import Huber, Prior, Settings, diagnose, fit, load_fit, refit, save_fit
from allometry.notices import Refused


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
