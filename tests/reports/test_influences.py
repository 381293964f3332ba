"""The influence view: which rows, their values and residuals, and each answer with and without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allometry.fits import Diagnosis, Fit, Settings, diagnose, fit
from allometry.forecasts import value_at
from allometry.plans import default_quantities
from allometry.reports import write_report
from allometry.reports.influence_words import influence_words
from allometry.reports.influences import deciding_figure, deciding_rows
from allometry.runs import read_runs

SPOILT = (47, 48)  # at the far corner, where the answers are asked


@pytest.fixture(scope="module")
def spoilt() -> Fit:
    """Forty-nine runs of a known law, two of them measured a fifth too high."""
    n, d = (values.ravel() for values in np.meshgrid(np.geomspace(1e7, 1e9, 7), np.geomspace(1e9, 1e11, 7)))
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(n)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * noise
    loss[list(SPOILT)] *= 1.2
    return fit(read_runs({"params": n, "tokens": d, "loss": loss}), "chinchilla", Settings(bootstrap=0))


@pytest.fixture(scope="module")
def diagnosis(spoilt: Fit) -> Diagnosis:
    found = diagnose(spoilt, default_quantities(spoilt))
    assert deciding_rows(found) == SPOILT
    return found


def test_each_answer_is_told_with_and_without_the_rows(spoilt: Fit, diagnosis: Diagnosis) -> None:
    words = influence_words(spoilt, diagnosis)
    assert words is not None
    item = next(found for found in diagnosis.influence if found.quantity.startswith("loss"))
    line = next(row for row in words.quantities if row[0] == item.quantity)
    kept = ~np.isin(spoilt.rows.numbers, item.rows)
    without = fit(spoilt.rows.subset(kept), "chinchilla", Settings(bootstrap=0))
    quantity = default_quantities(spoilt)[item.quantity]
    before, after = (float(quantity(f.law, f.estimate[None])[0]) for f in (spoilt, without))
    assert float(line[1]) == pytest.approx(before, rel=3e-4)
    assert float(line[2]) == pytest.approx(after, rel=5e-4)


def test_the_rows_stand_with_their_values(spoilt: Fit, diagnosis: Diagnosis) -> None:
    words = influence_words(spoilt, diagnosis)
    assert words is not None
    line = next(row for row in words.rows if row[0] == str(SPOILT[0]))
    told = dict(zip(words.row_heads, line, strict=True))
    i = SPOILT[0]
    assert float(told["loss"]) == pytest.approx(spoilt.rows.target[i], rel=1e-3)
    assert float(told["fitted"]) == pytest.approx(float(spoilt.predict(spoilt.rows.axes)[i]), rel=1e-3)
    assert told["predicted / measured − 1"] == f"{np.expm1(spoilt.residuals[i]):+.1%}"
    assert float(told["in typical residuals"]) < -10
    assert line[-1] == "yes"


def test_the_figure_marks_these_rows_among_all(spoilt: Fit, diagnosis: Diagnosis) -> None:
    figure = deciding_figure(spoilt, deciding_rows(diagnosis))
    assert figure is not None
    others, marked = figure.data
    assert len(others.x) + len(marked.x) == len(spoilt.rows)
    assert sorted([*others.x, *marked.x]) == list(range(1, len(spoilt.rows) + 1))
    assert sorted([*others.y, *marked.y])[:2] == sorted(marked.y)[:2]


def test_where_nothing_decides_no_row_is_listed(spoilt: Fit, diagnosis: Diagnosis, tmp_path: Path) -> None:
    calm = replace(diagnosis, influence=tuple(replace(i, expected=(100.0,)) for i in diagnosis.influence))
    words = influence_words(spoilt, calm)
    assert words is not None
    assert words.rows == []
    assert words.verdict.startswith("No rows of this table")
    assert deciding_figure(spoilt, deciding_rows(calm)) is None
    text = write_report(spoilt, tmp_path / "report.html", diagnosis=calm).read_text(encoding="utf-8")
    assert "The rows that decide" not in text


def test_a_quantity_of_the_callers_own_has_no_value_but_its_change(spoilt: Fit) -> None:
    own = diagnose(spoilt, {"loss here": value_at({"params": 1e9, "tokens": 1e11})})
    words = influence_words(spoilt, own)
    assert words is not None
    assert words.quantities[0][:4] == ("loss here", "–", "–", f"×{own.influence[0].effect:.3f}")
