"""What a table cannot say is refused or said, with the parameters and axes by name."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Huber, Settings, Squared, fit
from allometry.notices import Refused
from allometry.runs import read_runs

FAST = Settings(bootstrap=50)


def test_fewer_runs_than_parameters_are_refused(ladder) -> None:
    with pytest.raises(Refused, match="4 runs cannot determine 5 parameters") as refused:
        fit(ladder(4), "chinchilla", FAST)
    assert refused.value.code == "few-runs"
    assert "--fix" in refused.value.mend


def test_fewer_than_twice_as_many_are_warned_and_intervals_are_of_another_kind(ladder) -> None:
    found = fit(ladder(8), "chinchilla", FAST)
    assert found.warned("few-runs")
    assert found.interval_kind.startswith("few runs")


def test_fixing_makes_few_runs_enough(ladder) -> None:
    found = fit(ladder(4), "chinchilla", Settings(bootstrap=20, fixed={"alpha": 0.35, "beta": 0.37}))
    assert found.values["alpha"] == 0.35
    assert found.parameters["alpha"].why == "fixed by the user"


def test_axes_that_move_together_leave_no_values_for_what_they_confound(ladder) -> None:
    found = fit(ladder(30, tokens_per_param=20.0), "chinchilla", FAST)
    assert found.warned("axes-together")
    assert {"A", "B", "alpha", "beta"} <= set(found.confounded)
    assert found.parameters["A"].value is None
    assert "cannot be told apart" in found.parameters["A"].why


def test_tied_exponents_can_still_not_tell_the_two_terms_apart(ladder) -> None:
    found = fit(ladder(30, tokens_per_param=20.0), "chinchilla", Settings(bootstrap=0, ties={"beta": "alpha"}))
    assert {"A", "B"} <= set(found.confounded)
    assert "alpha" not in found.confounded
    assert found.values["beta"] == found.values["alpha"]


def test_an_axis_that_never_varied_is_named(ladder) -> None:
    found = fit(ladder(30, params=1e8), "chinchilla", FAST)
    message = next(n.message for n in found.notices if n.code == "axis-constant")
    assert message.startswith("params never varied")
    assert {"A", "alpha", "E"} <= set(found.confounded)


def test_a_constant_target_is_refused() -> None:
    runs = read_runs({"params": [1e7, 1e8, 1e9], "tokens": [1e9, 2e9, 5e9], "loss": [3.0, 3.0, 3.0]})
    with pytest.raises(Refused, match="the same in all 3 runs"):
        fit(runs, "E + A / params**alpha", FAST)


def test_a_term_that_does_nothing_is_named() -> None:
    sizes = np.logspace(7, 10, 40)
    bent = 1 + 0.02 * np.linspace(-1, 1, 40)  # falls a little faster than a power: an offset can only make it worse
    found = fit(
        read_runs({"params": sizes, "loss": 480 / sizes**0.35 / bent}), "E + A / params**alpha", Settings(bootstrap=0)
    )
    message = next(n.message for n in found.notices if n.code == "term-negligible")
    assert "the term with E is below 0.1%" in message


def test_a_gross_outlier_is_listed_and_does_not_move_a_robust_fit(ladder) -> None:
    runs = ladder(60)
    table = {name: runs.columns[name].copy() for name in ("params", "tokens", "loss")}
    table["loss"][7] *= 100
    hurt, clean = (fit(read_runs(t), "chinchilla", Settings(objective=Huber(1e-3), bootstrap=0))
                   for t in (table, {k: np.delete(v, 7) for k, v in table.items()}))  # fmt: skip
    assert "rows 7" in next(n.message for n in hurt.notices if n.code == "outliers")
    assert hurt.values["alpha"] == pytest.approx(clean.values["alpha"], rel=0.02)
    squared = fit(read_runs(table), "chinchilla", Settings(objective=Squared(), bootstrap=0))
    assert abs(squared.values["alpha"] / clean.values["alpha"] - 1) > 0.05


def test_noise_free_runs_give_the_truth_back(ladder) -> None:
    found = fit(ladder(30, noise=0.0), "chinchilla", Settings(bootstrap=20))
    assert found.values["alpha"] == pytest.approx(0.35, rel=1e-8)
    assert found.converged


@pytest.mark.parametrize(("settings", "code"), [
    (Settings(fixed={"gamma": 1.0}), "unknown-parameter"), (Settings(fixed={"A": -1.0}), "bad-value"),
    (Settings(ties={"beta": "beta"}), "bad-tie"), (Settings(space="cubic"), "unknown-space"),
])  # fmt: skip
def test_bad_settings_are_refused(ladder, settings: Settings, code: str) -> None:
    with pytest.raises(Refused) as refused:
        fit(ladder(20), "chinchilla", settings)
    assert refused.value.code == code


def test_rows_of_weight_zero_are_not_there_at_all(ladder) -> None:
    runs = ladder(30)
    table = {name: runs.columns[name].copy() for name in ("params", "tokens", "loss")}
    hurt = {name: np.append(column, column[0] * 3) for name, column in table.items()} | {
        "w": np.append(np.ones(30), 0.0)
    }
    with_zero = fit(read_runs(hurt), "chinchilla", Settings(bootstrap=40, weights="w"))
    without = fit(read_runs(table), "chinchilla", Settings(bootstrap=40))
    np.testing.assert_allclose(with_zero.draws, without.draws, rtol=1e-9)
    assert with_zero.rows.excluded[-1].row == 30


def test_as_many_parameters_as_runs_leave_no_intervals(ladder) -> None:
    found = fit(ladder(5), "chinchilla", FAST)
    assert found.parameters["alpha"].low is None
    assert found.warned("no-intervals")


def test_a_formula_without_a_value_anywhere_is_refused(ladder) -> None:
    with pytest.raises(Refused, match="no finite value"):
        fit(ladder(20), "E - A * params - B * tokens", FAST)


def test_nothing_left_to_fit_is_refused(ladder) -> None:
    with pytest.raises(Refused, match="every parameter"):
        fit(ladder(20), "chinchilla", Settings(fixed={"E": 1.7, "A": 400.0, "B": 400.0, "alpha": 0.3, "beta": 0.3}))
