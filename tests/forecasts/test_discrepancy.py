"""How laws miss beyond their runs: nothing within them, and enough beyond where a law is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit, published_fit
from allometry.forecasts import (
    CALIBRATED,
    DISCREPANCY,
    Extrapolation,
    backtest,
    decades_beyond,
    discrepancy,
    forecast,
    forecast_through,
    stack_forecast,
)
from allometry.forecasts.discrepancy import residual_spread, widened
from allometry.laws import find_law
from allometry.runs import Runs, read_runs

NOISE = 0.004
INSIDE, FAR = {"params": 3e8, "tokens": 1e10}, {"params": 1e11, "tokens": 2e12}


def table(seed: int, coupled: float = 1.0, rows: int = 60) -> Runs:
    """Runs whose two terms are coupled by a power that chinchilla does not have; at 1 it is chinchilla."""
    generator = np.random.default_rng(seed)
    n, d = 10 ** generator.uniform(7, 9.5, rows), 10 ** generator.uniform(9, 11, rows)
    loss = 1.8 + (480 / n**0.35 + 2100 / d**0.37) ** coupled
    return read_runs({"params": n, "tokens": d, "loss": loss * np.exp(NOISE * generator.normal(size=rows))})


@pytest.fixture(scope="module")
def held() -> Fit:
    return fit(table(0), "chinchilla", Settings(bootstrap=400))


def test_its_size_is_that_of_the_residuals_and_rises_with_distance(held: Fit) -> None:
    assert residual_spread(held) == pytest.approx(NOISE, rel=0.25)
    found = discrepancy(held, np.array([0.0, 0.125, 0.25, 1.0, 2.0])) / (DISCREPANCY * residual_spread(held))
    assert found == pytest.approx([0.0, 0.5 * 1.125, 1.25, 2.0, 3.0])


def test_draws_are_widened_by_just_that(held: Fit) -> None:
    still = np.full((4000, 2), 2.5)
    made = np.log(widened(held, still, np.array([0.0, 1.0]), seed=0))
    assert made[:, 0] == pytest.approx(np.log(2.5))
    assert made[:, 1].std() == pytest.approx(discrepancy(held, np.array([1.0]))[0], rel=0.05)


def test_both_intervals_are_given_and_the_one_used_is_named(held: Fit) -> None:
    curve, run = forecast(held, [FAR])[0], forecast(held, [FAR], of="new-run")[0]
    assert curve.result == curve.fit_noise
    assert run.result == run.calibrated
    assert run.interval == CALIBRATED
    for told in (curve, run):
        assert told.calibrated.low < told.fit_noise.low < told.fit_noise.high < told.calibrated.high
        assert told.as_json()["calibrated"]["low"] == told.calibrated.low


def test_within_the_runs_the_two_are_one(held: Fit) -> None:
    told = forecast(held, [INSIDE], of="new-run")[0]
    assert told.extrapolation.word == "inside"
    assert told.calibrated == told.fit_noise


def test_without_rows_or_draws_there_is_none() -> None:
    told = forecast(published_fit("chinchilla@hoffmann"), [FAR])[0]
    assert (told.calibrated.low, told.interval) == (None, "none")
    bare = forecast(fit(table(0), "chinchilla", Settings(bootstrap=0)), [FAR], of="new-run")[0]
    assert (bare.calibrated.low, bare.interval) == (None, "none")


def test_distance_is_the_farthest_of_compute_and_the_axes() -> None:
    axes = {"params": 0.5, "tokens": -1.0}
    assert decades_beyond(Extrapolation("far beyond", axes, 0.3, 1.0, 0.1)) == 1.0
    assert decades_beyond(Extrapolation("far beyond", axes, -1.5, 1.0, 0.1)) == 1.5
    assert decades_beyond(Extrapolation("far beyond", {"samples": 1.5}, None, 1.0, 0.1)) == 1.5
    assert np.isnan(decades_beyond(Extrapolation("unknown", {}, None, None, None)))


@pytest.mark.parametrize("coupled", [1.0, 0.8])
def test_held_out_larger_runs_are_inside_as_often_as_claimed(coupled: float) -> None:
    shares = []
    for seed in range(8):
        test = backtest(table(seed, coupled), [find_law("chinchilla")], Settings(bootstrap=100, level=0.8))[0]
        noise = (test.noise_low <= test.measured) & (test.measured <= test.noise_high)
        shares.append((noise.mean(), test.inside.mean()))
    noise, calibrated = np.mean(shares, axis=0)
    assert calibrated > noise
    assert calibrated > 0.75


def test_a_chain_and_a_stack_hold_it_too(held: Fit) -> None:
    loss = np.geomspace(2.0, 4.0, 24)
    error = (0.9 - 0.6 * np.exp(-0.8 * (loss - 1.0))) * np.exp(0.01 * np.random.default_rng(3).normal(size=24))
    second = fit(read_runs({"loss": loss, "error": error}), find_law("downstream_error"), Settings(bootstrap=200))
    told = forecast_through(held, second, [FAR], of="new-run")[0]
    assert told.interval == CALIBRATED
    assert told.calibrated.high - told.calibrated.low > told.fit_noise.high - told.fit_noise.low
    alone = forecast(held, [FAR], of="new-run")[0].calibrated
    stacked = stack_forecast([held, held], [0.5, 0.5], [FAR], of="new-run")[0]
    assert stacked.high - stacked.low == pytest.approx(alone.high - alone.low, rel=0.1)
