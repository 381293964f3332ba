"""The curvature of ln(-ln rate): known shapes get their names, at the noise that sampling until passes leaves."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import emergence
from allometry.notices import Refused
from allometry.runs import pass_until

SIZES = np.geomspace(3e6, 2.4e9, 10)
CURVES = {
    "linear": np.exp(-3000 * SIZES**-0.38),
    # a product of two steps, each by the law: F = ln(sum of powers), convex whatever the powers
    "convex": np.exp(-60 * SIZES**-0.2) * np.exp(-1e6 * SIZES**-0.8),
    # two circuits, the better of which takes over at a size
    "concave": 0.02 * np.exp(-20 * SIZES**-0.1) + 0.98 * np.exp(-1e7 * SIZES**-0.85),
}


@pytest.mark.parametrize("label", CURVES)
def test_exact_curves_bend_as_they_must(label: str) -> None:
    curve = CURVES[label]
    steps = np.diff(np.log(-np.log(curve)))
    second = np.diff(steps)
    assert emergence(SIZES, curve, error=0.05 * curve).label == label
    assert {"linear": np.all(np.abs(second) < 1e-9), "convex": np.all(second > 0), "concave": second.sum() < 0}[label]


def test_the_bend_is_the_change_of_slope_over_the_mean_slope() -> None:
    """By hand: over x from 0 to 1 the slope of 1 - 2 x + 0.6 x**2 goes from -2 to -0.8, by 1.2 about a mean of -1.4."""
    x = np.linspace(0, 1, 7)
    found = emergence(np.exp(3 * x), np.exp(-np.exp(1 - 2 * x + 0.6 * x**2)))
    assert found.bend.value == pytest.approx(1.2 / 1.4)
    assert found.label == "convex"


@pytest.mark.parametrize("label", CURVES)
def test_sampled_curves_are_told_apart(label: str) -> None:
    """A hundred problems of one rate each, every size sampled until 5 passes: the labels hold in 95 of 100 ladders."""
    generator, right = np.random.default_rng(0), 0
    for _ in range(100):
        draws = generator.negative_binomial(5, CURVES[label][:, None], (len(SIZES), 100)) + 5
        rates = [pass_until(row, np.full(100, 5), 5) for row in draws]
        found = emergence(SIZES, [r.mean for r in rates], error=[r.mean_error for r in rates])
        right += found.label == label
    assert right >= 95


def test_without_errors_noise_is_read_off_the_curve_and_may_leave_it_open() -> None:
    noise = np.exp(0.3 * np.random.default_rng(1).standard_normal(10))
    assert emergence(SIZES, np.minimum(CURVES["linear"] * noise, 0.9)).label == "undecided"
    smooth = emergence(SIZES, CURVES["convex"])
    assert smooth.label == "convex"


def test_the_bend_does_not_hang_on_the_unit_of_size() -> None:
    one, other = emergence(SIZES, CURVES["convex"]).bend, emergence(SIZES / 1e6, CURVES["convex"]).bend
    assert one.value == pytest.approx(other.value)
    assert one.low == pytest.approx(other.low)


@pytest.mark.parametrize(
    ("sizes", "rates", "error", "match"),
    [
        ([1e7, 1e8, 1e9], [0.1, 0.2, 0.3], None, "no curvature"),
        ([1e7, 1e8, 1e9, 1e9], [0.1, 0.2, 0.3, 0.3], None, "no curvature"),
        ([1e7, 1e8, 1e9, 2e9], [0.0, 0.2, 0.3, 0.4], None, "size 0"),
        ([1e7, 1e8, 1e9, 2e9], [0.1, 0.2, 0.3, 1.0], None, "size 3"),
        ([1e7, -1e8, 1e9, 2e9], [0.1, 0.2, 0.3, 0.4], None, "size 1"),
        ([1e7, 1e8, 1e9, 2e9], [0.1, 0.2, 0.3, 0.4], [0.1, 0.1, 0.0, 0.1], "size 2"),
        ([1e7, 1e8, 1e9, 2e9], [0.1, 0.2, 0.3], None, "one length"),
    ],
)
def test_unusable_rates_are_refused(
    sizes: list[float], rates: list[float], error: list[float] | None, match: str
) -> None:
    with pytest.raises(Refused, match=match):
        emergence(sizes, rates, error=error)
