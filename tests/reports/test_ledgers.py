"""The ledger on the page: what was said, what came of it, whatever the runs are called."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from allometry.fits import Fit
from allometry.forecasts import forecast
from allometry.history import Ledger, check, say_forecasts
from allometry.reports import write_report
from allometry.reports.ledger_words import MOST_LISTED, ledger_words
from allometry.reports.ledgers import ledger_figure
from allometry.runs import read_runs

NOW = datetime(2026, 7, 1, tzinfo=UTC)
POINTS = [{"params": 2e9 * 1.5**i, "tokens": 4e11} for i in range(4)]
NAMES = ["<i>one</i>", "a run whose name is longer than any figure has room for, by far", ""]


@pytest.fixture(scope="module")
def ledger(chinchilla_fit: Fit) -> Ledger:
    """Four forecasts: two runs as foretold, one far above, one not yet made."""
    said = Ledger(say_forecasts(chinchilla_fit, forecast(chinchilla_fit, POINTS), NOW, level=0.9))
    loss = [one.value * factor for one, factor in zip(said.said, (1.0, 1.003, 1.4), strict=False)]
    table = {"params": [p["params"] for p in POINTS[:3]], "tokens": [4e11] * 3, "loss": loss, "run_id": ["a", "b", "c"]}
    found = check(chinchilla_fit, said, read_runs(table), NOW)
    named = (replace(one, run=name) for one, name in zip(found.fresh, NAMES, strict=True))
    return replace(said, checks=tuple(named))


def test_runs_stand_in_the_figure_about_what_was_expected(ledger: Ledger) -> None:
    drawn = json.loads(ledger_figure(ledger).to_json())
    inside, outside = (
        next(t for t in drawn["data"] if t.get("name") == f"measured, {word}") for word in ("inside", "outside")
    )
    assert inside["x"] == pytest.approx([0.3, 0.0], abs=1e-6)
    assert outside["x"] == pytest.approx([40.0], abs=1e-6)
    names = drawn["layout"]["yaxis"]["ticktext"]
    assert names[0].startswith("params 4.5")
    assert names[2] == "&lt;i&gt;one&lt;/i&gt;"
    assert max(map(len, names)) <= 32
    bars = next(t for t in drawn["data"] if t["mode"] == "lines")
    assert bars["x"][0] < 0 < bars["x"][1]
    assert drawn["layout"]["xaxis"]["range"][1] > 40


def test_the_words_count_what_came_out_and_list_what_is_open(chinchilla_fit: Fit, ledger: Ledger) -> None:
    found = ledger_words(chinchilla_fit, ledger)
    assert found.lead.startswith("4 forecasts on record; 3 runs finished since")
    assert found.lead.endswith("2 of 3 inside the interval for one run.")
    assert [row[found.heads.index("")] for row in found.rows] == ["outside", "inside", "inside", "open"]
    assert "by" not in found.heads
    other = replace(chinchilla_fit, estimate=chinchilla_fit.estimate * 1.01)
    assert {row[1] for row in ledger_words(other, ledger).rows} == {"an earlier fit, 25 rows"}


def test_a_long_ledger_is_cut(chinchilla_fit: Fit, ledger: Ledger) -> None:
    points = [{"params": 2e9, "tokens": 1e11 + i} for i in range(30)]
    many = Ledger(say_forecasts(chinchilla_fit, forecast(chinchilla_fit, points), NOW, level=0.9))
    found = ledger_words(chinchilla_fit, many)
    assert len(found.rows) == MOST_LISTED
    assert found.more == "The last 20 of 30 lines."
    assert ledger_figure(many) is None


def test_names_are_escaped_on_the_page(chinchilla_fit: Fit, ledger: Ledger, tmp_path: Path) -> None:
    text = write_report(chinchilla_fit, tmp_path / "page.html", ledger=ledger).read_text(encoding="utf-8")
    assert "<i>one</i>" not in text
    assert "&lt;i&gt;one&lt;/i&gt;" in text
    assert "What it said" not in write_report(chinchilla_fit, tmp_path / "page.html").read_text(encoding="utf-8")
    (tmp_path / "keep.html").write_text(text)
