"""One contract for every shipped law and every back end of its formula."""

from __future__ import annotations

import json

import numpy as np
import pytest

from allometry.axes import AXES
from allometry.expressions import from_space
from allometry.laws import Law, find_law, law_from_table, law_table, list_laws
from allometry.notices import Refused
from allometry.runs import read_runs

every_law = pytest.mark.parametrize(
    "law", [*list_laws(), find_law("bnsl:2")], ids=lambda law: f"{law.name}{len(law.parameters)}"
)
every_designed = pytest.mark.parametrize("law", list_laws(), ids=lambda law: law.name)


def truth(law: Law) -> dict[str, float]:
    """The design's values; for a resized law the start ranges' geometric middle."""
    if law.design:
        return dict(law.design.values)
    return {p.name: 500.0 if p.along else float(np.mean(p.start or (0.5, 1.5))) for p in law.parameters}


def points(law: Law) -> dict[str, np.ndarray]:
    design = law.design or find_law(law.name).design
    assert design is not None
    found = design.points()
    if set(law.axes) <= set(found):
        return found
    table = read_runs({**found, law.metric: np.ones(len(next(iter(found.values()))))}, rows="all")
    return dict(table.rows_for(law.axes, law.metric).axes)


def draws(law: Law, count: int = 20) -> np.ndarray:
    """Parameter vectors (count, p) spread around the truth, inside the bounds."""
    center = np.array([truth(law)[name] for name in law.parameter_names])
    # exponents of laws that only hold a curve and not their parameters sit inside an exponential
    spread = 0.01 if law.design and law.design.loose else 0.1
    drawn = center * np.exp(np.random.default_rng(0).normal(0.0, spread, (count, len(center))))
    return np.clip(
        drawn,
        [-np.inf if p.low is None else p.low for p in law.parameters],
        [np.inf if p.high is None else p.high for p in law.parameters],
    )


@every_law
def test_compiled_values_are_the_plain_values(law: Law) -> None:
    x, theta = points(law), draws(law)
    compiled = law.compiled()
    pivots = compiled.pivots(x)
    predictions = compiled.predictions(compiled.internal(theta, pivots), compiled.row_inputs(x, pivots))
    np.testing.assert_allclose(from_space(law.space, predictions), law.evaluate(theta, x), rtol=1e-12)


@every_law
def test_natural_values_come_back_from_internal_coordinates(law: Law) -> None:
    compiled, theta = law.compiled(), draws(law)
    pivots = compiled.pivots(points(law))
    np.testing.assert_allclose(compiled.natural(compiled.internal(theta, pivots), pivots), theta, rtol=1e-10)


@every_law
def test_gradient_is_the_finite_difference(law: Law) -> None:
    x, compiled = points(law), law.compiled()
    pivots = compiled.pivots(x)
    rows, q = compiled.row_inputs(x, pivots), compiled.internal(draws(law, 3), pivots)
    _, gradient = compiled.predictions_and_gradient(q, rows)
    for i in range(q.shape[1]):
        step = np.zeros(q.shape[1])
        step[i] = 1e-5
        slope = (compiled.predictions(q + step, rows) - compiled.predictions(q - step, rows)) / 2e-5
        np.testing.assert_allclose(gradient[:, i, :], slope, rtol=1e-6, atol=1e-6)


