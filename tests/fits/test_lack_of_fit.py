"""The test of a law against repeats: its level where the law is true, its power where it is not."""

from __future__ import annotations

import numpy as np

from allometry.fits import LackOfFit, Settings, Squared, fit, lack_of_fit
from allometry.laws import find_law
from allometry.runs import read_runs

POINTS = {"params": np.repeat(np.geomspace(1e7, 1e10, 12), 3)}


def examined(law: str, seed: int, bend: float = 0.0) -> LackOfFit | None:
    x = POINTS["params"]
    exact = (1.7 + 400 / x**0.34) * (1 + bend * np.cos(2 * np.log10(x)))
    loss = exact * np.exp(np.random.default_rng(seed).normal(0, 0.004, len(x)))
    settings = Settings(objective=Squared(), bootstrap=0)
    return lack_of_fit(fit(read_runs({"params": x, "loss": loss}), find_law(law), settings))


def test_a_true_law_is_rejected_as_often_as_it_should_be() -> None:
    """At 5%, of 200 tables: 3 to 19 holds 99.5% of what chance gives."""
    found = [examined("E + A * params**-alpha", seed) for seed in range(200)]
    rejected = sum(test is not None and test.p < 0.05 for test in found)
    assert 3 <= rejected <= 19


def test_a_wrong_law_is_rejected() -> None:
    assert all((test := examined("A * params**-alpha", seed)) is not None and test.p < 1e-3 for seed in range(5))
    assert all(
        (test := examined("E + A * params**-alpha", seed, 0.02)) is not None and test.p < 0.05 for seed in range(5)
    )


def test_the_noise_is_that_of_the_repeats() -> None:
    noise = np.mean([test.noise for seed in range(20) if (test := examined("E + A * params**-alpha", seed))])
    assert abs(noise / 0.004 - 1) < 0.06


def test_without_repeats_nothing_is_said() -> None:
    x = np.geomspace(1e7, 1e10, 12)
    runs = read_runs({"params": x, "loss": 1.7 + 400 / x**0.34})
    assert lack_of_fit(fit(runs, "E + A * params**-alpha", Settings(bootstrap=0))) is None
