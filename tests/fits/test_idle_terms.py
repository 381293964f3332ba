"""A term that the runs send to zero is out of the way: the rest is fitted and resampled as if it were not there."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit
from allometry.laws import find_law
from allometry.runs import Runs, read_runs

PLAIN = "E + (A / params)**alpha"
WITH_IDLE_TERMS = [
    "E + (A / (params * (1 + k * log(streams))))**alpha",
    "E + (A / params)**alpha + B / streams**gamma",
]


@pytest.fixture(scope="module")
def runs() -> Runs:
    """Streams raise the loss by a little, which no gain from streams can follow."""
    draw = np.random.default_rng(3)
    params, streams = np.repeat(np.geomspace(1e4, 1e7, 8), 3), np.tile([1.0, 2.0, 4.0], 8)
    loss = (1.2 + 40 * params**-0.35 + 0.02 * np.log(streams)) * np.exp(draw.normal(0, 0.01, 24))
    return read_runs({"params": params, "streams": streams, "loss": loss})


def fitted(runs: Runs, formula: str) -> Fit:
    law = find_law(formula, axes=["params", "streams"], metric="loss")
    return fit(runs, law, Settings(bootstrap=60, seed=1, cluster="none"))


@pytest.mark.parametrize("formula", WITH_IDLE_TERMS)
def test_the_rest_is_fitted_as_without_the_idle_term(runs: Runs, formula: str) -> None:
    plain, found = fitted(runs, PLAIN), fitted(runs, formula)
    assert {name: found.values[name] for name in plain.values} == pytest.approx(plain.values, rel=1e-5)


@pytest.mark.parametrize("formula", WITH_IDLE_TERMS)
def test_resamples_move_as_without_the_idle_term(runs: Runs, formula: str) -> None:
    plain, found = fitted(runs, PLAIN), fitted(runs, formula)
    own, other = (one.draws[:, one.law.parameter_names.index("alpha")] for one in (plain, found))
    assert len(np.unique(other)) > 0.9 * len(own)
    # Resamples that do gain from streams differ, so spreads and not single draws are compared.
    assert np.subtract(*np.percentile(other, [95, 5])) == pytest.approx(
        np.subtract(*np.percentile(own, [95, 5])), rel=0.2
    )


def test_zero_is_an_answer_and_its_exponent_is_none(runs: Runs) -> None:
    found = fitted(runs, WITH_IDLE_TERMS[1])
    assert set(found.confounded) == {"gamma"}
    assert found.values["B"] < 1e-6


def test_resamples_that_do_gain_leave_zero(runs: Runs) -> None:
    """Refits from zero alone would say that a gain is impossible."""
    found = fitted(runs, WITH_IDLE_TERMS[0])
    gain = found.parameters["k"]
    assert gain.low is not None
    assert gain.high is not None
    assert gain.low < 1e-6 < 1e-3 < gain.high


def test_a_parameter_of_an_axis_that_never_varied_is_not_determined(runs: Runs) -> None:
    alone = read_runs({name: column[runs.columns["streams"] == 1] for name, column in runs.columns.items()})
    assert "k" in fitted(alone, WITH_IDLE_TERMS[0]).confounded
