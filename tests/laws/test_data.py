"""Laws of data: what quality, mixture, languages and retrieval are worth, against their sources' numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from allometry.costs import most_bits_per_parameter
from allometry.fits import Settings, fit
from allometry.laws import find_law, published
from allometry.notices import Refused
from allometry.runs import Rows

POOL = 1.28e7


def value(name: str, constants: dict[str, float], **point: float) -> float:
    return float(find_law(name).evaluate(constants, point)[0])


def mixture(pools: int, budget: float, name: str = "quality_mixture_early_floor") -> float:
    """Accuracy of equal shares of the best pools at a budget, by the released constants."""
    constants = published("quality_mixture_early_floor@tmars")[1].values
    shares = {f"share_{j}": 1 / pools if j <= pools else 0.0 for j in (1, 2, 3)}
    return 1 - value(name, dict(constants), examples=budget, pool_samples=pools * POOL, **shares)


# --- quality of pools (Goyal et al. 2024)


def test_the_released_form_shrinks_the_floor_by_what_it_multiplies() -> None:
    """0.0164 of error at ten passes; nothing within the first pass, whatever a is."""
    for a in (0.02, 0.033):
        constants = {"a": a, "b": -0.15, "tau": 3.0, "d": 0.1}
        late, early = (
            value(name, constants, examples=1.28e8, pool_samples=POOL)
            for name in ("quality_pool", "quality_pool_early_floor")
        )
        assert late - early == pytest.approx(0.0164, abs=5e-5)
        one = {"examples": POOL, "pool_samples": POOL}
        assert value("quality_pool", constants, **one) == pytest.approx(
            value("quality_pool_early_floor", constants, **one), rel=1e-14
        )


def test_the_pools_product_is_the_printed_one() -> None:
    """The law writes the product over passes by powers of the samples so far; here it is as printed."""
    a, b, tau, d = 0.025, -0.16, 6.7, 0.1
    for total in (5e6, 2e7, 6.4e7, 1.28e8, 3.0e8):
        printed = (a * min(total, POOL) / 1e5) ** b
        for j in range(2, 31):
            ratio = min(j * POOL, total) / min((j - 1) * POOL, total)
            printed *= ratio ** (b * 0.5 ** ((j - 1) / tau))
        found = value("quality_pool", {"a": a, "b": b, "tau": tau, "d": d}, examples=total, pool_samples=POOL)
        assert found == pytest.approx(printed + d, rel=1e-12)


def test_repeats_that_never_wear_out_are_samples() -> None:
    constants = {"a": 0.03, "b": -0.2, "tau": 1e9, "d": 0.1}
    for name in ("quality_pool", "quality_effective_data"):
        found = value(name, constants, examples=8 * POOL, pool_samples=POOL)
        assert found == pytest.approx((0.03 * 8 * POOL / 1e5) ** -0.2 + 0.1, rel=1e-7)


def test_a_mixture_of_one_pool_is_the_pool() -> None:
    constants = published("quality_pool_early_floor@tmars-top-10")[1].values
    for budget in (3e6, 3.2e7, 1e8):
        alone = value("quality_pool_early_floor", dict(constants), examples=budget, pool_samples=POOL)
        assert mixture(1, budget) == pytest.approx(1 - alone, rel=1e-12)


def test_more_compute_wants_more_pools() -> None:
    """With the released constants one tenth of the crawl is best at 32M and 64M samples, two at 128M."""
    best = [1 + int(np.argmax([mixture(pools, budget) for pools in (1, 2, 3)])) for budget in (3.2e7, 6.4e7, 1.28e8)]
    assert best == [1, 1, 2]


def test_mixtures_stand_still_after_ten_passes() -> None:
    assert mixture(1, 1.28e8) == mixture(1, 6.4e8)
    assert mixture(2, 2.56e8) > mixture(2, 1.28e8)


def test_a_pool_is_found_from_runs_with_the_floor_given_as_the_authors_did() -> None:
    law, constants = published("quality_pool_early_floor@tmars-top-10")
    samples = np.array([1, 2, 4, 6, 8, 10]) * POOL
    pools = np.full(6, POOL)
    error = law.evaluate(constants.values, {"examples": samples, "pool_samples": pools})
    rows = Rows({"examples": samples, "pool_samples": pools}, error, "error")
    found = fit(rows, law, Settings(bootstrap=0, fixed={"d": 0.1})).values
    assert found["b"] == pytest.approx(constants.values["b"], rel=1e-4)
    assert found["tau"] == pytest.approx(constants.values["tau"], rel=1e-3)


# --- programming languages (Yang et al. 2025)

FIGURE_2 = {
    "Python": (0.221, 1.217, 0.566), "Java": (0.447, 1.129, 0.397), "JavaScript": (0.692, 1.247, 0.554),
    "TypeScript": (0.439, 1.303, 0.518), "C#": (0.321, 1.350, 0.288), "Go": (0.845, 1.149, 0.414),
    "Rust": (0.643, 1.297, 0.397),
}  # fmt: skip


def test_languages_end_in_the_papers_order() -> None:
    """Large models on much data: C# < Java and Rust < Go < TypeScript < JavaScript < Python."""
    losses = {
        name: value(
            "code_languages",
            {"Nc": 1e3, "alpha_n": alpha_n, "Dc": 1e6, "alpha_d": alpha_d, "L_inf": floor},
            params=1e15,
            tokens=1e15,
        )
        for name, (alpha_n, alpha_d, floor) in FIGURE_2.items()
    }
    order = sorted(losses, key=lambda name: losses[name])
    assert order[0] == "C#"
    assert set(order[1:3]) == {"Java", "Rust"}
    assert order[3:] == ["Go", "TypeScript", "JavaScript", "Python"]


