"""The report: self-contained, escaped, whole, for every kind of result."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from allometry.costs import Price, find_hardware
from allometry.fits import Fit, diagnose, published_fit
from allometry.forecasts import FIT_NOISE, forecast
from allometry.notices import Notice, Refused
from allometry.plans import Deployment, default_quantities, plan
from allometry.reports import write_report

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class _Elements(HTMLParser):
    """Every element of a page with its attributes, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def _figures(text: str) -> dict[str, dict[str, object]]:
    found = re.findall(r'<script type="application/json" data-figure="figure-(\w+)">(.*?)</script>', text, re.DOTALL)
    return {name: json.loads(body) for name, body in found}


@pytest.fixture(scope="module")
def full(chinchilla_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = plan(chinchilla_fit, flops=1e22)
    forecasts = forecast(chinchilla_fit, [{"params": 1e10, "tokens": 1e12}])
    diagnosis = diagnose(chinchilla_fit, default_quantities(chinchilla_fit))
    assert write_report(chinchilla_fit, path, diagnosis=diagnosis, plan=found, forecasts=forecasts) == path
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_it_has_all_figures(full: str) -> None:
    assert set(_figures(full)) == {"fit", "surface", "residuals", "region", "prices", "influence"}
    assert all(figure["data"] for figure in _figures(full).values())


def test_nothing_is_fetched(full: str) -> None:
    elements = _Elements(full).found
    assert not [attributes for _, attributes in elements if {"src", "href", "srcset", "action"} & set(attributes)]
    assert "link" not in {tag for tag, _ in elements}
    assert "default-src 'none'" in full
    assert "@import" not in full.split("</style>")[0]


def test_its_panel_of_costs_says_what_is_fitted_and_what_assumed(full: str) -> None:
    panel = full[full.index("Cost over its life") : full.index("<h2>Forecasts")]
    for name, mark in (("law", "fitted"), ("served", "assumed"), ("training price", "assumed")):
        assert f'<span class="mark {mark}" data-life="{name}">{mark}</span>' in panel
    assert 'role="img" aria-label="Cost of training' in panel


def test_it_says_what_the_numbers_are(full: str) -> None:
    words = full.split("<script")[0]
    assert FIT_NOISE in words
    assert "25" in words
    for mark in ("measured", "fitted", "assumed"):
        assert f'<span class="mark {mark}">{mark}</span>' in full


def test_figures_hold_plain_lists(full: str) -> None:
    assert "bdata" not in json.dumps(_figures(full))


def test_texts_are_escaped(chinchilla_fit: Fit, tmp_path: Path) -> None:
    law = replace(chinchilla_fit.law, title=EVIL, name=EVIL, source=EVIL, avoid=EVIL, metric_unit=EVIL)
    rows = replace(chinchilla_fit.rows, conventions={"loss_unit": EVIL, EVIL: EVIL}, derived=(EVIL,))
    evil = replace(chinchilla_fit, law=law, rows=rows, status=EVIL, notices=(Notice(EVIL, EVIL),))
    device = replace(find_hardware("h100"), name=EVIL)
    price = Price(date=datetime.date(2026, 11, 1), source=EVIL, device_hour=2.5, utilisation=1.0, currency=EVIL)
    money = Deployment(training=device, serving=device, training_price=price, serving_price=price, prompt=1, generated=1, batch=1)  # fmt: skip
    text = write_report(evil, tmp_path / "evil.html", money=money).read_text(encoding="utf-8")
    assert 'id="life-data"' in text
    assert EVIL not in text
    assert "&lt;script&gt;alert(1)" in text
    assert not [tag for tag, _ in _Elements(text).found if tag == "img"]
    titles = json.dumps(_figures(text)["fit"]["layout"])
    assert "<script" not in titles
    assert "&lt;script" in titles


def test_an_unknown_axis_with_markup_in_its_name_is_escaped(curve_fit: Fit, tmp_path: Path) -> None:
    rows = replace(curve_fit.rows, metric="lo<b>ss")
    text = write_report(replace(curve_fit, rows=rows), tmp_path / "report.html").read_text(encoding="utf-8")
    assert "lo<b>ss" not in text


def test_a_parameter_that_cannot_be_told_says_why(chinchilla_fit: Fit, tmp_path: Path) -> None:
    unknown = replace(chinchilla_fit, confounded={"B": "the data cannot tell B from beta"})
    text = write_report(unknown, tmp_path / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<td>B</td><td>–</td><td>the data cannot tell B from beta</td>", text)


def test_a_law_of_one_axis(curve_fit: Fit, tmp_path: Path) -> None:
    diagnosis = diagnose(curve_fit, default_quantities(curve_fit))
    text = write_report(curve_fit, tmp_path / "report.html", diagnosis=diagnosis).read_text(encoding="utf-8")
    assert {"fit", "residuals"} <= set(_figures(text))
    assert "surface" not in _figures(text)


def test_published_constants(tmp_path: Path) -> None:
    found = published_fit("chinchilla@epoch")
    text = write_report(found, tmp_path / "report.html", plan=plan(found, flops=1e22)).read_text(encoding="utf-8")
    assert set(_figures(text)) == {"region"}
    assert "not fitted here" in text
    assert '<span class="mark published">published</span>' in text


def test_a_failed_write_leaves_nothing(chinchilla_fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(Refused, match=r"report\.html"):
        write_report(chinchilla_fit, tmp_path / "report.html")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
