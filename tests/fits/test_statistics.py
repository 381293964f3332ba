"""Intervals hold the truth about as often as they say, on tables simulated from a known law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from allometry.expressions import from_space, target_transform
from allometry.fits import Fit, Huber, Settings, fit
from allometry.laws import Law, find_law
from allometry.runs import Rows

SIMULATIONS, RESAMPLES, LEVEL = 60, 150, 0.9
# A correct 90% interval misses these ends once in a thousand; a 75% or a 100% interval mostly does not stay inside.
FEWEST, MOST = int(binom.ppf(0.001, SIMULATIONS, LEVEL)), SIMULATIONS - 1


def simulated(law: Law, seed: int) -> Rows:
    """The law's design with Student t noise: heavier tails than the Gaussian, as published tables have."""
    design = law.design
    assert design is not None
    points = design.points()
    clean = target_transform(law.space, law.evaluate(design.values, points))
    noise = design.noise * np.random.default_rng(seed).standard_t(4, len(clean)) / np.sqrt(2)
    return Rows(points, from_space(law.space, clean + noise), law.metric)


@pytest.fixture(scope="module")
def fits() -> list[Fit]:
    law = find_law("chinchilla")
    return [
        fit(simulated(law, seed), law, Settings(bootstrap=RESAMPLES, starts=32, seed=seed))
        for seed in range(SIMULATIONS)
    ]


@pytest.mark.parametrize("name", ["E", "alpha", "beta"])
def test_intervals_hold_the_parameters(fits: list[Fit], name: str) -> None:
    truth = find_law("chinchilla").design
    assert truth is not None
    intervals = [found.parameters[name] for found in fits]
    hits = sum(i.low is not None and i.high is not None and i.low <= truth.values[name] <= i.high for i in intervals)
    assert FEWEST <= hits <= MOST


def test_intervals_hold_a_forecast_at_ten_times_the_compute(fits: list[Fit]) -> None:
    law = fits[0].law
    assert law.design is not None
    point = {axis: np.array([max(values) * np.sqrt(10)]) for axis, values in law.design.grid.items()}
    truth = float(law.evaluate(law.design.values, point)[0])
    low, high = np.array([np.quantile(found.predict_draws(point)[:, 0], [0.05, 0.95]) for found in fits]).T
    assert FEWEST <= np.sum((low <= truth) & (truth <= high)) <= MOST


def test_the_truth_lies_on_both_sides_of_the_estimates(fits: list[Fit]) -> None:
    design = fits[0].law.design
    assert design is not None
    above = sum(found.values["alpha"] > design.values["alpha"] for found in fits)
    assert binom.ppf(0.001, SIMULATIONS, 0.5) <= above <= binom.ppf(0.999, SIMULATIONS, 0.5)


def test_more_noise_makes_wider_intervals() -> None:
    law = find_law("chinchilla")
    rows = simulated(law, 0)
    louder = Rows(rows.axes, rows.target * np.exp(0.02 * np.random.default_rng(1).standard_normal(len(rows))), "loss")
    widths = []
    for table in (rows, louder):
        low, high = np.quantile(
            fit(table, law, Settings(objective=Huber(), bootstrap=RESAMPLES, starts=32)).draws, [0.05, 0.95], axis=0
        )
        widths.append(high - low)
    index = law.parameter_names.index("alpha")
    assert widths[1][index] > 2 * widths[0][index]