def test_a_mixture_of_languages_is_the_printed_law() -> None:
    law = find_law("code_mixture")
    constants = dict(law.design.values) if law.design else {}
    shares = np.array([0.5, 0.3, 0.2])
    tau = np.array([[0, 0.02, 0.05], [0.1, 0, 0.03], [0.04, 0.02, 0]])
    synergy = shares @ tau @ shares
    n, d = 1.1, 20 * (1 + constants["gamma"] * synergy)
    mean = {
        key: sum(s * constants[f"{key}_{j + 1}"] for j, s in enumerate(shares))
        for key in ("alpha_n", "alpha_d", "L_inf")
    }
    printed = constants["A"] * n ** -mean["alpha_n"] + constants["B"] * d ** -mean["alpha_d"] + mean["L_inf"]
    point = {f"share_{j + 1}": float(s) for j, s in enumerate(shares)}
    found = law.evaluate(constants, {"params": 1.1e9, "tokens": 2e10, "synergy": float(synergy), **point})
    assert found[0] == pytest.approx(printed, rel=1e-13)


def test_alike_languages_that_help_each_other_are_best_mixed_evenly() -> None:
    law = find_law("code_mixture:2")
    constants = {"A": 0.3, "B": 1.5, "gamma": 4.0} | {
        f"{key}_{j}": v for key, v in (("alpha_n", 0.4), ("alpha_d", 1.2), ("L_inf", 0.4)) for j in (1, 2)
    }
    share = np.linspace(0, 1, 21)
    loss = law.evaluate(
        constants,
        {"params": 1e9, "tokens": 5e9, "share_1": share, "share_2": 1 - share, "synergy": share * (1 - share) * 0.1},
    )
    assert share[np.argmin(loss)] == 0.5


def test_pairing_lowers_the_floor_of_translation() -> None:
    floors = [
        published(f"translation_loss@{key}")[1].values["L_inf"] for key in ("unaligned", "paired-seen", "paired-unseen")
    ]
    assert floors == sorted(floors, reverse=True)


# --- transfer, knowledge, datastores


