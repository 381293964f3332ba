"""Figures for paper: nothing clipped or overlapping at column width, colours for every eye, and the CSV is what is drawn."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from allometry.fits import Fit, Settings, diagnose, fit, published_fit
from allometry.forecasts import Backtest, Tournament, backtest, forecast, tournament
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import default_quantities, plan
from allometry.reports.figures import figures
from allometry.reports.paper import FORMATS, write_figures
from allometry.reports.paper.draw import draw
from allometry.reports.paper.look import SETTINGS, WIDTH, colour
from allometry.reports.paper.panels import Drawing, drawing
from allometry.reports.paper.rows import figure_csv
from allometry.reports.results import Results
from allometry.reports.style import ACCENT, MUTED, WARM, law_colours, palette
from allometry.runs import read_runs

ALL = (
    "fit",
    "surface",
    "residuals",
    "region",
    "prices",
    "forecasts",
    "errors",
    "fan",
    "tournament",
    "influence",
    "deciding",
)
EVIL = "$\\frac{a}{$ <b>&amp; --> "


@pytest.fixture(scope="module")
def tests() -> tuple[Backtest, ...]:
    n, d = (values.ravel() for values in np.meshgrid(np.geomspace(1e7, 1e9, 7), np.geomspace(1e9, 1e11, 7)))
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(n)))
    runs = read_runs({"params": n, "tokens": d, "loss": (1.7 + 400 / n**0.34 + 410 / d**0.28) * noise})
    laws = [find_law(name) for name in ("chinchilla", "kaplan", "shifted_separable")]
    return backtest(runs, laws, Settings(bootstrap=20))


@pytest.fixture(scope="module")
def ranked(tests: tuple[Backtest, ...]) -> Tournament:
    return tournament(tests)


@pytest.fixture(scope="module")
def spoilt() -> Fit:
    """A known law with two runs measured too high, so that every figure has something to show."""
    n, d = (values.ravel() for values in np.meshgrid(np.geomspace(1e7, 1e9, 7), np.geomspace(1e9, 1e11, 7)))
    noise = np.exp(0.003 * np.random.default_rng(0).standard_normal(len(n)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * noise
    loss[[47, 48]] *= 1.2
    return fit(read_runs({"params": n, "tokens": d, "loss": loss}), "chinchilla", Settings(bootstrap=40))


@pytest.fixture(scope="module")
def drawings(spoilt: Fit, tests: tuple[Backtest, ...], ranked: Tournament) -> dict[str, Drawing]:
    ahead = forecast(spoilt, [{"params": 2e9, "tokens": 2e11}, {"params": 7e10, "tokens": 1.4e12}] * 6, of="new-run")
    results = Results(
        diagnose(spoilt, default_quantities(spoilt)), plan(spoilt, flops=1e22, refit=None), ahead, tests, ranked
    )
    return {name: drawing(figure) for name, figure in figures(spoilt, results).items()}


@pytest.fixture(scope="module")
def drawn(drawings: dict[str, Drawing]) -> Iterator[dict[str, Figure]]:
    with matplotlib.rc_context(SETTINGS):
        made = {name: draw(found) for name, found in drawings.items()}
        for figure in made.values():
            figure.draw_without_rendering()
        yield made


def test_every_figure_of_the_page_is_drawn(drawings: dict[str, Drawing]) -> None:
    assert tuple(drawings) == ALL


def texts(figure: Figure) -> list[Text]:
    return [found for found in figure.findobj(Text) if found.get_visible() and found.get_text().strip()]


@pytest.mark.parametrize("name", ALL)
def test_no_label_is_clipped_or_too_small(drawn: dict[str, Figure], name: str) -> None:
    figure = drawn[name]
    assert figure.get_size_inches()[0] == WIDTH
    page = figure.bbox
    for found in texts(figure):
        box = found.get_window_extent()
        inside = box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1 and box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1
        assert inside, found.get_text()
        assert found.get_fontsize() >= 6


@pytest.mark.parametrize("name", ALL)
def test_numbers_along_an_axis_do_not_touch(drawn: dict[str, Figure], name: str) -> None:
    for axes in drawn[name].axes:
        for labels, first, last in ((axes.get_xticklabels(), "x0", "x1"), (axes.get_yticklabels(), "y0", "y1")):
            boxes = [label.get_window_extent() for label in labels if label.get_text()]
            ordered = sorted(boxes, key=lambda box: getattr(box, first))
            assert all(getattr(a, last) < getattr(b, first) for a, b in pairwise(ordered))


@pytest.mark.parametrize("name", ALL)
def test_panels_titles_and_legend_keep_apart(drawn: dict[str, Figure], name: str) -> None:
    figure = drawn[name]
    boxes = [axes.get_window_extent() for axes in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [axes.title.get_window_extent() for axes in figure.axes if axes.title.get_text()]
    assert not any(a.shrunk(0.98, 0.98).overlaps(b.shrunk(0.98, 0.98)) for a, b in combinations(boxes, 2))


@pytest.mark.parametrize("kind", ["as it is", "protan", "deutan", "tritan"])
def test_colours_of_one_figure_are_told_apart(kind: str) -> None:
    """At full strength, by CIE76 in simulated colour vision (Machado et al. 2009, severity 1)."""
    sets = ([ACCENT, WARM, MUTED], law_colours(6)[:4], palette(5))
    for colours in sets:
        seen = [_lab(_seen(np.array(colour(text)[:3]), kind)) for text in colours]
        assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 10


_MACHADO = {
    "as it is": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritan": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip


def _seen(srgb: np.ndarray, kind: str) -> np.ndarray:
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.clip(_MACHADO[kind] @ linear, 0, 1))


def _lab(linear: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(np.maximum(xyz / np.array([0.9505, 1.0, 1.089]), 0.008856))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def table(found: Drawing) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure_csv(found))))


def test_the_csv_holds_the_runs_and_the_curves(spoilt: Fit, drawings: dict[str, Drawing]) -> None:
    rows = table(drawings["fit"])
    points = [row for row in rows if row["kind"] == "point" and row["series"] != "moves the answer"]
    assert sorted(float(row["y"]) for row in points) == sorted(spoilt.rows.target.tolist())
    compute = 6 * spoilt.rows.axes["params"] * spoilt.rows.axes["tokens"]
    assert sorted(float(row["x"]) for row in points) == pytest.approx(sorted(compute.tolist()), rel=1e-12)
    assert {row["y_axis"] for row in rows} == {"loss (nats per token)"}
    marked = [float(row["y"]) for row in rows if row["series"] == "moves the answer"]
    assert spoilt.rows.target[48] in marked


def test_a_band_is_two_ends_at_each_place(spoilt: Fit, drawings: dict[str, Drawing]) -> None:
    rows = [row for row in table(drawings["region"]) if row["kind"] == "band"]
    x = np.array([float(row["x"]) for row in rows])
    draws = spoilt.predict_draws({"params": x, "tokens": 1e22 / 6 / x})
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    assert [float(row["y_low"]) for row in rows] == pytest.approx(low.tolist())
    assert [float(row["y_high"]) for row in rows] == pytest.approx(high.tolist())


def test_intervals_of_forecasts_stand_with_their_ends(
    tests: tuple[Backtest, ...], drawings: dict[str, Drawing]
) -> None:
    rows = [row for row in table(drawings["fan"]) if row["kind"] == "interval" and "calibrated" in row["series"]]
    own = tests[0]
    assert sorted(float(row["y_low"]) for row in rows) == pytest.approx(sorted(own.low.tolist()))
    assert sorted(float(row["y_high"]) for row in rows) == pytest.approx(sorted(own.high.tolist()))
    assert len({row["panel"] for row in rows}) == len(np.unique(own.cut))


def test_the_ranking_names_its_laws(ranked: Tournament, drawings: dict[str, Drawing]) -> None:
    rows = [row for row in table(drawings["tournament"]) if row["x_axis"] == "mean error (%)"]
    assert {row["y"]: float(row["x"]) for row in rows} == pytest.approx(
        {s.law: 100 * s.error_mean for s in ranked.standings}
    )


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_fit_gives_the_same_bytes(curve_fit: Fit, tmp_path: Path, form: str) -> None:
    first, second = (write_figures(curve_fit, tmp_path / name, format=form) for name in "ab")  # type: ignore[arg-type]
    assert [each.figure.name for each in first] == [f"fit.{form}", f"residuals.{form}"]
    assert [each.figure.read_bytes() for each in first] == [each.figure.read_bytes() for each in second]
    start = {"pdf": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG"}[form]
    assert all(each.figure.read_bytes().startswith(start) for each in first)
    assert sorted(path.suffix for path in (tmp_path / "a").iterdir()) == sorted([f".{form}", ".csv"] * 2)


def test_names_from_tables_are_shown_and_not_obeyed(
    curve_fit: Fit, tests: tuple[Backtest, ...], ranked: Tournament, tmp_path: Path
) -> None:
    standings = tuple(replace(s, law=EVIL + s.law) for s in ranked.standings)
    evil = replace(ranked, standings=standings, recommended=standings[0].law)
    named = tuple(replace(t, law=replace(t.law, name=EVIL + t.law.name)) for t in tests)
    made = write_figures(curve_fit, tmp_path, format="svg", backtests=named, tournament=evil)
    found = {each.name: each for each in made}
    names = {row["y"] for row in csv.DictReader(io.StringIO(found["tournament"].data.read_text()))}
    assert any(name.startswith(EVIL[:20]) for name in names)
    for each in made:
        from xml.etree import ElementTree

        assert ElementTree.fromstring(each.figure.read_text(encoding="utf-8")).tag.endswith("svg")


def test_what_cannot_be_drawn_is_refused_and_leaves_nothing(
    curve_fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="no runs to draw") as refused:
        write_figures(published_fit("chinchilla@epoch"), tmp_path / "none")
    assert "--flops" in refused.value.mend
    with pytest.raises(Refused, match="'jpg'"):
        write_figures(curve_fit, tmp_path / "none", format="jpg")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("kept")
    with pytest.raises(Refused, match="cannot be made"):
        write_figures(curve_fit, tmp_path / "file")
    monkeypatch.setattr("allometry.reports.paper.write.find_spec", lambda name: None)
    with pytest.raises(Refused, match="need matplotlib"):
        write_figures(curve_fit, tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
