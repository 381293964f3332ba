"""Published tables in, published constants and figures out."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Huber, Settings, Squared, fit
from allometry.runs import read_runs

HUBER = Settings(objective=Huber(1e-3), bootstrap=0)
SIZES = ("d=96_l=8_h=4", "d=512_l=8_h=4", "d=576_l=24_h=8", "d=1024_l=24_h=8")


@pytest.mark.parametrize(("dataset", "E", "alpha", "k", "r2", "scale"), [
    ("stack_v2_python", 0.691, 0.1894, 0.3934, 0.9978, (1.12e7, 1.14e7)), ("pile", 1.288, 0.196, 0.334, 0.9987, (1.9e8, 2.05e8)),
])  # fmt: skip
def test_parallel_streams(
    published, dataset: str, E: float, alpha: float, k: float, r2: float, scale: tuple[float, float]
) -> None:
    table = published("parscale.csv")
    runs = read_runs(
        table,
        map={"params": "params_non_embedding"},
        where=f"dataset == '{dataset}'",
        conventions={"params": "non-embedding"},
    )
    found = fit(runs, "parscale", HUBER)
    assert found.values["E"] == pytest.approx(E, abs=1e-3)
    assert found.values["alpha"] == pytest.approx(alpha, abs=5e-4)
    assert found.values["k"] == pytest.approx(k, abs=1e-3)
    assert scale[0] < found.values["A"] < scale[1]
    measured = found.rows.target
    explained = 1 - np.sum((found.predict(found.rows.axes) - measured) ** 2) / np.sum((measured - measured.mean()) ** 2)
    assert explained == pytest.approx(r2, abs=1e-4)


def test_over_training_predicts_the_two_held_out_runs(published) -> None:
    table = published("gadre_overtraining.csv")
    first = " or ".join(f"model == '{name}'" for name in SIZES)
    where = f"train_dataset == 'rpj' and ((chinchilla_multiplier == 1 and ({first})) or (chinchilla_multiplier == 16 and model == '{SIZES[0]}'))"
    found = fit(
        read_runs(table, map={"loss": "loss_c4_val"}, where=where),
        "overtraining",
        Settings(objective=Squared(), space="identity", bootstrap=0),
    )
    assert len(found.rows) == 5
    held = read_runs(
        table,
        map={"loss": "loss_c4_val"},
        where="train_dataset == 'rpj' and ((model == 'open_lm_1b' and chinchilla_multiplier == 32) or model == 'open_lm_7b')",
    )
    rows = held.rows_for(found.law.axes, "loss")
    error = np.abs(found.predict(rows.axes) / rows.target - 1) * 100
    assert sorted(error) == pytest.approx([0.7103, 0.7320], abs=2e-3)


def _optimum(draws: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """N* at 1e21 FLOPs, written out so that the test does not lean on the planner."""
    value = dict(zip(names, draws.T, strict=True))
    total = value["alpha"] + value["beta"]
    balance = (value["alpha"] * value["A"] / (value["beta"] * value["B"])) ** (1 / total)
    return balance * (1e21 / 6) ** (value["beta"] / total)


def test_checkpoints_are_resampled_by_run_unasked(published) -> None:
    runs = read_runs(published("misfitting_checkpoints.csv"), rows="all")
    whole, rows = (
        fit(runs, "chinchilla", Settings(objective=Huber(1e-3), bootstrap=100, cluster=c)) for c in (None, "none")
    )
    assert "runs" in whole.interval_kind
    assert rows.warned("rows-not-independent")
    width = [np.subtract(*np.quantile(_optimum(f.draws, f.law.parameter_names), [0.95, 0.05])) for f in (whole, rows)]
    assert width[0] > 2 * width[1]