def test_the_gap_of_training_in_one_domain_comes_back() -> None:
    """Runs of two and more domains on a curve, the run of one planted 0.06 below it."""
    domains = np.array([2, 3, 4, 5, 6, 7, 8, 10.0])
    clean = 0.4 * domains**0.12
    noisy = clean * np.exp(np.random.default_rng(3).normal(0.0, 0.01, len(domains)))
    found = fit(Rows({"parallel_domains": domains}, noisy, "accuracy"), "transfer_breadth", Settings(bootstrap=200))
    gaps = found.predict_draws({"parallel_domains": np.array([1.0])})[:, 0] - (0.4 - 0.06)
    low, high = np.quantile(gaps, [0.05, 0.95])
    assert low < 0.06 < high
    assert high - low < 0.05


def test_knowledge_has_room_for_what_a_model_can_hold() -> None:
    """A set whose maximum is 1.8 bits a parameter fills a model of 2 bits to nine tenths, as the authors plan."""
    law, constants = published("knowledge_capacity@thousand-exposures")
    params = 1e7
    people = next(n for n in np.geomspace(1e5, 1e7, 2000) if most_bits_per_parameter(params, n) >= 1.8)
    bits = law.evaluate(constants.values, {"params": params})[0]
    assert most_bits_per_parameter(params, people) * params / bits == pytest.approx(0.9, abs=0.002)


def test_transport_is_a_line_in_log_size_through_two_sizes() -> None:
    """Accuracy at size N from those at N0 and N1, at one distance, as the source's second stage has it."""
    law = find_law("transport_accuracy")
    constants = {"a": 0.02, "b": 0.002, "c": 0.7, "d": 0.04}
    at = lambda n: law.evaluate(constants, {"examples": n, "transport_distance": 6.0})[0]  # noqa: E731
    n0, n1, n = 1e3, 4e3, 3e4
    second_stage = (np.log(n / n0) * at(n1) - np.log(n / n1) * at(n0)) / np.log(n1 / n0)
    assert at(n) == pytest.approx(second_stage, rel=1e-12)


# --- mixtures of domains (Ye et al. 2024)


def test_all_shares_at_once_are_not_identified() -> None:
    """Shares that sum to one: the scale and all the exponents move together, and the fit gives them no value."""
    first = np.linspace(0.1, 0.9, 12)
    loss = 1.0 + 0.5 * np.exp(-2.0 * first) * np.exp(np.random.default_rng(0).normal(0, 0.002, 12))
    rows = Rows({"share_1": first, "share_2": 1 - first}, loss, "loss")
    found = fit(rows, "data_mixing", Settings(bootstrap=50))
    assert {"k", "t_1", "t_2"} <= set(found.confounded)
    assert found.parameters["c"].value is not None


def test_the_family_of_domains_has_the_size_asked_for() -> None:
    assert find_law("data_mixing:1").parameter_names == ("c", "k", "t_1")
    assert find_law("data_mixing:4").axes == ("share_1", "share_2", "share_3", "share_4")
    with pytest.raises(Refused):
        find_law("quality_mixture:6")


@pytest.mark.published
@pytest.mark.parametrize("size", ["70M", "160M"])
@pytest.mark.parametrize("domain", ["Github", "Pile-CC"])
def test_mixing_constants_on_the_runs_they_are_of(size: str, domain: str, published: Callable[[str], Path]) -> None:
    """All five mixtures within 0.006, and the printed slope and intercept from them at that floor."""
    from allometry.laws import published as constants_of

    with published("data_mixing_laws.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["suite"], row["model_size"], row["valid_domain"], row["step"]) == ("2Mix", size, domain, "30000")
        ]
    own = np.array([float(row["mixture"].split("-")[0 if domain == "Github" else 1]) for row in rows])
    loss = np.array([float(row["loss"]) for row in rows])
    law, constants = constants_of(f"data_mixing@{domain.lower()}-{size}")
    assert len(rows) == 5
    predicted = law.evaluate(constants.values, {"share_1": own, "share_2": 0.0})
    np.testing.assert_allclose(predicted, loss, rtol=0, atol=0.006)
    slope, intercept = np.polyfit(own, np.log(loss - constants.values["c"]), 1)
    assert slope == pytest.approx(constants.values["t_1"], abs=0.03)
    assert np.exp(intercept) == pytest.approx(constants.values["k"], rel=0.015)
