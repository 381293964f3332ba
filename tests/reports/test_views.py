"""Results in a notebook: they show themselves, small and escaped; their figures and rows hold the numbers of their JSON."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas
import plotly.graph_objects as go
import polars as pl
import pytest

from allometry.fits import Fit, published_fit
from allometry.forecasts import Forecasts, forecast, forecast_through
from allometry.notices import Interval, Notice, Refused
from allometry.plans import Plan, plan
from allometry.reports.views import MOST_BYTES, MOST_ROWS
from allometry.runs import embedded_ladder, read_runs
from allometry.showing import Shown

EVIL = "<img src=x onerror=alert(1)>\"'&" * 300
POINTS = [{"params": 1e9, "tokens": 1e11}, {"params": 4e9, "tokens": 4e11}]


@pytest.fixture(scope="module")
def planned(chinchilla_fit: Fit) -> Plan:
    return plan(chinchilla_fit, flops=1e22, refit=None)


@pytest.fixture(scope="module")
def results(chinchilla_fit: Fit, planned: Plan) -> Mapping[str, Any]:
    found = forecast(chinchilla_fit, POINTS, of="new-run")
    return {"runs": embedded_ladder(), "fit": chinchilla_fit, "forecasts": found, "forecast": found[0], "plan": planned}


@pytest.mark.parametrize("name", ["runs", "fit", "forecasts", "forecast", "plan"])
def test_each_shows_plots_and_gives_its_rows(results: Mapping[str, Any], name: str) -> None:
    result = results[name]
    assert isinstance(result, Shown)
    text = result._repr_html_()
    assert 500 < len(text.encode()) < MOST_BYTES
    assert text.startswith('<div class="allometry">')
    assert isinstance(result.plot(), go.Figure)
    frame, other = result.to_polars(), result.to_pandas()
    assert isinstance(frame, pl.DataFrame)
    assert isinstance(other, pandas.DataFrame)
    assert frame.shape == other.shape
    assert list(frame.columns) == list(other.columns)


def test_the_view_says_the_numbers(results: Mapping[str, Any]) -> None:
    assert "70 of 280 rows used" in results["runs"]._repr_html_()
    text = results["fit"]._repr_html_()
    assert f"{results['fit'].values['alpha']:.4g}" in text
    assert "<math" in text
    assert "joint resamples" in text
    text = results["plan"]._repr_html_()
    assert "[assumed] compute" in text
    assert "Cost of being wrong" in text


def test_the_rows_of_a_fit_are_its_runs(chinchilla_fit: Fit) -> None:
    frame = chinchilla_fit.to_polars()
    assert frame["loss"].to_list() == chinchilla_fit.rows.target.tolist()
    assert frame["row"].to_list() == chinchilla_fit.rows.numbers.tolist()
    ratio = np.log(frame["fitted"].to_numpy() / frame["loss"].to_numpy())
    assert ratio.tolist() == pytest.approx(frame["residual"].to_list(), abs=1e-12)


def test_forecasts_are_still_a_tuple_and_a_row_each(results: Mapping[str, Any]) -> None:
    found = results["forecasts"]
    assert isinstance(found, tuple)
    frame = found.to_polars()
    told = [each.as_json() for each in found]
    assert frame["value"].to_list() == [each["value"] for each in told]
    assert frame["calibrated_high"].to_list() == [each["calibrated"]["high"] for each in told]
    assert frame["params"].to_list() == [1e9, 4e9]
    assert results["forecast"].to_polars().equals(frame[:1])
    figure = found.plot()
    strokes = next(trace for trace in figure.data if trace.name == "fit noise only")
    assert list(strokes.x) == [v for each in found for v in (each.fit_noise.low, each.fit_noise.high, None)]
    assert forecast(published_fit("chinchilla@epoch"), []) == ()


def test_a_chain_of_two_fits_shows_itself_too() -> None:
    first, second = published_fit("overtraining@gadre-redpajama"), published_fit("downstream_error@gadre-redpajama")
    found = forecast_through(first, second, [{"params": 6.9e9, "tokens": 138e9}])
    assert isinstance(found, Forecasts)
    assert "Forecasts of" in found._repr_html_()
    assert found.to_polars()["low"].dtype == pl.Float64


def test_the_rows_of_a_plan_are_its_axes(planned: Plan) -> None:
    frame = planned.to_polars()
    assert frame["name"].to_list() == [*planned.at, "loss"]
    row = frame.row(0, named=True)
    assert (row["value"], row["low"], row["high"]) == (
        planned.at["params"].value,
        planned.at["params"].low,
        planned.at["params"].high,
    )


def test_the_plot_of_a_table_holds_its_rows() -> None:
    runs = embedded_ladder()
    figure = runs.plot()
    assert sorted(y for trace in figure.data for y in trace.y) == sorted(runs.columns["loss"].tolist())
    assert len(figure.data) == 6
    assert figure.layout.xaxis.title.text == "flops (FLOPs)"
    one = read_runs({"examples": [1e3, 1e4, 1e5], "loss": [3.0, 2.5, float("nan")]}, drop_invalid=True)
    assert [list(trace.y) for trace in one.plot().data] == [[3.0, 2.5]]


def test_what_has_no_figure_says_why(chinchilla_fit: Fit) -> None:
    with pytest.raises(Refused, match="comes without its runs"):
        published_fit("chinchilla@epoch").plot()
    with pytest.raises(Refused, match="no metric"):
        read_runs({"params": [1.0, 2.0], "tokens": [1.0, 2.0]}).plot()
    with pytest.raises(Refused, match="no axis that varies"):
        read_runs({"params": [1.0, 1.0], "loss": [1.0, 2.0]}).plot()
    with pytest.raises(Refused, match="no forecasts"):
        Forecasts().plot()
    found = plan(chinchilla_fit, flops=1e22, refit=None)
    bare = replace(found, complete=False, at={"params": Interval(None, why="no interior optimum")})
    with pytest.raises(Refused, match="no interior optimum"):
        bare.plot()


def test_texts_from_elsewhere_are_escaped_and_cut(results: Mapping[str, Any]) -> None:
    runs, fitted, found, planned = (results[name] for name in ("runs", "fit", "forecast", "plan"))
    notices = tuple(Notice(EVIL, EVIL) for _ in range(500))
    law = replace(fitted.law, title=EVIL, name=EVIL)
    at = {**planned.at, **dict.fromkeys([f"{EVIL}{i}" for i in range(50)], Interval(1.0, why=EVIL))}
    wide = {f"{EVIL}{i}": runs.columns["loss"] for i in range(500)}
    hostile: list[Shown] = [
        replace(runs, source=EVIL, remarks=notices, columns={**runs.columns, **wide}),
        replace(fitted, law=law, notices=notices, confounded=dict.fromkeys(law.parameter_names, EVIL)),
        Forecasts([replace(found, metric=EVIL, at=dict.fromkeys(map(str, range(90)), 1.0))] * 500),
        replace(planned, law=EVIL, metric=EVIL, at=at, notices=notices, wrong=None),
    ]  # fmt: skip
    for result in hostile:
        text = result._repr_html_()
        assert len(text.encode()) < MOST_BYTES
        assert "<img" not in text
        assert re.search(r"&lt;img", text)
    assert f"and {500 - MOST_ROWS} more lines" in hostile[2]._repr_html_()


def test_without_pandas_the_way_to_it_is_said(results: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return true_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for name in ("runs", "plan"):
        with pytest.raises(Refused, match="to_polars"):
            results[name].to_pandas()
