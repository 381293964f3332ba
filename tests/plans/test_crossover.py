"""Where two fits cross: planted crossings, several, none, and who is lower on which side."""

from __future__ import annotations

import json

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit, published_fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import crossover
from allometry.runs import Rows


def fitted(text: str, values: list[float], seed: int, noise: float = 0.005, bootstrap: int = 200) -> Fit:
    law = find_law(text)
    flops = np.geomspace(1e18, 1e22, 20)
    exact = law.evaluate(values, {"flops": flops})
    noisy = exact * np.exp(np.random.default_rng(seed).normal(0.0, noise, len(exact)))
    return fit(Rows({"flops": flops}, noisy, "loss"), law, Settings(bootstrap=bootstrap))


STEEP, FLAT = "A * flops**-a", "B * (flops / 1e18)**-b"


def test_a_planted_crossing_lies_in_its_interval() -> None:
    """1e18**-.1 * A = 3 at 1e18 against 2.5 * (C / 1e18)**-.05: equal where (C / 1e18)**.05 = 1.2."""
    first, second = fitted(STEEP, [3.0 * 1e18**0.1, 0.1], 1), fitted(FLAT, [2.5, 0.05], 2)
    truth = 1e18 * 1.2**20
    found = crossover(first, second, "flops", {}, 1e18, 1e22)
    (crossing,) = found.crossings
    assert crossing.lower_beyond == "first"
    assert crossing.at.low < truth < crossing.at.high
    assert crossing.at.value == pytest.approx(truth, rel=0.2)
    assert (found.share, found.interval) == (1.0, "fit noise only")
    assert "second is lower at flops = 1e+18, first beyond" in found.sentence
    assert json.loads(json.dumps(found.as_json()))["crossings"][0]["lower_beyond"] == "first"


def test_intervals_hold_the_planted_crossing_about_as_often_as_they_say() -> None:
    truth, inside = 1e18 * 1.2**20, 0
    for seed in range(10):
        first = fitted(STEEP, [3.0 * 1e18**0.1, 0.1], 2 * seed)
        second = fitted(FLAT, [2.5, 0.05], 2 * seed + 1)
        at = crossover(first, second, "flops", {}, 1e18, 1e22).crossings[0].at
        inside += at.low < truth < at.high
    assert inside >= 7


def test_every_crossing_in_range_is_found_in_order() -> None:
    """(x - 2) * (x - 3) in log10 of flops / 1e17, above a level line."""
    bend = find_law("E + (log10(flops) - 19) * (log10(flops) - 20)", metric="loss")
    level = find_law("L + 0 * flops", metric="loss")
    exact = [published_fit("comparison@clip")] * 2
    first, second = (
        Fit(**{**vars(given), "law": law, "estimate": np.array([5.0]), "draws": np.empty((0, 1))})
        for given, law in zip(exact, (bend, level), strict=True)
    )
    found = crossover(first, second, "flops", {}, 1e18, 1e22)
    assert [crossing.at.value for crossing in found.crossings] == pytest.approx([1e19, 1e20], rel=1e-9)
    assert [crossing.lower_beyond for crossing in found.crossings] == ["first", "second"]
    assert found.crossings[0].at.why == "neither fit has draws"
    assert (found.share, found.interval) == (None, "none")


def test_no_crossing_is_said_plainly() -> None:
    first, second = fitted(STEEP, [3.0 * 1e18**0.1, 0.1], 1), fitted(FLAT, [2.5, 0.05], 2)
    found = crossover(first, second, "flops", {}, 1e21, 1e22)
    assert found.crossings == ()
    assert found.sentence == "none in range: first is lower all the way from flops = 1e+21 to 1e+22"
    assert found.share == 0.0


def test_a_crossing_that_many_draws_lack_has_no_interval() -> None:
    first = fitted(STEEP, [3.0 * 1e18**0.1, 0.1], 1, noise=0.05)
    second = fitted(FLAT, [2.5, 0.05], 2, noise=0.05)
    found = crossover(first, second, "flops", {}, 2.5e19, 5e19)
    assert 0.0 < found.share < 0.95
    assert all("do not cross that way in range" in crossing.at.why for crossing in found.crossings)


def test_clip_and_mammut_cross_where_the_paper_says() -> None:
    """Nezhurina et al. 2025: MaMMUT overtakes CLIP between 1e10 and 1e11 GFLOPs on DataComp-1.4B."""
    found = crossover(published_fit("comparison@clip"), published_fit("comparison@mammut"), "flops", {}, 1e17, 1e22)
    (crossing,) = found.crossings
    assert 1e19 < crossing.at.value < 1e20
    assert crossing.lower_beyond == "second"


def test_further_axes_need_one_value_each() -> None:
    first, second = published_fit("chinchilla@epoch"), published_fit("chinchilla@hoffmann")
    with pytest.raises(Refused, match="needs a value for params"):
        crossover(first, second, "tokens", {}, 1e8, 1e13)
    found = crossover(first, second, "tokens", {"params": 1e9}, 1e8, 1e13)
    assert len(found.crossings) == 2
    points = {"params": 1e9, "tokens": np.array([crossing.at.value for crossing in found.crossings])}
    np.testing.assert_allclose(first.predict(points), second.predict(points), rtol=1e-12)


@pytest.mark.parametrize(
    ("other", "axis", "low", "high", "code"),
    [
        ("parscale@stack", "tokens", 1e9, 1e10, "unknown-axis"),
        ("chinchilla@hoffmann", "tokens", 1e10, 1e9, "bad-range"),
        ("chinchilla@hoffmann", "tokens", 0.0, 1e9, "bad-range"),
        ("comparison@clip", "tokens", 1e9, 1e10, "different-metrics"),
    ],
)
def test_what_cannot_be_compared_is_refused(other: str, axis: str, low: float, high: float, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        crossover(
            published_fit("chinchilla@epoch"), published_fit(other), axis, {"params": 1e9, "streams": 1}, low, high
        )
    assert refusal.value.code == code
