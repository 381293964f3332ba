"""The best split: closed form against search, and against the published formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.laws import Law, find_law
from allometry.plans import allocation
from allometry.plans.allocation import Surface, best_split
from allometry.plans.bounds import bounds_of
from allometry.plans.reach import flops_for
from allometry.plans.terms import Terms, space_of

BUDGET = 5.76e23
# the Huber minimum on the 240 runs of Besiroglu et al. 2024
EPOCH = {"E": 1.81722, "A": 477.83, "alpha": 0.34731, "B": 2143.4, "beta": 0.36717}
CLOSED = {
    "chinchilla": EPOCH,
    "kaplan": {"Nc": 6.4e13, "alpha_N": 0.076, "Dc": 1.8e13, "alpha_D": 0.103},
    "overtraining": {"E": 1.84, "a": 212.2, "b": 366.7, "eta": 0.136},
    "E + A * (params**-a + R * tokens**-b)**k": {"E": 1.5, "A": 60.0, "a": 0.5, "R": 9.0, "b": 0.55, "k": 0.6},
    "exp(E + A / sqrt(params) + B / tokens**beta) - 1": {"E": 0.6, "A": 500.0, "B": 2000.0, "beta": 0.36},
    "E - (0 - (A / params**a + B / tokens**b))": {"E": 1.8, "A": 480.0, "a": 0.35, "B": 2100.0, "b": 0.37},
    "E + 1 / (G - (A / params**a + B / tokens**b))": {"E": 1.0, "G": 1.5, "A": 100.0, "a": 0.3, "B": 200.0, "b": 0.3},
}


def spread(law: Law, values: dict[str, float], count: int = 200, seed: int = 0) -> np.ndarray:
    estimate = np.array([values[name] for name in law.parameter_names])
    return estimate * np.exp(0.01 * np.random.default_rng(seed).normal(size=(count, len(estimate))))


def hoffmann(values: np.ndarray, flops: float) -> np.ndarray:
    """Eq. 4 of Hoffmann et al. 2022, for columns E, A, alpha, B, beta."""
    _, a, alpha, b, beta = values.T
    g = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    return g * (flops / 6) ** (beta / (alpha + beta))


def test_chinchilla_is_the_published_closed_form() -> None:
    law = find_law("chinchilla")
    draws = spread(law, EPOCH)
    ordered = draws[:, [law.parameter_names.index(name) for name in EPOCH]]
    found = best_split(law, draws, BUDGET, space_of(law, Terms(flops=BUDGET)))
    np.testing.assert_allclose(found.size, hoffmann(ordered, BUDGET), rtol=1e-10)
    np.testing.assert_allclose(6 * found.size * found.tokens, BUDGET, rtol=1e-12)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_form_and_search_agree(name: str) -> None:
    law = find_law(name)
    draws = spread(law, CLOSED[name], 50)
    space = space_of(law, Terms(flops=BUDGET))
    surface = Surface(law, draws, space.size, {})
    assert surface.core() is not None
    product = np.full(len(draws), np.log(BUDGET / 6))
    bounds = bounds_of(space, product)
    searched = allocation._searched(surface, product, bounds.low, bounds.high)
    closed = allocation._closed(surface, product, bounds)
    np.testing.assert_allclose(closed, searched, atol=2e-6)


@pytest.mark.parametrize(
    "text",
    [
        "E + A / params**a + B / tokens**b + F / (params * tokens)**c",
        "E + A / params**a + B / max(tokens, G)**b",
        "E + A / params**(a * log(tokens))  + B / tokens**b",
        "(E + A / params**a + B / tokens**b) / params",
    ],
)
def test_other_laws_have_no_closed_form(text: str) -> None:
    law = find_law(text)
    surface = Surface(law, np.full((3, len(law.parameters)), 0.5), "params", {})
    assert surface.core() is None


@settings(max_examples=60, deadline=None)
@given(st.floats(0.15, 0.8), st.floats(0.15, 0.8), st.floats(1, 4), st.floats(1, 4), st.floats(19, 27))
def test_no_split_nearby_is_better(alpha: float, beta: float, log_a: float, log_b: float, log_flops: float) -> None:
    law = find_law("chinchilla")
    values = {"E": 1.7, "A": 10**log_a, "alpha": alpha, "B": 10**log_b, "beta": beta}
    draws = np.array([[values[name] for name in law.parameter_names]])
    space = space_of(law, Terms(flops=10**log_flops))
    found = best_split(law, draws, 10**log_flops, space)
    surface, product = Surface(law, draws, "params", {}), np.array([log_flops * np.log(10) - np.log(6)])
    bounds = bounds_of(space, product)
    others = surface.loss(np.linspace(bounds.low[0], bounds.high[0], 500), product)
    assert found.loss[0] <= others.min() * (1 + 1e-12)


def test_a_second_valley_is_found() -> None:
    # two valleys of equal width; the deeper one is the smaller model's
    law = find_law("E - A * exp(-(log(params) - 20)**2) - B * exp(-(log(params) - 25)**2) + 0 * tokens")
    values = {"E": 3.0, "A": 1.0, "B": 0.8}
    draws = np.array([[values[name] for name in law.parameter_names]])
    found = best_split(law, draws, BUDGET, space_of(law, Terms(flops=BUDGET)))
    assert np.log(found.size[0]) == pytest.approx(20.0, abs=1e-4)


def test_repeated_data_is_planned_numerically() -> None:
    law = find_law("data_constrained")
    draws = spread(law, dict(law.published["muennighoff2023"].values), 1)
    scarce, plenty = (
        best_split(law, draws, 1e23, space_of(law, Terms(flops=1e23, fixed={"unique_tokens": unique})))
        for unique in (2.5e10, 1e13)
    )
    assert scarce.loss[0] > plenty.loss[0]
    assert scarce.tokens[0] > 4 * 2.5e10  # several epochs
    single = find_law("chinchilla")
    same = dict(zip(law.parameter_names, draws[0], strict=True))
    theta = np.array([[same[name] for name in single.parameter_names]])
    closed = best_split(single, theta, 1e23, space_of(single, Terms(flops=1e23)))
    assert plenty.size[0] == pytest.approx(closed.size[0], rel=1e-5)


def test_least_flops_undo_least_loss() -> None:
    for name in ("chinchilla", "data_constrained"):
        law = find_law(name)
        values = EPOCH if name == "chinchilla" else dict(law.published["muennighoff2023"].values)
        draws = spread(law, values, 30)
        fixed = {"unique_tokens": 1e11} if name == "data_constrained" else {}
        space = space_of(law, Terms(loss=2.2, fixed=fixed))
        flops = flops_for(law, draws, 2.2, space)
        np.testing.assert_allclose(best_split(law, draws, flops, space).loss, 2.2, rtol=1e-9)


def test_a_loss_below_the_floor_takes_infinite_flops() -> None:
    law = find_law("chinchilla")
    draws = spread(law, EPOCH, 20)
    flops = flops_for(law, draws, 1.82, space_of(law, Terms(loss=1.82)))
    floors = draws[:, law.parameter_names.index("E")]
    assert np.all(np.isinf(flops[floors > 1.82]))
    assert np.all(np.isfinite(flops[floors < 1.81]))
