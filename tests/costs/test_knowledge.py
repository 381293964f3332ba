"""Bits of fact in a model: the ratio of the source at losses that are known by hand."""

from __future__ import annotations

from math import log, log2

import numpy as np
import pytest

from allometry.costs import BIOGRAPHIES, bits_per_parameter, diverse_facts, most_bits_per_parameter
from allometry.notices import Refused


def test_bits_of_the_values_of_a_biography() -> None:
    assert pytest.approx(47.59, abs=0.005) == BIOGRAPHIES.value_bits


def test_a_perfect_model_stores_all_there_is() -> None:
    """Names cost log(N) nats even when all are known; values nothing."""
    for people in (1e4, 1e5, 1e7):
        perfect = bits_per_parameter(1e7, people, name_loss=log(people), value_loss=0.0)
        assert perfect == most_bits_per_parameter(1e7, people)
        by_hand = (people * log2(1.6e8 / people) + people * BIOGRAPHIES.value_bits) / 1e7
        assert perfect == pytest.approx(by_hand, rel=1e-12)


def test_a_model_that_knows_nothing_stores_nothing() -> None:
    guess = bits_per_parameter(1e7, 1e5, name_loss=log(1.6e8), value_loss=BIOGRAPHIES.value_bits * log(2))
    assert guess == pytest.approx(0.0, abs=1e-9)


def test_no_ratio_passes_the_most() -> None:
    generator = np.random.default_rng(0)
    for people in (1e4, 1e6):
        most = most_bits_per_parameter(1e7, people)
        for name_loss, value_loss in generator.uniform([log(people), 0.0], [25.0, 30.0], (20, 2)):
            assert bits_per_parameter(1e7, people, name_loss, value_loss) <= most


def test_random_values_are_counted_with_their_texts() -> None:
    """bioD: N log2(N0/N) + N K C log2 D + K D log2(T**L / D), by hand."""
    facts = diverse_facts(attributes=4, chunks=5, values=100, tokens=50, length=3)
    people = 1000
    by_hand = people * log2(1.6e8 / people) + people * 4 * 5 * log2(100) + 4 * 100 * log2(50**3 / 100)
    assert most_bits_per_parameter(1e5, people, facts) == pytest.approx(by_hand / 1e5, rel=1e-12)
    worse = bits_per_parameter(1e5, people, log(people), 0.0, text_loss=log(2), facts=facts)
    assert worse == pytest.approx((by_hand - 4 * 100) / 1e5, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "word"),
    [({"params": 0.0}, "params"), ({"people": -1.0}, "people"), ({"name_loss": -0.1}, "name_loss"),
     ({"value_loss": float("nan")}, "value_loss")],
)  # fmt: skip
def test_counts_and_losses_that_cannot_be(change: dict[str, float], word: str) -> None:
    with pytest.raises(Refused, match=word):
        bits_per_parameter(**{"params": 1e6, "people": 1e4, "name_loss": 9.0, "value_loss": 1.0, **change})
