"""The backtest and tournament views: figures hold the numbers of the objects, texts from laws are escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allometry.fits import Fit, Settings
from allometry.forecasts import CALIBRATED, FIT_NOISE, Backtest, Tournament, backtest, by_distance, tournament
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.reports import write_report
from allometry.reports.backtests import MOST_DRAWN, drawn, error_figure, limit, outside, percents
from allometry.reports.fans import fan_figure
from allometry.reports.tournament_words import tournament_words
from allometry.reports.tournaments import tournament_figure

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def scored(chinchilla_fit: Fit) -> tuple[Backtest, ...]:
    laws = [find_law(name) for name in ("kaplan", "chinchilla")]
    return backtest(chinchilla_fit.rows, laws, Settings(bootstrap=30))


@pytest.fixture(scope="module")
def ranked(scored: tuple[Backtest, ...]) -> Tournament:
    return tournament(scored)


def _page(fit: Fit, path: Path, **given: object) -> str:
    return write_report(fit, path / "report.html", **given).read_text(encoding="utf-8")  # type: ignore[arg-type]


def _words(text: str) -> str:
    """The page without its scripts and figures."""
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_errors_stand_in_the_figure(scored: tuple[Backtest, ...]) -> None:
    figure = error_figure(scored)
    assert figure is not None
    marks = [trace for trace in figure.data if trace.mode == "markers" and trace.x != (None,)]
    assert sorted(y for trace in marks for y in trace.y) == pytest.approx(
        sorted(np.concatenate([percents(test) for test in scored]))
    )
    assert len({trace.marker.symbol for trace in marks}) == len(np.unique(scored[0].cut))
    assert len({trace.marker.color for trace in marks}) == len(scored)
    assert [line.y0 for line in figure.layout.shapes] == [0] * len(scored)
    first = by_distance(scored[0])[0]
    shade = next(trace for trace in figure.data if trace.fill == "toself")
    assert (max(shade.x[:4]), max(shade.y[:4])) == pytest.approx((first.high, 100 * first.error_mean))


def test_errors_beyond_the_picture_are_counted(scored: tuple[Backtest, ...]) -> None:
    wild = scored[0].predicted.copy()
    wild[0] *= 50
    tests = (replace(scored[0], predicted=wild), scored[1])
    figure = error_figure(tests)
    assert figure is not None
    assert outside(tests) >= 1
    assert figure.layout.yaxis.range[1] == pytest.approx(limit(tests))
    assert limit(tests) < 4900


def test_the_fan_holds_forecasts_intervals_and_measurements(chinchilla_fit: Fit, scored: tuple[Backtest, ...]) -> None:
    own = scored[1]
    figure = fan_figure(chinchilla_fit, own)
    assert figure is not None
    told = {name: [v for t in figure.data if t.name == name for v in t.y if v is not None]
            for name in ("forecast", f"90%, {CALIBRATED}", f"90%, {FIT_NOISE}", "measured, inside", "measured, outside")}  # fmt: skip
    assert [line.x0 for line in figure.layout.shapes] == pytest.approx(np.unique(own.cut))
    assert sorted(told["forecast"]) == pytest.approx(sorted(own.predicted))
    assert sorted(told[f"90%, {CALIBRATED}"]) == pytest.approx(sorted([*own.low, *own.high]))
    assert sorted(told[f"90%, {FIT_NOISE}"]) == pytest.approx(sorted([*own.noise_low, *own.noise_high]))
    assert sorted(told["measured, inside"]) == pytest.approx(sorted(own.measured[own.inside]))
    assert sorted(told["measured, outside"]) == pytest.approx(sorted(own.measured[~own.inside]))
    x = [v for trace in figure.data if trace.name == "forecast" for v in trace.x]
    rows = chinchilla_fit.rows
    place = np.searchsorted(rows.numbers, own.row)
    assert sorted(x) == pytest.approx(sorted(6 * rows.axes["params"][place] * rows.axes["tokens"][place]))


def test_without_intervals_no_measurement_is_called_outside(chinchilla_fit: Fit, tmp_path: Path) -> None:
    plain = backtest(chinchilla_fit.rows, [chinchilla_fit.law], Settings(bootstrap=0))
    figure = fan_figure(chinchilla_fit, plain[0])
    assert figure is not None
    names = {trace.name for trace in figure.data}
    assert "measured" in names
    assert not [name for name in names if "side" in name or "90%" in name]
    words = _words(_page(chinchilla_fit, tmp_path, backtests=plain))
    assert "% off" in words
    assert "inside" not in words.split("<h2>Backtest")[1].split("</section>")[0]


def test_a_given_hold_out_is_one_panel_without_distances(chinchilla_fit: Fit, scored: tuple[Backtest, ...]) -> None:
    top = scored[1].cut == scored[1].cut.max()
    nowhere = np.full(int(top.sum()), np.nan)
    columns = {
        name: getattr(scored[1], name)[top]
        for name in ("row", "group", "measured", "predicted", "low", "high", "noise_low", "noise_high")
    }
    held = replace(scored[1], cut=nowhere, ahead=nowhere, along=None, **columns)
    assert error_figure([held]) is None
    figure = fan_figure(chinchilla_fit, held)
    assert figure is not None
    forecast = next(trace for trace in figure.data if trace.name == "forecast")
    fitted = next(trace for trace in figure.data if trace.name == "fitted")
    assert list(forecast.y) == pytest.approx(list(held.predicted))
    assert len(fitted.y) == len(chinchilla_fit.rows) - len(held.row)


def test_many_forecasts_are_thinned_evenly() -> None:
    assert drawn(np.arange(MOST_DRAWN)).tolist() == list(range(MOST_DRAWN))
    assert drawn(np.arange(3 * MOST_DRAWN)).tolist() == list(range(0, 3 * MOST_DRAWN, 3))


def test_the_ranking_stands_in_the_figure(ranked: Tournament) -> None:
    figure = tournament_figure(ranked)
    behind = [trace for trace in figure.data if trace.error_x.array is not None]
    found = {line: (x, x - minus, x + plus) for t in behind for x, line, plus, minus
             in zip(t.x, t.y, t.error_x.array, t.error_x.arrayminus, strict=True)}  # fmt: skip
    worse = ranked.standings[1].behind
    assert worse.low is not None
    assert worse.high is not None
    assert worse.value is not None
    assert found[1] == pytest.approx((100 * worse.value, 100 * worse.low, 100 * worse.high))
    shares = {line: x for t in figure.data if t.type == "bar" for x, line in zip(t.x, t.y, strict=True)}
    assert shares == pytest.approx({i: 100 * s.weight for i, s in enumerate(ranked.standings)})
    star = next(trace for trace in figure.data if trace.name == "recommended")
    assert [ranked.standings[line].law for line in star.y] == [ranked.recommended]


def test_too_few_runs_are_said_and_have_no_bars(chinchilla_fit: Fit, ranked: Tournament) -> None:
    few = tuple(replace(s, behind=replace(s.behind, low=None, high=None)) for s in ranked.standings)
    found = replace(ranked, standings=few, groups=3)
    words = tournament_words(chinchilla_fit, found)
    assert words is not None
    assert "too few" in words.verdict
    assert words.rows[1][1] == "too few runs to tell"
    assert all(set(t.error_x.array) == {0.0} for t in tournament_figure(found).data if t.error_x.array is not None)


def test_the_page_tells_ranking_distances_and_coverage(
    chinchilla_fit: Fit, scored: tuple[Backtest, ...], ranked: Tournament, tmp_path: Path
) -> None:
    text = _page(chinchilla_fit, tmp_path, backtests=scored, tournament=ranked)
    words, bins = _words(text), by_distance(scored[1])
    assert {"errors", "fan", "tournament"} <= set(re.findall(r'data-figure="figure-(\w+)"', text))
    assert f"{ranked.verdict}." in words
    assert f"<td>{ranked.standings[0].error_mean:.2%}</td>" in words
    assert f"<td>{bins[0].error_mean:.1%} off; {bins[0].coverage:.0%} inside, " in words
    assert words.index("<h2>Which law</h2>") < words.index("<h2>Backtest")
    table = words[words.index("decades ahead") :]
    assert table.index("<td>chinchilla</td>") < table.index("<td>kaplan</td>")


def test_sections_that_were_not_given_are_absent(chinchilla_fit: Fit, ranked: Tournament, tmp_path: Path) -> None:
    words = _words(_page(chinchilla_fit, tmp_path))
    assert "Backtest" not in words
    assert "Which law" not in words
    assert "Rows that move" not in words
    words = _words(_page(chinchilla_fit, tmp_path, tournament=ranked))
    assert "Which law" in words
    assert "Backtest" not in words


def test_a_refused_backtest_says_why(chinchilla_fit: Fit, tmp_path: Path) -> None:
    few = np.arange(len(chinchilla_fit.rows)) < 11
    with pytest.raises(Refused) as refused:
        backtest(chinchilla_fit.rows.subset(few), [chinchilla_fit.law], Settings(bootstrap=0))
    words = _words(_page(chinchilla_fit, tmp_path, backtests=refused.value))
    assert "<p>This table allows no backtest: no cut leaves 10 rows to fit below it" in words


def test_hostile_names_of_laws_are_escaped(
    chinchilla_fit: Fit, scored: tuple[Backtest, ...], ranked: Tournament, tmp_path: Path
) -> None:
    tests = tuple(replace(t, law=replace(t.law, name=EVIL + t.law.name), failed=(EVIL,), along=EVIL) for t in scored)
    standings = tuple(replace(s, law=EVIL + s.law, failed=(EVIL,)) for s in ranked.standings)
    found = replace(ranked, standings=standings, recommended=EVIL + ranked.recommended, missed=(EVIL,))
    text = _page(chinchilla_fit, tmp_path, backtests=tests, tournament=found)
    assert EVIL not in text
    assert "<img" not in text.split("<script")[0]
    for name in ("errors", "fan", "tournament"):
        body = re.search(rf'data-figure="figure-{name}">(.*?)</script>', text, re.DOTALL)
        assert body is not None
        assert "<script" not in json.dumps(json.loads(body[1])["layout"])
        assert "<script" not in json.dumps([trace.get("name") for trace in json.loads(body[1])["data"]])
