"""Ceiling, chance and budget from counts: planted truths held by the intervals, and where one chance does not do."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.forecasts import coverage_of, saturation_of
from allometry.laws import find_law
from allometry.notices import Refused

CEILING, CHANCE, GAIN = 0.7, 0.08, 0.001


def test_intervals_hold_what_was_planted_about_as_often_as_they_say() -> None:
    budget = np.ceil(np.log(GAIN / (CEILING * CHANCE)) / np.log1p(-CHANCE))
    held = np.zeros(4)
    for seed in range(40):
        drawn = np.random.default_rng([seed, 3])
        right = drawn.binomial(40, CHANCE * (drawn.random(150) < CEILING))
        found = saturation_of(right, np.full(150, 40))
        assert found.holds
        told = (found.ceiling, found.chance, found.budget(GAIN), found.reaches(0.95))
        truths = (CEILING, CHANCE, budget, np.log(0.05) / np.log1p(-CHANCE))
        held += [(one.low or 0) <= truth <= (one.high or 0) for one, truth in zip(told, truths, strict=True)]
    # of 40 at 90%: fewer than 30 would be rarer than 1 in 200
    assert (held >= 30).all()


def test_rounds_that_end_at_a_success_tell_the_same() -> None:
    held = 0
    for seed in range(20):
        drawn = np.random.default_rng([seed, 4])
        at, able = drawn.geometric(0.2, 150), drawn.random(150) < CEILING
        right = able & (at <= 12)
        found = saturation_of(right.astype(int), np.where(right, at, 12), stopped=True)
        held += (found.chance.low or 0) <= 0.2 <= (found.chance.high or 0)
        assert found.accuracy(12).value == pytest.approx(right.mean(), abs=0.02)
    assert held >= 14


def test_problems_of_mixed_difficulty_are_told() -> None:
    drawn = np.random.default_rng(0)
    right = drawn.binomial(40, drawn.beta(0.5, 5, 150))
    assert not saturation_of(right, np.full(150, 40)).holds


def test_it_is_the_law_of_the_catalogue() -> None:
    found = saturation_of([0, 0, 5, 4, 6, 3], [50] * 6)
    values = {"F_max": found.ceiling.value or 0, "p": found.chance.value or 0}
    assert found.accuracy(8).value == pytest.approx(float(find_law("saturation").evaluate(values, {"samples": 8})[0]))


@pytest.mark.parametrize("gain", [3e-3, 1e-4])
def test_where_samples_stop_paying_on_problems_of_mixed_difficulty(gain: float) -> None:
    """Of beta(a, b) the gain of sample N + 1 is B(a + 1, b + N) / B(a, b); within 40 samples and beyond them."""
    from scipy.special import betaln

    samples = np.arange(5000)
    budget = int(np.argmax(np.exp(betaln(1.5, 8 + samples) - betaln(0.5, 8)) <= gain))
    held = 0
    for seed in range(5):
        drawn = np.random.default_rng(seed)
        found = coverage_of(drawn.binomial(40, drawn.beta(0.5, 8, 150)), np.full(150, 40)).samples_worth(gain)
        held += (found.low or 0) <= budget <= (found.high or 0)
    assert held >= 3


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="no sample is right"):
        saturation_of([0, 0], [9, 9])
    found = saturation_of([1, 0, 2], [9, 9, 9])
    for ask in (found.budget, found.reaches, coverage_of([1, 0, 2], [9, 9, 9]).samples_worth):
        with pytest.raises(Refused):
            ask(1.0)
