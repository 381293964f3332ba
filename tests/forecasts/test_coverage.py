"""Pass@k beyond the samples drawn: planted spreads, closed forms, a published table, and counts that cannot be."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betaln
from scipy.stats import beta

from allometry.forecasts import Coverage, coverage_of
from allometry.forecasts._chances import FAMILIES, Nodes
from allometry.inference.sweeps import pass_at_k
from allometry.notices import Refused

FAR = 5_000
WORLDS = [  # a and b of the planted beta distribution, the share never solved
    (0.3, 12.0, 0.0),
    (1.0, 30.0, 0.0),
    (0.5, 6.0, 0.4),
    (0.2, 10.0, 0.0),
]


def planted(a: float, b: float, never: float, seed: int, problems: int = 100, trials: int = 60) -> np.ndarray:
    drawn = np.random.default_rng([seed, 11])
    chances = drawn.beta(a, b, problems) * (drawn.random(problems) >= never)
    return drawn.binomial(trials, chances)


def truth(a: float, b: float, never: float, k: int) -> float:
    return float((1 - never) * -np.expm1(betaln(a, b + k) - betaln(a, b)))


def test_intervals_hold_the_planted_truth_about_as_often_as_they_say() -> None:
    held = []
    for world in WORLDS:
        for seed in range(6):
            found = coverage_of(planted(*world, seed), np.full(100, 60)).pass_at(FAR)
            assert found.low is not None
            assert found.high is not None
            assert found.value is not None
            assert 0 <= found.low <= found.value <= found.high <= 1
            held.append(found.low <= truth(*world, FAR) <= found.high)
    # of 24 at 90%: fewer than 18 would be rarer than 1 in 100
    assert sum(held) >= 18


OTHER_WORLDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "log-normal": lambda drawn, n: np.minimum(10 ** drawn.normal(-2.5, 1, n), 1),
    "some always right": lambda drawn, n: np.minimum(10 ** drawn.normal(-2, 1.3, n), 1),
    "easy and hard": lambda drawn, n: np.where(drawn.random(n) < 0.3, drawn.beta(2, 20, n), drawn.beta(0.3, 100, n)),
    "even in logarithms": lambda drawn, n: 10 ** drawn.uniform(-6, -0.5, n),
}


def test_intervals_hold_on_spreads_that_are_of_no_family() -> None:
    held = []
    for world in OTHER_WORLDS.values():
        far = float(np.mean(1 - (1 - world(np.random.default_rng(999), 400_000)) ** 10_000))
        for seed in range(5):
            drawn = np.random.default_rng([seed, 13])
            found = coverage_of(drawn.binomial(100, world(drawn, 120)), np.full(120, 100)).pass_at(10_000)
            held.append((found.low or 0) <= far <= (found.high or 0))
    # of 20 at 90%: fewer than 15 would be rarer than 1 in 90
    assert sum(held) >= 15


def test_an_interval_is_narrow_where_the_counts_tell_much_and_wide_where_most_problems_have_no_success() -> None:
    easy = coverage_of(planted(2.0, 6.0, 0.0, 0), np.full(100, 60)).pass_at(FAR)
    hard = coverage_of(planted(0.15, 60.0, 0.0, 0), np.full(100, 60)).pass_at(FAR)
    assert easy.high is not None
    assert easy.low is not None
    assert hard.high is not None
    assert hard.low is not None
    assert easy.high - easy.low < 0.1 < 0.3 < hard.high - hard.low


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize(("a", "mean"), [(0.05, 0.01), (0.3, 0.025), (1.0, 0.5), (3.0, 0.9)])
def test_a_family_has_the_mean_it_is_asked_for(family: object, a: float, mean: float) -> None:
    nodes = Nodes.reaching(1000, 100)
    shares = family.weights(np.array([[a]]), np.array([[mean]]), nodes)  # type: ignore[attr-defined]
    assert shares.sum() == pytest.approx(1)
    assert shares[0] @ np.exp(nodes.log_p) == pytest.approx(mean, rel=2e-4)


@pytest.mark.parametrize("k", [1, 30, 10_000])
def test_the_beta_family_equals_its_closed_form(k: int) -> None:
    nodes = Nodes.reaching(1000, 100)
    shares = FAMILIES[0].weights(np.array([[0.3]]), np.array([[0.3 / 12.3]]), nodes)
    assert shares[0] @ nodes.solved(k) == pytest.approx(truth(0.3, 12.0, 0.0, k), rel=1e-5)


def test_both_families_are_the_same_where_both_are_a_power() -> None:
    nodes = Nodes.reaching(1000, 100)
    # b = 1: the chance is uniform**(1/a), whose mean is a/(a+1)
    told = [family.weights(np.array([[0.4]]), np.array([[0.4 / 1.4]]), nodes) for family in FAMILIES]
    np.testing.assert_allclose(told[0], told[1], atol=1e-8)
    assert told[0][0][np.exp(nodes.log_p) < 0.1].sum() == pytest.approx(beta(0.4, 1).cdf(0.1), abs=0.01)


def test_within_the_samples_it_is_the_unbiased_estimate() -> None:
    right = planted(0.5, 6.0, 0.2, 3)
    found = coverage_of(right, np.full(100, 60))
    for k in (1, 7, 60):
        told = found.pass_at(k)
        assert told.value == pytest.approx(np.mean([pass_at_k(60, int(c), k) for c in right]))
        assert told.low is not None
        assert told.high is not None
        assert told.low < told.value < told.high


def stopped_at_first(a: float, b: float, limit: int, seed: int, problems: int = 150) -> tuple[np.ndarray, np.ndarray]:
    drawn = np.random.default_rng([seed, 12])
    at = drawn.geometric(np.maximum(drawn.beta(a, b, problems), 1e-12))
    return (at <= limit).astype(int), np.minimum(at, limit)


def test_sampling_that_stopped_at_a_success_tells_the_same_truth() -> None:
    held = []
    for seed in range(6):
        right, drawn = stopped_at_first(0.4, 8.0, 60, seed)
        told = coverage_of(right, drawn, stopped=True)
        for k in (1, FAR):
            found = told.pass_at(k)
            held.append((found.low or 0) <= truth(0.4, 8.0, 0.0, k) <= (found.high or 0))
        # successes over samples would be .18 in the mean: no estimate of pass@1 where sampling stopped
        assert 0.02 < (told.pass_at(1).value or 0) < 0.09 < np.mean(right / drawn)
    assert sum(held) >= 9


def test_a_share_that_is_never_solved_is_found_where_the_counts_ask_for_it() -> None:
    chances = np.where(np.arange(200) < 80, 0.0, np.random.default_rng(5).beta(4, 16, 200))
    found = coverage_of(np.random.default_rng(6).binomial(100, chances), np.full(200, 100))
    assert found.basis == "mass at zero"
    assert found.never == pytest.approx(0.4, abs=0.03)
    far = found.pass_at(1e6)
    assert far.low is not None
    assert far.high is not None
    assert far.low < 0.6 < far.high < 0.7
    assert found.samples_for(0.9).value is None
    assert found.samples_for(0.9).high is None
    assert coverage_of(planted(0.3, 12.0, 0.0, 1), np.full(100, 60)).never == 0


def test_samples_for_a_target_is_pass_at_turned_round() -> None:
    found = coverage_of(planted(1.0, 30.0, 0.0, 2), np.full(100, 60))
    needed = found.samples_for(0.9)
    assert needed.value is not None
    assert needed.low is not None
    assert needed.high is not None
    assert found.pass_at(needed.value).value == pytest.approx(0.9, abs=0.005)
    assert found.pass_at(needed.low).high == pytest.approx(0.9, abs=0.01)
    assert found.pass_at(needed.high).low == pytest.approx(0.9, abs=0.01)


def test_samples_spent_is_the_sum_of_the_misses() -> None:
    found = coverage_of(planted(1.0, 30.0, 0.0, 2), np.full(100, 60))
    misses = [1 - found._mixture.mean(found._nodes.solved(j)) for j in range(50)]
    assert found.samples_spent(50) == pytest.approx(sum(misses), rel=1e-6)


def test_no_success_has_no_value_and_the_upper_end_that_so_many_failures_leave() -> None:
    found = coverage_of([0] * 30, [100] * 30)
    told = found.pass_at(1000)
    # alike problems, each unsolved in 100 with (1 - pass@1000)**(100/1000)
    assert told.value is None
    assert told.low == 0
    assert told.why
    assert told.high is not None
    assert (1 - told.high) ** (30 * 0.1) == pytest.approx(0.05)
    assert found.samples_spent(10) == 10


def test_all_right_is_not_taken_for_certain() -> None:
    found = coverage_of([5] * 20, [5] * 20)
    told = found.pass_at(100)
    assert told.value == 1
    assert told.high == 1
    assert told.low == pytest.approx(0.05 ** (1 / 20))


@pytest.mark.parametrize(
    ("successes", "trials"),
    [
        ([1, 0], [2, 2]),
        ([1, *[0] * 50], [50] * 51),
        ([99, 100, 98], [100] * 3),
        ([3, 0, 5], [10, 1000, 30]),
        ([10**6, 5], [10**6 + 1, 10**6]),
        ([5] * 40, [50] * 40),
    ],
)
def test_scant_and_extreme_counts_have_an_interval_that_says_so(successes: list[int], trials: list[int]) -> None:
    told = coverage_of(successes, trials).pass_at(1e5)
    assert told.value is not None
    assert told.low is not None
    assert told.high is not None
    assert 0 <= told.low <= told.value <= told.high <= 1
    if len(trials) <= 3:
        assert told.high - told.low > 0.3


@pytest.mark.parametrize(
    ("successes", "trials", "code"),
    [
        ([1, 2], [3], "bad-counts"),
        ([1], [3], "bad-counts"),
        ([1, 4], [3, 3], "bad-counts"),
        ([1, -1], [3, 3], "bad-counts"),
        ([1, 0.5], [3, 3], "bad-counts"),
        ([1, np.nan], [3, 3], "bad-counts"),
        ([1, 0], [3, np.inf], "bad-counts"),
        (["a", "b"], [3, 3], "bad-counts"),
        ([1, 0], [1, 1], "one-sample"),
        ([1, 1, 0], [3, 7, 50], "looks-stopped"),
    ],
)
def test_counts_that_cannot_be_are_refused(successes: list[float], trials: list[float], code: str) -> None:
    with pytest.raises(Refused) as refused:
        coverage_of(successes, trials)
    assert refused.value.code == code


def test_questions_that_cannot_be_are_refused() -> None:
    found = coverage_of([1, 0, 2], [9, 9, 9])
    for bad in (0, 1e10, np.nan):
        with pytest.raises(Refused, match="cannot be told"):
            found.pass_at(bad)
    for bad in (0.0, 1.0, np.nan):
        with pytest.raises(Refused, match="no coverage"):
            found.samples_for(bad)
    with pytest.raises(Refused, match="no level"):
        coverage_of([1, 0], [2, 2], level=1.0)
    with pytest.raises(Refused, match="no sample is right"):
        coverage_of([0, 0], [9, 9]).samples_for(0.5)


def monkeys(path: Path) -> dict[str, np.ndarray]:
    """Successes in 10,000 samples of each problem, by model."""
    found: dict[str, list[float]] = {}
    with path.open() as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["model"], []).append(float(row["samples_correct"]))
    return {model: np.array(right, dtype=int) for model, right in found.items()}


@pytest.mark.published
def test_pass_at_ten_thousand_from_a_hundred_samples(published: Callable[[str], Path]) -> None:
    """Seven Pythia models on MATH, five draws of 100 samples without replacement (Brown et al. 2024's samples)."""
    errors, held = [], []
    for right in monkeys(published("monkeys_pythia_math.csv")).values():
        for seed in range(5):
            few = np.random.default_rng(seed).hypergeometric(right, 10_000 - right, 100)
            told = coverage_of(few, np.full(len(few), 100)).pass_at(10_000)
            assert told.value is not None
            assert told.low is not None
            assert told.high is not None
            errors.append(abs(told.value - np.mean(right > 0)))
            held.append(told.low <= np.mean(right > 0) <= told.high)
    assert len(errors) == 35
    assert np.mean(errors) <= 0.033
    assert np.mean(held) >= 0.9


def test_the_likeliest_spread_is_a_second_opinion_beside_the_law() -> None:
    drawn = np.random.default_rng(3)
    found = coverage_of(drawn.binomial(60, drawn.beta(1, 30, 400)), np.full(400, 60))
    truth = 1 - np.exp(betaln(1, 30 + 5_000) - betaln(1, 30))
    assert found.basis == "power law"
    assert abs(found.likeliest_at(5_000) - truth) < 0.02
    assert found.likeliest_at(5_000) != found.pass_at(5_000).value


def test_it_says_what_it_is() -> None:
    found = coverage_of([0, 1, 5, 0], [10, 10, 10, 10])
    assert isinstance(found, Coverage)
    assert found.solved == 0.5
    assert found.basis in ("power law", "spread", "mass at zero")
