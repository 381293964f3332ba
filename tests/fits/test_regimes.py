"""The four regimes against linear models whose losses are known in closed form (Bahri et al. 2021, arXiv 2102.06701)."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Settings, classify_regime
from allometry.notices import Refused

FEATURES = 1_500
QUICK = Settings(bootstrap=200)


def student_loss(decay: float, size: int, rng: np.random.Generator) -> float:
    """Tr[C - C P^T (P C P^T)^-1 P C] / 2 for a random projection P on `size` features, and infinite data.

    `size` random training points with all features give the mean of K(x, x) - K(x)^T Kbar^-1 K(x) over x: the same
    expression with the points' features for the rows of P C^(1/2). That is the duality of size and data. The spectrum
    is i**-(1 + decay); what lies beyond the features kept is never learned and acts as a ridge.
    """
    eigenvalues = np.arange(1.0, FEATURES + 1) ** -(1 + decay)
    beyond = (FEATURES + 0.5) ** -decay / decay
    rows = rng.normal(size=(size, FEATURES)) * np.sqrt(eigenvalues)
    kernel = rows @ rows.T + beyond * np.eye(size)
    learned = np.trace(np.linalg.solve(kernel, (rows * eigenvalues) @ rows.T))
    return float((eigenvalues.sum() + beyond - learned) / 2)


@pytest.mark.parametrize("decay", [0.5, 1.0])
@pytest.mark.parametrize("over", ["data", "size"])
def test_a_power_law_spectrum_gives_its_own_exponent_over_data_and_over_size(over: str, decay: float) -> None:
    """Measured to 5%, as on a small test set: the exact losses still bend by some thousandths of an exponent here."""
    rng = np.random.default_rng(0 if over == "data" else 1)
    x = np.geomspace(32, 256, 24).round().astype(int)
    loss = [student_loss(decay, size, rng) * np.exp(rng.normal(0.0, 0.05)) for size in x]
    ratio = x / 1e6 if over == "data" else np.inf
    found = classify_regime(over, x, loss, ratio=ratio, floor=0.0, settings=QUICK)
    assert found.verdict == "resolution-limited"
    assert found.exponent.value == pytest.approx(decay, abs=0.05)
    assert found.exponent.low is not None
    assert found.exponent.high is not None
    assert found.exponent.low <= decay <= found.exponent.high
    assert found.exponent.high - found.exponent.low < 0.1


def test_linear_regression_with_many_examples_is_variance_limited_in_data() -> None:
    """The excess loss of least squares on Gaussian inputs is s**2 * P / (D - P - 1) exactly."""
    width, noise, rng = 20, 0.3, np.random.default_rng(0)
    x = np.array([400, 800, 1600, 3200, 6400, 12800, 25600])
    exact = noise**2 * width / (x - width - 1)
    loss = noise**2 + exact * np.exp(rng.normal(0.0, 0.02, len(x)))
    for floor in (noise**2, None):
        found = classify_regime("data", x, loss, ratio=x / width, floor=floor, settings=QUICK)
        assert found.verdict == "variance-limited", found.reason
        assert found.exponent.value == pytest.approx(1.0, abs=0.06)
        assert found.hierarchy == "D >> P"
        assert found.ratio == (20.0, 1280.0)
        assert found.dimension is None


def ridgeless_excess(features: np.ndarray, target: np.ndarray, point: np.ndarray, size: int, rng: np.random.Generator):
    """Squared distance at one point between `size` random projections of the features and the kernel they tend to."""
    projection = rng.normal(size=(features.shape[1], size))
    own, there = features @ projection, point @ projection
    limit = features @ features.T
    tended = (point @ features.T) @ np.linalg.solve(limit, target)
    return ((there @ own.T) @ np.linalg.solve(own @ own.T, target) - tended) ** 2


def test_random_features_are_variance_limited_in_parameters() -> None:
    """The mean square of that distance is s**2 * y^T K^-1 y / (P - D - 1): exponent 1 in P, not 1/2."""
    rng = np.random.default_rng(1)
    features, target, point = rng.normal(size=(6, 30)), rng.normal(size=6), rng.normal(size=30)
    kernel = features @ features.T
    along = features.T @ np.linalg.solve(kernel, features @ point)
    scale = (point @ point - along @ along) * (target @ np.linalg.solve(kernel, target))
    measured = np.mean([ridgeless_excess(features, target, point, 60, rng) for _ in range(4000)])
    assert measured == pytest.approx(scale / (60 - 6 - 1), rel=0.1)
    x = np.array([80, 160, 320, 640, 1280, 2560])
    loss = scale / (x - 6 - 1) * np.exp(rng.normal(0.0, 0.02, len(x)))
    found = classify_regime("size", x, loss, ratio=6 / x, floor=0.0, settings=QUICK)
    assert found.verdict == "variance-limited", found.reason
    assert found.hierarchy == "P >> D"


def test_where_neither_far_exceeds_the_other_no_regime_is_named() -> None:
    """Least squares near D = P peaks there: the law is lost with the hierarchy, and D / P is reported."""
    width = 50
    x = np.array([60, 75, 100, 150, 250, 400, 700])
    found = classify_regime("data", x, width / (x - width - 1), ratio=x / width, floor=0.0, settings=QUICK)
    assert found.verdict == "not decided"
    assert found.hierarchy == "lost"
    assert found.ratio == (1.2, 14.0)
    assert "no regime holds" in found.reason


def test_an_exponent_against_the_hierarchy_is_not_decided() -> None:
    x = np.geomspace(1e3, 1e6, 8)
    loss = 4 * x**-0.4 * np.exp(np.random.default_rng(2).normal(0.0, 0.01, 8))
    found = classify_regime("data", x, loss, ratio=x / 50, floor=0.0, settings=QUICK)
    assert found.verdict == "not decided"
    assert found.hierarchy == "D >> P"


@pytest.mark.parametrize(
    ("exponent", "verdict"), [(1.0, "variance-limited"), (0.4, "resolution-limited"), (1.5, "not decided")]
)
def test_without_a_ratio_the_exponent_alone_decides_and_is_said_to(exponent: float, verdict: str) -> None:
    x = np.geomspace(1e2, 1e5, 9)
    loss = 4 * x**-exponent * np.exp(np.random.default_rng(2).normal(0.0, 0.01, 9))
    found = classify_regime("data", x, loss, floor=0.0, settings=QUICK)
    assert found.verdict == verdict
    assert found.hierarchy == "not known"
    assert found.ratio is None
    assert "exponent alone" in found.reason


def test_the_dimension_is_four_over_the_exponent() -> None:
    x = np.geomspace(1e2, 1e5, 9)
    loss = 4 * x**-0.5 * np.exp(np.random.default_rng(2).normal(0.0, 0.01, 9))
    dimension = classify_regime("data", x, loss, floor=0.0, settings=QUICK).dimension
    assert dimension is not None
    assert dimension.value == pytest.approx(8.0, abs=0.1)
    assert dimension.low is not None
    assert dimension.high is not None
    assert dimension.low < dimension.value < dimension.high < dimension.low + 0.5


def test_without_resamples_nothing_is_decided() -> None:
    x = np.geomspace(1e2, 1e5, 9)
    found = classify_regime("data", x, 4 / x, floor=0.0, settings=Settings(bootstrap=0))
    assert found.verdict == "not decided"
    assert found.reason == "the exponent has no interval"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"over": "depth"}, "over data or over size"),
        ({"ratio": 0.0}, "above zero"),
        ({"floor": 2.0}, "not above its floor"),
    ],
)
def test_what_cannot_be_judged_is_refused(arguments: dict[str, object], message: str) -> None:
    given = {"over": "data", "x": [1.0, 2.0, 4.0, 8.0], "loss": [4.0, 3.0, 2.0, 1.5], **arguments}
    with pytest.raises(Refused, match=message):
        classify_regime(**given)  # type: ignore[arg-type]
