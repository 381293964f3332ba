"""A prior counts for what it says: all where the data are silent, next to nothing where they speak."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Prior, Settings, fit
from allometry.notices import Refused
from allometry.runs import read_runs

NORMAL_95 = 1.6449


def test_an_unseen_parameter_keeps_its_priors_interval(ladder) -> None:
    priors = {"alpha": Prior(0.34, 0.03), "A": Prior(482.0, 1.5, factor=True)}
    found = fit(ladder(30, params=1e8), "chinchilla", Settings(bootstrap=2000, priors=priors))
    width = np.subtract(*np.quantile(found.draws[:, found.law.parameter_names.index("alpha")], [0.95, 0.05]))
    assert width == pytest.approx(2 * NORMAL_95 * 0.03, rel=0.1)
    logs = np.log(found.draws[:, found.law.parameter_names.index("A")])
    assert np.subtract(*np.quantile(logs, [0.95, 0.05])) == pytest.approx(2 * NORMAL_95 * np.log(1.5), rel=0.1)
    assert found.prior_share["alpha"] > 0.9


def test_a_measured_parameter_is_hardly_moved(ladder) -> None:
    runs = ladder(200)
    free = fit(runs, "chinchilla", Settings(bootstrap=200))
    index = free.law.parameter_names.index("alpha")
    moved = fit(runs, "chinchilla", Settings(bootstrap=0, priors={"alpha": Prior(free.values["alpha"] + 0.05, 0.05)}))
    assert abs(moved.values["alpha"] - free.values["alpha"]) < free.draws[:, index].std()
    assert moved.prior_share["alpha"] < 0.1


@pytest.mark.parametrize("text", ["482", "482,0", "482,x1", "a,b", "482,-1", "nan,1", "-3,x2"])
def test_a_bad_prior_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        Prior.parse("A", text)


def test_the_scale_of_weights_does_not_change_what_a_prior_counts_for(ladder) -> None:
    runs = ladder(60)
    table = {name: runs.columns[name] for name in ("params", "tokens", "loss")}
    fits = [
        fit(
            read_runs({**table, "w": np.full(60, w)}),
            "chinchilla",
            Settings(bootstrap=0, weights="w", priors={"alpha": Prior(0.3, 0.02)}),
        )
        for w in (1.0, 10.0)
    ]
    assert fits[0].values["alpha"] == pytest.approx(fits[1].values["alpha"], rel=1e-4)
    assert fits[0].prior_share["alpha"] == pytest.approx(fits[1].prior_share["alpha"], rel=1e-2)
