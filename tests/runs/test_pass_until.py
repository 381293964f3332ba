"""Tiny pass rates by sampling until a few pass: unbiased, and covered at every rate, by simulation and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, nbinom

from allometry.notices import Refused
from allometry.runs import PassRates, pass_until

PROBLEMS = 40_000


def simulated(rate: float, wanted: int, limit: int, seed: int, level: float = 0.9) -> PassRates:
    """Problems of one rate, each drawn until `wanted` passes or `limit` draws."""
    at = np.random.default_rng(seed).geometric(rate, (PROBLEMS, wanted)).cumsum(axis=1)
    passes = (at <= limit).sum(axis=1)
    return pass_until(np.where(passes == wanted, at[:, -1], limit), passes, wanted, level=level)


# limits: never reached, reached by about half of the problems, reached by nearly all
@pytest.mark.parametrize("share", [50.0, 1.0, 0.1])
@pytest.mark.parametrize("rate", [1e-6, 1e-5, 1e-3, 0.1, 0.6])
@pytest.mark.parametrize("wanted", [2, 3, 10])
def test_covered_at_least_as_often_as_said_and_unbiased(rate: float, wanted: int, share: float) -> None:
    found = simulated(rate, wanted, max(int(share * wanted / rate), 2), seed=wanted)
    covered = np.mean((found.low <= rate) & (rate <= found.high))
    assert covered > 0.9 - 3 * np.sqrt(0.09 / PROBLEMS)
    assert found.mean == pytest.approx(rate, abs=4.5 * found.value.std() / np.sqrt(PROBLEMS))
    # the squared standard error is unbiased as well
    squares = found.error**2
    assert squares.mean() == pytest.approx(found.value.var(), rel=0.05 + 5 * squares.std() / squares.mean() / 200)


def test_wider_levels_cover_more() -> None:
    found = simulated(1e-4, 3, 10**6, seed=0, level=0.99)
    assert 0.988 < np.mean((found.low <= 1e-4) & (found.high >= 1e-4)) < 0.999


def test_relative_error_hangs_on_the_passes_and_not_on_the_rate() -> None:
    for rate in (1e-5, 1e-3):
        found = simulated(rate, 20, 10**9, seed=1)
        assert np.std(found.value) / rate == pytest.approx(1 / np.sqrt(20 - 2), rel=0.03)


def test_ends_of_the_interval_are_the_rates_at_which_the_count_is_rare() -> None:
    found = pass_until([700, 900], [4, 2], wanted=4, level=0.8)
    assert nbinom.cdf(700 - 4, 4, found.low[0]) == pytest.approx(0.1)
    assert nbinom.sf(700 - 4 - 1, 4, found.high[0]) == pytest.approx(0.1)
    assert binom.sf(1, 900, found.low[1]) == pytest.approx(0.1)
    assert binom.cdf(2, 900, found.high[1]) == pytest.approx(0.1)
    assert found.value.tolist() == [3 / 699, 2 / 900]
    assert found.censored.tolist() == [False, True]


def test_all_pass_and_none_pass() -> None:
    found = pass_until([3, 1000, 2], [3, 0, 2], wanted=3)
    assert found.value[:2].tolist() == [1.0, 0.0]
    assert (found.high[0], found.low[1]) == (1.0, 0.0)
    assert found.high[1] == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert found.error.tolist() == [0.0, 0.0, 0.0]


def test_the_error_of_the_mean_is_what_means_of_many_problems_scatter_by() -> None:
    every = simulated(1e-3, 3, 2000, seed=0)
    groups = [slice(i, i + 100) for i in range(0, PROBLEMS, 100)]
    parts = [PassRates(every.value[g], every.low[g], every.high[g], every.error[g], every.censored[g]) for g in groups]
    scatter = np.std([part.mean for part in parts])
    assert np.sqrt(np.mean([part.mean_error**2 for part in parts])) == pytest.approx(scatter, rel=0.1)


@pytest.mark.parametrize(
    ("draws", "passes", "wanted", "match"),
    [
        ([10], [4], 3, "row 0"),
        ([10, 2], [3, 3], 3, "row 1"),
        ([10], [-1], 3, "row 0"),
        ([10.5], [3], 3, "row 0"),
        ([np.nan], [3], 3, "row 0"),
        ([0], [0], 3, "row 0"),
        ([10, 20], [3], 3, "do not go with"),
        ([], [], 3, "do not go with"),
        ([10], [1], 1, "wait for 2"),
    ],
)
def test_counts_that_cannot_be_are_refused(draws: list[float], passes: list[float], wanted: int, match: str) -> None:
    with pytest.raises(Refused, match=match):
        pass_until(draws, passes, wanted)
