"""Metrics of samples and budgets: by hand, against enumeration, and against what was planted."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.sweeps import arise, pass_at_k, scaling_slope, token_spread, worst_of_n
from allometry.notices import Refused


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_and_worst_of_n_equal_enumeration(drawn: tuple[int, int, int]) -> None:
    samples, right, k = drawn
    sets = list(combinations([True] * right + [False] * (samples - right), k))
    assert len(sets) == comb(samples, k)
    assert pass_at_k(samples, right, k) == pytest.approx(np.mean([any(one) for one in sets]))
    assert worst_of_n(samples, right, k) == pytest.approx(np.mean([all(one) for one in sets]))


def test_they_are_without_bias_for_planted_chances() -> None:
    """Best-of-k comes to the mean of 1-(1-p)^k over problems, worst-of-k to that of p^k."""
    rng = np.random.default_rng(1)
    chances = rng.beta(0.7, 1.5, 40_000)
    right = rng.binomial(8, chances).tolist()
    assert np.mean([pass_at_k(8, c, 4) for c in right]) == pytest.approx((1 - (1 - chances) ** 4).mean(), abs=0.005)
    assert np.mean([worst_of_n(8, c, 4) for c in right]) == pytest.approx((chances**4).mean(), abs=0.005)


@pytest.mark.parametrize(
    ("grades", "tokens", "value"),
    [
        ([0, 1], [100, 250], 100 / 250),
        ([1, 0], [100, 250], -250 / 100),
        ([1, 1], [100, 250], 0.0),
        ([0, 0.5, 1], [10, 20, 40], 0.5),
        ([0, 1], [0, 250], 0.0),
    ],
)
def test_arise_of_one_problem_by_hand(grades: list[float], tokens: list[float], value: float) -> None:
    assert arise([grades], [tokens]) == pytest.approx(value)


def test_answers_that_flip_count_less_than_answers_that_stay() -> None:
    """Both tables have the same mean accuracies at the same tokens, so the slope cannot tell them apart."""
    tokens = [[100, 200]] * 4
    steady, flipped = [[0, 1], [0, 0], [1, 1], [1, 1]], [[0, 1], [0, 1], [1, 1], [1, 0]]
    assert scaling_slope(steady, tokens) == scaling_slope(flipped, tokens)
    assert arise(flipped, tokens) < arise(steady, tokens)


def test_the_spread_of_tokens_leaves_single_samples_out() -> None:
    assert token_spread([[10, 14], [20, 20], [7]]) == 1.0


def test_what_cannot_be_is_refused() -> None:
    for samples, right, k in ((4, 5, 1), (4, 1, 5), (4, 1, 0), (4, -1, 1)):
        with pytest.raises(Refused, match="cannot be"):
            pass_at_k(samples, right, k)
    with pytest.raises(Refused, match="2 budgets or more"):
        arise([[1]], [[1]])
    with pytest.raises(Refused, match="more than one sample"):
        token_spread([[1]])
