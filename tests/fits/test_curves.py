"""Curves of one run or a few: intervals know that errors follow one another along a run."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit
from allometry.laws import Law, law_from_table
from allometry.runs import read_runs

TRUTH = {"R0": 0.2, "A": 0.6, "M": 3e20, "B": 1.2}
COMPUTE = np.geomspace(3e19, 3e21, 50)


@pytest.fixture(scope="module")
def sigmoid() -> Law:
    start = {"R0": {"start": [0.01, 0.4]}, "A": {"high": 1.0, "start": [0.3, 0.9]}, "B": {"start": [0.3, 3.0]}}
    table = {
        "name": "sigmoid", "formula": "R0 + (A - R0) / (1 + (M / flops)**B)", "axes": ["flops"], "metric": "reward",
        "space": "identity", "parameters": {**start, "M": {"along": "flops"}},
    }  # fmt: skip
    return law_from_table(table, "sigmoid.toml")


def errors(generator: np.random.Generator, correlation: float) -> np.ndarray:
    """Errors of one run, of standard deviation .015, each taking up a share of the one before."""
    steps = generator.normal(0, 0.015, len(COMPUTE))
    found = steps.copy()
    for i in range(1, len(found)):
        found[i] = correlation * found[i - 1] + np.sqrt(1 - correlation**2) * steps[i]
    return found


def fitted(law: Law, seed: int, runs: int, correlation: float, cluster: str | None = None) -> Fit:
    generator, exact = np.random.default_rng(seed), law.evaluate(TRUTH, {"flops": COMPUTE})
    reward = np.concatenate([exact + errors(generator, correlation) for _ in range(runs)])
    table = {
        "flops": np.tile(COMPUTE, runs), "reward": reward, "step": np.tile(np.arange(1.0, len(COMPUTE) + 1), runs),
        "run_id": np.repeat([f"run {i}" for i in range(runs)], len(COMPUTE)),
    }  # fmt: skip
    return fit(read_runs(table, rows="all"), law, Settings(bootstrap=100, cluster=cluster))


def covers(law: Law, found: Fit) -> bool:
    """Whether the 90% interval four times beyond the data holds the true curve."""
    beyond = {"flops": [4 * COMPUTE[-1]]}
    low, high = np.percentile(law.evaluate(found.draws, beyond)[:, 0], [5, 95])
    return bool(low <= law.evaluate(TRUTH, beyond)[0] <= high)


def test_correlated_curves_are_covered_where_single_rows_are_not(sigmoid: Law) -> None:
    """2 runs, neighbours correlated .8: the nominal 90% holds within what 24 tables can tell; rows alone fall short."""
    along = np.mean([covers(sigmoid, fitted(sigmoid, seed, 2, 0.8)) for seed in range(24)])
    rows = np.mean([covers(sigmoid, fitted(sigmoid, seed, 2, 0.8, "none")) for seed in range(24)])
    assert along >= 0.75
    assert rows <= along - 0.2


def test_what_is_shown_says_how_errors_were_drawn(sigmoid: Law) -> None:
    found = fitted(sigmoid, 1, 1, 0.8)
    assert found.interval_kind.startswith("residuals simulated along each run, neighbours correlated 0.")
    assert "few-curves" in {notice.code for notice in found.notices}


def test_enough_runs_are_resampled_whole(sigmoid: Law) -> None:
    assert fitted(sigmoid, 1, 5, 0.8).interval_kind == "cluster bootstrap over 5 runs"


def test_the_order_of_the_table_does_not_matter(sigmoid: Law) -> None:
    generator = np.random.default_rng(3)
    reward = sigmoid.evaluate(TRUTH, {"flops": COMPUTE}) + errors(generator, 0.9)
    table = {
        "flops": COMPUTE,
        "reward": reward,
        "step": np.arange(1.0, len(COMPUTE) + 1),
        "run_id": ["a"] * len(COMPUTE),
    }
    shuffled = generator.permutation(len(COMPUTE))
    mixed = {name: np.asarray(column)[shuffled] for name, column in table.items()}
    one, other = (fit(read_runs(t, rows="all"), sigmoid, Settings(bootstrap=100)) for t in (table, mixed))
    assert one.interval_kind == other.interval_kind
    assert other.draws[:, 1].std() == pytest.approx(one.draws[:, 1].std(), rel=0.3)
