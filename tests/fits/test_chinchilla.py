"""The field's reference fit: 240 published runs, an optimum known to ten digits."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Fit, Huber, Settings, diagnose, fit
from allometry.laws import Law
from allometry.runs import read_runs

BUDGET = 5.76e23


def optimal_params(law: Law, draws: np.ndarray) -> np.ndarray:
    """N* at the reference budget, written out here so that the test does not lean on the planner."""
    value = dict(zip(law.parameter_names, draws.T, strict=True))
    total = value["alpha"] + value["beta"]
    balance = (value["alpha"] * value["A"] / (value["beta"] * value["B"])) ** (1 / total)
    return balance * (BUDGET / 6) ** (value["beta"] / total)


@pytest.fixture(scope="module")
def clean(published) -> Fit:
    runs = read_runs(published("chinchilla_epoch.csv"), where="excluded_by_epoch == 0")
    return fit(runs, "chinchilla", Settings(objective=Huber(1e-3), bootstrap=4000))


def test_optimum_is_the_known_one(clean: Fit) -> None:
    assert clean.objective <= 0.00101828
    assert clean.values["alpha"] == pytest.approx(0.34731, abs=1e-3)
    assert clean.values["beta"] == pytest.approx(0.36717, abs=2e-3)
    assert clean.values["E"] == pytest.approx(1.81722, abs=2e-3)
    assert clean.agree == 1.0


def test_standard_errors_are_the_published_ones(clean: Fit) -> None:
    spread = dict(zip(clean.law.parameter_names, clean.draws.std(axis=0), strict=True))
    assert spread["E"] == pytest.approx(0.0257, rel=0.1)
    assert spread["alpha"] == pytest.approx(0.0154, rel=0.1)
    assert spread["beta"] == pytest.approx(0.0206, rel=0.1)
    assert spread["A"] == pytest.approx(124.5, rel=0.1)
    assert spread["B"] == pytest.approx(1293.3, rel=0.1)


def test_optimal_size_at_the_reference_budget(clean: Fit) -> None:
    assert 71e9 < optimal_params(clean.law, clean.estimate[None])[0] < 75e9


def test_the_five_bad_rows_are_found_without_being_told(published) -> None:
    runs = read_runs(published("chinchilla_epoch.csv"))
    found = diagnose(fit(runs, "chinchilla", Settings(objective=Huber(1e-3), bootstrap=0)), {"N*": optimal_params})
    worst = found.influence[0]
    assert worst.finding
    assert len(worst.expected) == 20
    assert {0, 1, 2, 3, 4} <= set(worst.rows)
    assert len(worst.rows) <= 12


def test_the_finding_on_the_clean_rows_comes_with_its_null(clean: Fit) -> None:
    item = diagnose(clean, {"N*": optimal_params}).influence[0]
    assert len(item.expected) == 20
    assert max(max(f, 1 / f) for f in item.expected) > 1.1


def test_a_wide_prior_hardly_moves_a_well_measured_exponent(published, clean: Fit) -> None:
    from allometry.fits import Prior

    runs = read_runs(published("chinchilla_epoch.csv"), where="excluded_by_epoch == 0")
    for mean in (0.25, 0.45):
        settings = Settings(objective=Huber(1e-3), bootstrap=0, priors={"alpha": Prior(mean, 0.05)})
        moved = fit(runs, "chinchilla", settings)
        index = clean.law.parameter_names.index("alpha")
        error = clean.draws[:, index].std()
        assert abs(moved.values["alpha"] - clean.values["alpha"]) < error
        assert moved.prior_share["alpha"] < 0.3
