"""Laws of other fields: robots, images, driving, uncertainty and growth, against their sources' numbers."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Settings, Squared, fit
from allometry.laws import find_law, published
from allometry.runs import Rows

# Lin et al. 2024, arXiv 2410.18647: mean scores with all demonstrations of 1, 2, 4, 8, 16, 32 kinds, and the best score
SCORES = {
    "pour-water-environments": ([1.3, 3.325, 4.475, 6.2, 8, 8.6], 9, -0.960),
    "mouse-arrangement-objects": ([1.3, 3.25, 3.625, 4.8, 5.325, 5.575], 6, -0.991),
    "mouse-arrangement-environments": ([1.3, 2.475, 3.625, 3.6, 4.45, 5.2], 6, -0.966),
    "mouse-arrangement-pairs": ([0.75, 0.875, 2.325, 3.35, 4.75, 5.525], 6, -0.942),
}
KINDS = 2.0 ** np.arange(6)


def imitation(key: str) -> dict[str, float]:
    scores, best, _ = SCORES[key]
    rows = Rows({"varieties": KINDS}, 1 - np.array(scores) / best, "error")
    return fit(rows, "imitation", Settings(objective=Squared(), bootstrap=0)).values


@pytest.mark.parametrize("key", SCORES)
def test_imitation_legends_come_back_to_every_printed_digit(key: str) -> None:
    found, constants = imitation(key), published(f"imitation@{key}")[1].values
    assert (round(found["a"], 3), round(found["b"], 3)) == (constants["a"], constants["b"])
    scores, best, r = SCORES[key]
    assert round(float(np.corrcoef(np.log(KINDS), np.log(1 - np.array(scores) / best))[0, 1]), 3) == r


def test_imitation_pairs_for_one_percent_of_error() -> None:
    """1,191 pairs of environment and object for Mouse Arrangement, as the paper extrapolates."""
    found = imitation("mouse-arrangement-pairs")
    assert round((found["a"] / 0.01) ** (-1 / found["b"])) == 1191


def test_bayesian_linear_regression_contracts_with_exponent_minus_one() -> None:
    """Exact epistemic variance of a conjugate model, several draws of the inputs at each number of examples."""
    generator = np.random.default_rng(0)
    dimensions, noise, prior = 5, 0.3, 1e-2
    probes = generator.normal(size=(200, dimensions))
    counts = np.repeat([200, 400, 800, 1600, 3200, 6400], 4)
    variance = []
    for n in counts:
        inputs = generator.normal(size=(n, dimensions))
        covariance = np.linalg.inv(prior * np.eye(dimensions) + inputs.T @ inputs / noise**2)
        variance.append(np.einsum("ij,jk,ik->i", probes, covariance, probes).mean())
    found = fit(
        Rows({"examples": counts.astype(float)}, np.array(variance), "uncertainty"),
        "uncertainty",
        Settings(bootstrap=300),
    )
    gamma = found.parameters["gamma"]
    assert gamma.low < -1.0 < gamma.high
    assert gamma.high - gamma.low < 0.03
    # sigma**2 * d / N, the asymptote, with the probes' own mean square norm in the place of d
    expected = noise**2 * (probes**2).sum(axis=1).mean() / 6400
    assert found.predict({"examples": 6400.0})[0] == pytest.approx(expected, rel=0.02)


def test_comparison_constants_extrapolate_to_accuracies_near_those_measured() -> None:
    """openCLIP L/14 at 12.8 billion samples, about 1.75e11 FLOPs a sample: 79.2% measured, 80.0% extrapolated."""
    law, constants = published("comparison@clip")
    accuracy = 1 - law.evaluate(constants.values, {"flops": 1.75e11 * 1.28e10})[0]
    assert accuracy == pytest.approx(0.800, abs=0.005)


def test_motion_optima_need_not_share_compute_evenly() -> None:
    """Exponents 0.63 and 0.44, planted, come back each by itself; nothing forces their sum to one."""
    flops = np.geomspace(1e16, 3e18, 7)
    generator = np.random.default_rng(4)
    for law, metric, planted in (("motion_frontier", "examples", 0.44), ("allocation_params", "params", 0.63)):
        exact = find_law(law).evaluate([1e-3, planted], {"flops": flops})
        rows = Rows({"flops": flops}, exact * np.exp(generator.normal(0.0, 0.05, 7)), metric)
        found = fit(rows, law, Settings(bootstrap=200))
        exponent = found.parameters[found.law.parameter_names[1]]
        assert exponent.low - 0.01 < planted < exponent.high + 0.01


def test_diffusion_wants_ten_times_the_tokens_of_language() -> None:
    """Chickering et al. 2026: about 199 image tokens per parameter; their own two laws drift by 9 over two decades."""
    params, tokens = (published(f"allocation_{name}@abra") for name in ("params", "tokens"))
    for budget in (1e20, 1e21, 1e22):
        at = {"flops": budget}
        ratio = tokens[0].evaluate(tokens[1].values, at)[0] / params[0].evaluate(params[1].values, at)[0]
        assert ratio == pytest.approx(199, abs=9)


def test_growth_timing_is_the_printed_equation() -> None:
    law, constants = published("growth_timing@du2024")
    for n, c in ((4.1e8, 1e20), (7e9, 1e22)):
        log_tokens = 0.88 * np.log10(n) + 163.27 / np.log10(c) - 5.74
        assert law.evaluate(constants.values, {"params": n, "flops": c})[0] == pytest.approx(10**log_tokens, rel=1e-12)


def test_dense_retrieval_limits_are_power_laws() -> None:
    constants = {"A": 1e5, "alpha": 0.5, "B": 2000.0, "beta": 0.9, "delta": 0.03}
    law = find_law("dense_retrieval")
    assert law.evaluate(constants, {"params": 1e7, "examples": 1e30})[0] == pytest.approx(0.1 + 0.03, rel=1e-9)
    assert law.evaluate(constants, {"params": 1e60, "examples": 2e5})[0] == pytest.approx(0.01**0.9 + 0.03, rel=1e-9)


def test_two_million_pairs_by_a_planted_line() -> None:
    """A line in the logarithm is planted so that 2**21 pairs reach the target; the interval holds it."""
    pairs = 2.0 ** np.arange(9, 17)
    score = 0.1 + 0.03 * np.log2(pairs) + np.random.default_rng(1).normal(0.0, 0.004, 8)
    found = fit(Rows({"examples": pairs}, score, "accuracy"), "pairs_for_target", Settings(bootstrap=300))
    doublings = (0.73 - found.draws[:, 0]) / found.draws[:, 1]
    low, high = np.quantile(doublings, [0.05, 0.95])
    assert low < 21 < high
