"""What the page computes equals what Python computes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from allometry.fits import Fit, published_fit
from allometry.reports.sliders import sliders

quickjs: Any = pytest.importorskip("quickjs")


def _context(fit: Fit) -> Any:
    found = sliders(fit)
    assert found is not None
    context = quickjs.Context()
    context.eval((files("allometry.reports") / "sliders.js").read_text(encoding="utf-8"))
    context.eval(f"const law = {found.function}; const data = {found.data};")
    return context


@pytest.mark.parametrize("name", ["chinchilla_fit", "curve_fit"])
def test_value_is_that_of_the_law(name: str, request: pytest.FixtureRequest) -> None:
    fit: Fit = request.getfixturevalue(name)
    context = _context(fit)
    for factor in (0.5, 1.0, 30.0):
        point = {axis: factor * float(fit.rows.axes[axis].max()) for axis in fit.law.axes}
        ours = fit.predict({axis: np.array([value]) for axis, value in point.items()})[0]
        assert context.eval(f"pointValue(law, data, data.estimate, {json.dumps(point)})") == pytest.approx(
            ours, rel=1e-12
        )


def test_interval_is_that_of_the_draws(chinchilla_fit: Fit) -> None:
    point = {"params": 1e10, "tokens": 1e12}
    ours = chinchilla_fit.interval(
        0.0, chinchilla_fit.predict_draws({k: np.array([v]) for k, v in point.items()})[:, 0]
    )
    low, high = json.loads(_context(chinchilla_fit).eval(f"JSON.stringify(interval(law, data, {json.dumps(point)}))"))
    assert (low, high) == pytest.approx((ours.low, ours.high), rel=1e-7)


def test_moving_at_equal_compute_keeps_compute(chinchilla_fit: Fit) -> None:
    context = _context(chinchilla_fit)
    context.eval('const moved = movedTo(data, {params: 1e9, tokens: 2e10}, "equal compute", 4e9)')
    assert context.eval("compute(data, moved)") == pytest.approx(6 * 1e9 * 2e10)
    assert context.eval("moved.params") == 4e9


def test_decades_outside_the_runs(chinchilla_fit: Fit) -> None:
    found = json.loads(_context(chinchilla_fit).eval("JSON.stringify(outsideRuns(data, {params: 1e10, tokens: 1e8}))"))
    assert {each["name"]: pytest.approx(each["decades"]) for each in found} == {"params": 1.0, "tokens": -1.0}
    assert (
        json.loads(_context(chinchilla_fit).eval("JSON.stringify(outsideRuns(data, {params: 1e8, tokens: 1e10}))"))
        == []
    )


def test_published_constants_have_no_interval() -> None:
    context = _context(published_fit("chinchilla@epoch"))
    assert context.eval("interval(law, data, {params: 1e9, tokens: 1e10})") is None
    assert context.eval("outsideRuns(data, {params: 1e30, tokens: 1e10}).length") == 0