@every_law
def test_javascript_gives_the_plain_values(law: Law) -> None:
    quickjs = pytest.importorskip("quickjs")
    call = quickjs.Function(
        "run", f"const law = {law.javascript()}; function run(text) {{ return law(JSON.parse(text)); }}"
    )
    x = points(law)
    expected = law.evaluate(truth(law), x)
    for i in range(0, len(expected), 1 + len(expected) // 20):
        row = {**truth(law), **{name: float(column[i]) for name, column in x.items()}}
        assert call(json.dumps(row)) == pytest.approx(expected[i], rel=1e-12)


@every_law
def test_latex_has_balanced_braces_and_every_symbol(law: Law) -> None:
    text = law.latex()
    depth = np.cumsum([{"{": 1, "}": -1}.get(character, 0) for character in text])
    assert depth[-1] == 0
    assert depth.min() >= 0
    assert all((parameter.symbol or parameter.name) in text for parameter in law.parameters)


@every_designed
def test_fit_recovers_its_own_constants_from_noisy_runs(law: Law) -> None:
    """A loose law need not know its parameters, but the curve, inside its runs, all the same."""
    from allometry.expressions import target_transform
    from allometry.fits import Settings, fit

    design = law.design
    assert design is not None
    x = points(law)
    exact = target_transform(law.space, law.evaluate(design.values, x))
    noisy = exact + np.random.default_rng(1).normal(0.0, design.noise, len(exact))
    runs = read_runs({**x, law.metric: from_space(law.space, noisy)})
    result = fit(runs, law, Settings(bootstrap=100))
    spread = result.draws.std(axis=0)
    wanted = np.array([design.values[name] for name in law.parameter_names])
    if not design.loose:
        assert np.all(np.abs(result.estimate - wanted) <= 5 * spread), dict(
            zip(law.parameter_names, result.estimate, strict=True)
        )
    found = target_transform(law.space, result.predict(x))
    np.testing.assert_allclose(found, exact, rtol=0, atol=2 * design.noise)


@every_law
def test_declaration_survives_a_round_trip_through_json(law: Law) -> None:
    again = law_from_table(json.loads(json.dumps(law_table(law))), "artifact")
    for name in (
        "name",
        "subject",
        "title",
        "formula",
        "axes",
        "metric",
        "parameters",
        "min_runs",
        "published",
        "sizes",
        "declared",
        "papers",
        "status",
        "provisional",
    ):
        assert getattr(again, name) == getattr(law, name)
    np.testing.assert_array_equal(again.evaluate(truth(law), points(law)), law.evaluate(truth(law), points(law)))


@every_designed
def test_declaration_is_complete(law: Law) -> None:
    assert all([law.title, law.subject, law.source, law.status, law.use, law.avoid, law.design])
    for name in {*law.axes, law.metric} - set(AXES):
        assert law.declared[name].meaning
    for parameter in law.parameters:
        assert parameter.meaning
        assert parameter.unit
        assert parameter.start or parameter.along
    for constants in law.published.values():
        assert all([constants.source, constants.where, constants.conventions])


def test_an_axis_means_the_same_in_every_law() -> None:
    """Two laws that declare one name must declare one thing, or tables could not be shared between them."""
    meanings: dict[str, set[tuple[str, str, bool]]] = {}
    for law in list_laws():
        for axis in law.declared.values():
            meanings.setdefault(axis.name, set()).add((axis.unit, axis.meaning, axis.positive))
    assert {name: said for name, said in meanings.items() if len(said) > 1} == {}


@every_designed
def test_figures_follow_from_the_declaration(law: Law) -> None:
    for figure in law.figures:
        assert figure.where
        assert law.figure(figure) == pytest.approx(figure.value, rel=0, abs=figure.within), figure.name


@every_designed
def test_design_starts_hold_the_truth(law: Law) -> None:
    """Starts that exclude the published constants would only ever find them by luck."""
    for parameter in law.parameters:
        for constants in law.published.values():
            if parameter.start:
                assert parameter.start[0] <= constants.values[parameter.name] <= parameter.start[1]


@every_law
def test_bad_points_are_refused(law: Law) -> None:
    good = {name: column[:3] for name, column in points(law).items()}
    for name in law.axes:
        for wrong in (np.nan, np.inf, 0.0, -1.0) if law.axis(name).positive else (np.nan, np.inf):
            with pytest.raises(Refused, match=name) as refusal:
                law.evaluate(truth(law), {**good, name: np.array([good[name][0], wrong, good[name][2]])})
            assert refusal.value.where == "point 1"
        with pytest.raises(Refused, match=name):
            law.evaluate(truth(law), {other: column for other, column in good.items() if other != name})


@every_law
def test_bad_constants_are_refused(law: Law) -> None:
    x, values = points(law), truth(law)
    for parameter in law.parameters:
        with pytest.raises(Refused, match=parameter.name):
            law.evaluate({name: value for name, value in values.items() if name != parameter.name}, x)
        with pytest.raises(Refused, match=parameter.name):
            law.evaluate({**values, parameter.name: float("nan")}, x)
        if parameter.low is not None:
            with pytest.raises(Refused, match=parameter.name):
                law.evaluate({**values, parameter.name: parameter.low - 1.0}, x)
    with pytest.raises(Refused, match="no parameter 'zzz'"):
        law.evaluate({**values, "zzz": 1.0}, x)


@every_law
def test_draws_are_the_single_values_stacked(law: Law) -> None:
    x, theta = points(law), draws(law, 4)
    single = [law.evaluate(dict(zip(law.parameter_names, row, strict=True)), x) for row in theta]
    np.testing.assert_array_equal(law.evaluate(theta, x), np.stack(single))
    np.testing.assert_array_equal(law.evaluate(theta[0], x), single[0])
    assert law.evaluate(theta[:0], x).shape == (0, len(single[0]))
