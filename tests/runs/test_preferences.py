"""Style control and style reliance: planted weights come back, and the coefficients by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.runs import style_controlled, style_reliance


def pairs(seed: int, alpha: float = 1.5, beta: tuple[float, float] = (0.8, -0.4), count: int = 8000):
    """Margins, counts of tokens and headers, and labels drawn from the planted weights."""
    generator = np.random.default_rng(seed)
    margin, tokens = generator.normal(size=count), generator.integers(20, 600, (2, count))
    headers = generator.integers(0, 5, (2, count))
    odds = alpha * margin
    for weight, counts in zip(beta, (tokens, headers), strict=True):
        contrast = (counts[0] - counts[1]) / np.maximum(counts.sum(axis=0), 1)
        odds = odds + weight * contrast / np.sqrt(np.mean(contrast**2))
    return (
        margin,
        {"tokens": tuple(tokens), "headers": tuple(headers)},
        generator.random(count) < 1 / (1 + np.exp(-odds)),
    )


def test_planted_weights_come_back_without_bias() -> None:
    found = [style_controlled(*pairs(seed)) for seed in range(20)]
    assert np.mean([f.alpha for f in found]) == pytest.approx(1.5, abs=0.03)
    assert np.mean([f.beta["tokens"] for f in found]) == pytest.approx(0.8, abs=0.03)
    assert np.mean([f.beta["headers"] for f in found]) == pytest.approx(-0.4, abs=0.03)


def test_losses_are_in_their_order() -> None:
    margin, features, chosen = pairs(0)
    found = style_controlled(margin, features, chosen)
    sign = np.where(chosen, 1, -1)
    raw = np.logaddexp(0, -sign * margin).mean()
    assert found.loss < found.bare < raw
    assert 0.5 < found.accuracy < 1
    none = style_controlled(margin, {}, chosen)
    assert none.loss == none.bare == found.bare


def test_a_model_that_only_learned_length_gains_nothing() -> None:
    margin, features, chosen = pairs(1, beta=(1.5, 0.0))
    tokens = features["tokens"]
    length = (tokens[0] - tokens[1]) / (tokens[0] + tokens[1])
    found = style_controlled(length + 1e-3 * margin, {"tokens": tokens}, chosen)
    assert found.bare - found.loss < 0.2
    only = style_controlled(np.random.default_rng(0).normal(size=len(margin)), {"tokens": tokens}, chosen)
    assert abs(only.alpha) < 0.1
    assert only.bare == pytest.approx(np.log(2), abs=0.001)


def test_swapping_the_replies_changes_nothing_but_the_sign() -> None:
    margin, features, chosen = pairs(2)
    swapped = {name: counts[::-1] for name, counts in features.items()}
    one, other = style_controlled(margin, features, chosen), style_controlled(-margin, swapped, ~chosen)
    assert other.beta == pytest.approx(one.beta)
    assert other.loss == pytest.approx(one.loss)


def test_phi_by_hand_and_at_its_ends() -> None:
    """n11 30, n10 10, n01 20, n00 40: (30*40 - 10*20) / sqrt(40*60*50*50) = 0.408248."""
    choice = np.repeat([1, 1, 0, 0], [30, 10, 20, 40])
    style = np.repeat([1, 0, 1, 0], [30, 10, 20, 40])
    found = style_reliance(choice, style)
    assert found.value == pytest.approx(0.408248, abs=1e-6)
    assert found.low < found.value < found.high
    assert style_reliance(style, style).value == pytest.approx(1)
    assert style_reliance(1 - style, style).value == pytest.approx(-1)


def test_labels_that_prefer_short_replies_are_seen_to() -> None:
    generator = np.random.default_rng(0)
    longer = generator.random(800) < 0.5
    label = np.where(generator.random(800) < 0.8, ~longer, longer)
    found = style_reliance(label, longer)
    assert found.low < -0.6 < found.high
    assert found.high < -0.5


def test_the_interval_of_phi_covers_as_often_as_it_says() -> None:
    generator, hits = np.random.default_rng(1), 0
    for _ in range(1000):
        longer = generator.random(300) < 0.5
        label = np.where(generator.random(300) < 0.65, longer, ~longer)
        found = style_reliance(label, longer)
        hits += found.low < 0.3 < found.high
    assert 870 < hits < 930


def test_bad_pairs_are_refused() -> None:
    margin, features, chosen = pairs(3, count=40)
    for change, match in (
        ((margin[:-1], features, chosen), "one length"),
        ((np.where(margin > 2, np.nan, margin) + np.nan, features, chosen), "margin holds"),
        ((margin, {"tokens": (-np.ones(40), np.ones(40))}, chosen), "0 or more"),
        ((margin, {"tokens": (np.ones(40), np.ones(40))}, chosen), "the same in both"),
        ((margin, {}, margin > 0), "separated"),
    ):
        with pytest.raises(Refused, match=match):
            style_controlled(*change)
    with pytest.raises(Refused, match="4 or more"):
        style_reliance([1, 0, 1], [1, 0, 0])
    with pytest.raises(Refused, match="in every pair"):
        style_reliance([1, 1, 1, 1], [1, 0, 0, 1])
