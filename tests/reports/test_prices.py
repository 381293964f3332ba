"""The plan's section: what limits cost and what being wrong costs, in tables and a figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from allometry.fits import Fit, published_fit
from allometry.plans import plan
from allometry.reports import write_report
from allometry.reports.plan_words import plan_words
from allometry.reports.prices import price_figure
from allometry.reports.regions import region_figure


def test_the_figure_shows_the_prices_of_the_plan(chinchilla_fit: Fit) -> None:
    found = plan(chinchilla_fit, flops=1e22, refit=None)
    figure = price_figure(chinchilla_fit, found)
    assert figure is not None
    mean, high = figure.data[:2]
    assert list(mean.x) == [priced.at["params"] for _, priced in found.prices]
    assert list(mean.y) == pytest.approx([100 * priced.loss.expected for _, priced in found.prices])
    assert all(one <= other for one, other in zip(mean.y, high.y, strict=True))
    star = next(trace for trace in figure.data if trace.name == "the plan")
    assert star.x[0] == pytest.approx(found.at["params"].value)
    assert star.y[0] == pytest.approx(100 * found.wrong.expected)


def test_a_recommended_point_that_differs_is_marked_and_said(chinchilla_fit: Fit) -> None:
    column = chinchilla_fit.law.parameter_names.index("alpha")
    draws = chinchilla_fit.draws.copy()
    draws[:, column] *= 0.9  # draws that all want another size than the estimate
    found = plan(replace(chinchilla_fit, draws=draws), flops=1e22, refit=None)
    assert found.recommended.differs
    names = [trace.name for trace in price_figure(chinchilla_fit, found).data]
    assert names[-2:] == [name for name, _ in found.prices if name]
    assert set(names[-2:]) == {"the plan", "recommended"}
    assert any(text.startswith("Recommended: params") for text in plan_words(found).sentences)


def test_limits_stand_in_the_page(chinchilla_fit: Fit, tmp_path: Path) -> None:
    found = plan(chinchilla_fit, flops=1e22, at_most={"params": 1e9}, at_least={"tokens": 1e9}, refit=None)
    words = plan_words(found)
    assert [row[0] for row in words.limits] == [cost.limit.text for cost in found.limits]
    assert all(len(row) == len(words.limit_heads) for row in words.limits)
    assert all(len(row) == len(words.price_heads) for row in words.prices)
    text = write_report(chinchilla_fit, tmp_path / "report.html", plan=found).read_text(encoding="utf-8")
    assert "What each limit costs" in text
    assert "<td>it does not bind</td>" in text
    assert "The price of being wrong" in text


def test_without_draws_or_limits_neither_stands_there(tmp_path: Path) -> None:
    fit = published_fit("chinchilla@epoch")
    found = plan(fit, flops=1e22)
    assert price_figure(fit, found) is None
    text = write_report(fit, tmp_path / "report.html", plan=found).read_text(encoding="utf-8")
    assert "What each limit costs" not in text
    assert "The price of being wrong" not in text


def test_both_intervals_stand_in_the_figure_of_the_plan(chinchilla_fit: Fit) -> None:
    found = plan(chinchilla_fit, flops=1e24)
    assert found.calibration is not None
    figure = region_figure(chinchilla_fit, found)
    assert figure is not None
    bars = {trace.name: trace.error_x for trace in figure.data if trace.error_x.array}
    for name, held in (
        ("the plan, interval of fit noise only", found.at["params"]),
        ("calibrated interval", found.calibration.at["params"]),
    ):
        assert held.value + bars[name].array[0] == pytest.approx(held.high)
        assert held.value - bars[name].arrayminus[0] == pytest.approx(held.low)
    assert plan_words(found).calibrated_head == "calibrated: decide by this"


def test_a_given_split_has_no_table_of_prices(chinchilla_fit: Fit) -> None:
    words = plan_words(plan(chinchilla_fit, flops=1e22, fixed={"params": 1e9}, refit=None))
    assert words.prices == []
    assert any("nothing is left to choose" in text for text in words.sentences)
