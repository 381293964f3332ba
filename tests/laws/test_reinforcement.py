"""Laws of reinforcement learning: curves of one run, of many sizes, and the authors' lookups."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Settings, fit
from allometry.laws import find_law, published
from allometry.runs import Rows

SIZES = np.array([0.5, 1.5, 3, 7, 14, 32, 72]) * 1e9
# fits_exp1.json of tanzelin430/Mathematical-Reasoning-RL-Scaling-Law, against compute: k_max, N0, intercepts by size
LOOKUPS = {
    "base": (0.13304186850061026, 13781599883.267672,
             [0.0640274, 0.2074213, 0.3740656, 0.7044669, 1.0848158, 1.5358831, 1.8957451]),
    "instruct": (0.12941550732302903, 19069280489.603394,
                 [0.0348470, 0.1288847, 0.2442797, 0.4936482, 0.8163342, 1.2621445, 1.6910059]),
}  # fmt: skip


def test_the_sigmoid_is_the_printed_fraction() -> None:
    law, compute = find_law("rl_sigmoid"), np.geomspace(1e18, 1e24, 30)
    for r0, a, b, middle in ((0.2, 0.61, 2.01, 1e21), (0.0, 0.9, 1.77, 3e20), (0.4, 0.3, 1.0, 1e22)):
        found = law.evaluate([r0, a, b, middle], {"flops": compute})
        np.testing.assert_allclose(found, r0 + (a - r0) / (1 + (middle / compute) ** b), rtol=1e-12)


def test_a_run_is_forecast_from_its_first_part() -> None:
    """The ceiling and the end of a run from runs up to four times its middle, its start fixed as measured."""
    compute = np.geomspace(5e19, 1.6e22, 40)
    law = find_law("rl_sigmoid")
    truth = law.evaluate([0.2, 0.61, 1.77, 1e21], {"flops": compute})
    noisy = truth + np.random.default_rng(5).normal(0.0, 0.005, len(truth))
    early = compute <= 4e21
    rows = Rows({"flops": compute[early]}, noisy[early], "accuracy")
    found = fit(rows, law, Settings(bootstrap=200, fixed={"R0": 0.2}))
    ceiling = found.parameters["A"]
    assert ceiling.low < 0.61 < ceiling.high
    assert found.predict({"flops": compute})[-1] == pytest.approx(truth[-1], abs=0.02)


def test_one_fit_a_size_gives_the_authors_lookup() -> None:
    """Slopes of the shipped sizes follow k_max * N / (N + N0): two of them give both, and the rest agree."""
    sizes = {"0_5B": 0.5, "1_5B": 1.5, "3B": 3, "7B": 7, "14B": 14, "32B": 32, "72B": 72}
    slopes = {n * 1e9: published(f"rl_power@base-{key}")[1].values["k"] for key, n in sizes.items()}
    inverse = np.polyfit(1 / np.array([3e9, 7e10 + 2e9]), [1 / slopes[3e9], 1 / slopes[72e9]], 1)
    k_max, n0 = 1 / inverse[1], inverse[0] / inverse[1]
    assert (k_max, n0) == pytest.approx((0.13996, 1.30030e10), rel=1e-4)
    for n, slope in slopes.items():
        assert slope == pytest.approx(k_max * n / (n + n0), rel=1e-9)


@pytest.mark.parametrize("kind", LOOKUPS)
def test_in_compute_the_lookups_follow_the_pivot_and_no_line(kind: str) -> None:
    """rl_multiplicative gives every intercept within .0102 in log10; a line in log size misses one by over .2."""
    k_max, n0, intercepts = LOOKUPS[kind]
    billions = np.log10(SIZES / 1e9)
    slopes = k_max * SIZES / (SIZES + n0)
    pivot, r = np.linalg.lstsq(np.stack([slopes, slopes * billions], 1), np.array(intercepts), rcond=None)[0]
    law = find_law("rl_multiplicative")
    found = law.evaluate({"C0": 10**pivot, "r": r, "N0": n0, "k_max": k_max}, {"params": SIZES, "flops": 1e20})
    assert np.abs(np.log10(found) - (np.array(intercepts) - 20 * slopes)).max() < 0.0102
    line = np.polyval(np.polyfit(billions, intercepts, 1), billions)
    assert np.abs(line - intercepts).max() > 0.2


def test_efficiency_is_rl_power_at_one_size() -> None:
    law = find_law("rl_efficiency")
    constants = {"e0": 0.02, "e1": 0.09, "k_max": 0.14, "N0": 1.3e10}
    for n in (1.5e9, 3.2e10):
        one = {"A": 10 ** (0.02 + 0.09 * np.log10(n / 1e9)), "k": 0.14 * n / (n + 1.3e10)}
        at = {"examples": np.geomspace(500, 5e4, 5)}
        np.testing.assert_allclose(
            law.evaluate(constants, {"params": n, **at}), find_law("rl_power").evaluate(one, at), rtol=1e-12
        )


def test_the_alternative_law_of_all_sizes_is_that_of_one_with_its_numbers() -> None:
    constants = dict(find_law("rl_post_openai").design.values)  # type: ignore[union-attr]
    for n in (1.5e9, 7e9, 7.2e10):
        b = constants["B_max"] + constants["B0"] * (1e9 / n) ** constants["p_B"]
        c = constants["C_max"] + constants["C0"] * (1e9 / n) ** constants["p_C"]
        one = {"N0": constants["N0"], "beta": constants["beta"], "B": b, "C": c, "alpha": constants["alpha"]}
        point = {"params": n, "examples": np.geomspace(100, 1e5, 6)}
        np.testing.assert_allclose(
            find_law("rl_post_openai").evaluate(constants, point),
            find_law("rl_post_openai_size").evaluate(one, point),
            rtol=1e-12,
        )


def test_size_sets_what_no_amount_of_samples_removes() -> None:
    """(N0/N)**(alpha*beta) of the shipped constants, by hand: 0.789 at 1.5B, 0.342 at 72B."""
    for key, n, limit in (("1_5B", 1.5e9, 0.789), ("72B", 7.2e10, 0.342)):
        law, constants = published(f"rl_post_openai_size@instruct-{key}")
        assert law.evaluate(constants.values, {"params": n, "examples": 1e14})[0] == pytest.approx(limit, abs=5e-4)


def test_larger_models_start_and_end_better_in_the_shipped_curves() -> None:
    curves = [
        published(f"rl_post_openai_size@instruct-{key}")[0].evaluate(
            published(f"rl_post_openai_size@instruct-{key}")[1].values, {"params": n, "examples": np.array([1e3, 5e4])}
        )
        for key, n in (("1_5B", 1.5e9), ("3B", 3e9), ("7B", 7e9), ("14B", 1.4e10), ("32B", 3.2e10), ("72B", 7.2e10))
    ]
    assert np.all(np.diff(np.array(curves), axis=0) < 0)


def test_curves_of_all_sizes_meet_at_the_common_compute() -> None:
    found = find_law("rl_inverse_exponential").evaluate([1e15, 0.024, 0.33], {"params": SIZES, "flops": 1e15})
    np.testing.assert_allclose(found, 1.0, rtol=1e-14)


def test_a_held_out_size_is_forecast_with_the_pivot() -> None:
    """Six smaller sizes give the 72B curve within two percent where the law holds."""
    law = find_law("rl_multiplicative")
    assert law.design is not None
    points = law.design.points()
    truth = law.evaluate(law.design.values, points)
    noisy = truth * np.exp(np.random.default_rng(2).normal(0.0, 0.012, len(truth)))
    small = points["params"] < 5e10
    rows = Rows({name: column[small] for name, column in points.items()}, noisy[small], "error")
    found = fit(rows, law, Settings(bootstrap=0))
    large = {name: column[~small] for name, column in points.items()}
    np.testing.assert_allclose(found.predict(large), truth[~small], rtol=0.05)
