"""Trend verdicts on ladders of known truth: right nearly always, and undecided rather than wrong."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from allometry.fits import trend
from allometry.laws import find_law
from allometry.notices import Refused

LADDERS = 100


def levelling(places: np.ndarray, bend: float) -> np.ndarray:
    """From 0 to 1 as a power law with a floor, straight in the log of scale at bend 0."""
    return places if bend < 0.05 else np.expm1(-bend * places) / np.expm1(-bend)


def curve(kind: str, places: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A loss over places from 0 to 1 in log scale, changing by 0.1 to 0.4 but for flat ones."""
    change, turn, bend = generator.uniform(0.1, 0.4), generator.uniform(0.35, 0.65), generator.uniform(0, 4)
    if kind == "standard":
        return 0.7 - change * levelling(places, bend)
    if kind == "inverse":
        return 0.4 + change * (levelling(places, bend) if turn < 0.5 else 1 - levelling(1 - places, bend))
    if kind == "emergent":
        return 0.7 - change * levelling(np.maximum(places - turn, 0) / (1 - turn), bend)
    if kind == "flat":
        return np.full_like(places, 0.69)
    sign = 1 if kind == "u-shaped" else -1
    return 0.6 + sign * change * ((places - turn) / max(turn, 1 - turn)) ** 2


def verdicts(kind: str, runs: int, noise: float, *, known: bool = False) -> Counter[str]:
    generator, found = np.random.default_rng(7), Counter[str]()
    sizes = np.geomspace(1e7, 1e10, runs)
    for _ in range(LADDERS):
        loss = curve(kind, np.linspace(0, 1, runs), generator) + noise * generator.standard_normal(runs)
        found[trend(sizes, loss, error=np.full(runs, noise) if known else None).verdict] += 1
    return found


@pytest.mark.parametrize("kind", ["standard", "inverse", "u-shaped", "inverted-u", "emergent", "flat"])
def test_verdicts_are_right_on_twelve_runs(kind: str) -> None:
    found = verdicts(kind, 12, 0.005)
    assert found[kind] >= 95
    assert found[kind] + found["undecided"] == LADDERS


@pytest.mark.parametrize("kind", ["standard", "inverse", "u-shaped", "inverted-u", "emergent"])
def test_twice_the_noise_takes_more_runs(kind: str) -> None:
    assert verdicts(kind, 20, 0.01)[kind] >= 95


@pytest.mark.parametrize("kind", ["standard", "inverse", "u-shaped", "inverted-u", "emergent", "flat"])
def test_a_lot_of_noise_gives_undecided_and_not_a_wrong_verdict(kind: str) -> None:
    found = verdicts(kind, 8, 0.02)
    assert LADDERS - found[kind] - found["undecided"] <= 5
    assert found["undecided"] > 5


def test_known_errors_tell_more_from_few_runs() -> None:
    assert verdicts("emergent", 8, 0.01, known=True)["emergent"] >= verdicts("emergent", 8, 0.01)["emergent"]
    assert verdicts("standard", 8, 0.005, known=True)["standard"] >= 95


def test_preference_losses_get_the_four_verdicts_that_were_planted() -> None:
    """Bradley-Terry losses of a reward model whose utility error shrinks with size as planted, labels wrong in 1 of 20.

    Each loss is measured on the same 20,000 pairs, so that its noise is that of a benchmark and not of a formula.
    """
    generator = np.random.default_rng(0)
    sizes = np.geomspace(1e8, 1e11, 12)
    places = np.linspace(0, 1, 12)
    gap = np.abs(generator.standard_normal(20_000)) * np.where(generator.random(20_000) < 0.05, -1, 1)
    errors = {
        "standard": 2.0 * (sizes / 1e8) ** -0.3,
        "inverse": 0.6 + 1.2 * places,
        "emergent": 2.0 * np.maximum(sizes / 3e9, 1) ** -0.5,
        "flat": np.full(12, 1.2),
    }
    for verdict, error in errors.items():
        noisy = gap + error[:, None] * generator.standard_normal((12, 20_000))
        loss = np.logaddexp(0, -noisy).mean(axis=1)
        assert trend(sizes, loss).verdict == verdict


def test_the_place_of_a_turn_and_of_an_onset_are_found() -> None:
    generator, sizes = np.random.default_rng(3), np.geomspace(1e7, 1e10, 16)
    law = find_law("emergent_power")
    held = 0
    for _ in range(50):
        late = law.evaluate({"E": 0.3, "A": 0.4, "onset": 4e8, "alpha": 0.4}, {"params": sizes})
        found = trend(sizes, late + 0.005 * generator.standard_normal(16))
        assert found.verdict == "emergent"
        held += found.place.low < 4e8 < found.place.high
        assert 1e8 < found.place.value < 1e9
    assert held >= 40
    turned = 0.5 + 0.1 * np.log10(sizes / 2e8) ** 2
    found = trend(sizes, turned + 0.005 * generator.standard_normal(16))
    assert found.place.low < 2e8 < found.place.high
    assert found.change.value == pytest.approx(0.1 * np.log10(1e10 / 2e8) ** 2, rel=0.1)
    assert found.reversal > 0.99


def test_accuracy_is_the_loss_upside_down() -> None:
    sizes, places = np.geomspace(1e7, 1e10, 12), np.linspace(0, 1, 12)
    wiggle = 0.003 * np.sin(5 * np.arange(12.0))
    for kind, other in (("u-shaped", "inverted-u"), ("standard", "standard"), ("emergent", "emergent")):
        loss = curve(kind, places, np.random.default_rng(4)) + wiggle
        up, down = trend(sizes, 1 - loss, lower_is_better=False), trend(sizes, loss)
        assert (down.verdict, up.verdict) == (kind, other)
        assert up.change.value == pytest.approx(-down.change.value)
        assert up.change.low < up.change.value < up.change.high
        assert sum(up.probabilities.values()) == pytest.approx(1)


def test_what_matters_is_for_the_user_to_say() -> None:
    sizes = np.geomspace(1e7, 1e10, 20)
    slight = 0.5 - 0.03 * np.linspace(0, 1, 20) + 0.001 * np.sin(7 * np.arange(20.0))
    assert trend(sizes, slight).verdict == "standard"
    assert trend(sizes, slight, least=0.05).verdict == "flat"
    assert trend(sizes, slight, least=0.05).place.why == "the verdict has no place"


def test_a_constant_metric_is_flat_and_few_runs_are_refused() -> None:
    sizes = np.geomspace(1e7, 1e10, 6)
    assert trend(sizes, np.full(6, 0.5)).verdict == "flat"
    with pytest.raises(Refused, match="4 runs at 4 scales"):
        trend(sizes[:4], [1, 2, 3, 4])
    with pytest.raises(Refused, match="5 runs at 2 scales"):
        trend([1, 1, 1, 2, 2], [1, 2, 3, 4, 5])
    with pytest.raises(Refused, match="run 2"):
        trend([1, 2, 0, 4, 5], [1, 2, 3, 4, 5])
    with pytest.raises(Refused, match="run 1"):
        trend([1, 2, 3, 4, 5], [1, np.nan, 3, 4, 5])
    with pytest.raises(Refused, match="one length"):
        trend([1, 2, 3, 4, 5], [1, 2, 3, 4])
