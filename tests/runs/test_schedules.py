"""The axes that come from a run's learning-rate schedule, and the laws that read them."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Settings, fit
from allometry.laws import find_law, published
from allometry.notices import Refused
from allometry.runs import read_runs, schedule_axes

PEAK, END, WARMUP = 3e-4, 3e-5, 1000


def rates(kind: str, steps: int) -> np.ndarray:
    """The rate of every step from 0, warm-up first."""
    t = np.arange(steps + 1.0)
    u = np.clip((t - WARMUP) / (steps - WARMUP), 0, 1)
    after = {
        "cosine": END + (PEAK - END) * 0.5 * (1 + np.cos(np.pi * u)),
        "stable-exponential": np.where(u < 0.8, PEAK, PEAK * (END / PEAK) ** ((u - 0.8) / 0.2)),
        "stable-linear": np.where(u < 0.8, PEAK, PEAK + (END - PEAK) * (u - 0.8) / 0.2),
        "two-stage": np.where(u < 0.5, PEAK, 0.3 * PEAK),
        "constant": np.full(len(t), PEAK),
    }[kind]
    return np.where(t < WARMUP, PEAK * t / WARMUP, after)


def table(kind: str, steps: int, every: int = 50) -> dict[str, np.ndarray]:
    found = rates(kind, steps)[::every]
    return {"step": np.arange(0.0, steps + 1, every), "current_learning_rate": found}


def exact_loss(values: dict[str, float], rate: np.ndarray, step: int) -> float:
    """The multi-power law as printed: a sum over every step after the warm-up."""
    area, falls = np.cumsum(rate[: step + 1]), -np.diff(rate[WARMUP : step + 1])
    since = area[step] - area[WARMUP:step]
    level = rate[WARMUP + 1 : step + 1]
    reached = 1 - (values["C"] * level ** -values["gamma"] * since + 1) ** -values["beta"]
    return values["L0"] + values["A"] * area[step] ** -values["alpha"] - values["B"] * float(falls @ reached)


@pytest.mark.parametrize("kind", ["cosine", "stable-exponential", "stable-linear", "two-stage", "constant"])
@pytest.mark.parametrize("key", ["25m", "100m", "400m"])
def test_ten_pieces_stand_for_the_sum_over_steps(kind: str, key: str) -> None:
    law, constants = published(f"multi_power@{key}")
    rate, rows = rates(kind, 20_000), table(kind, 20_000)
    axes = schedule_axes(rows, law.axes, np.zeros(len(rows["step"])), "here")
    for row in (40, 100, 250, 330, 360, 400):
        ours = law.evaluate(constants.values, {name: column[row] for name, column in axes.items()})[0]
        assert ours == pytest.approx(exact_loss(dict(constants.values), rate, int(rows["step"][row])), abs=1.5e-3)


def test_annealing_is_the_momentum_sum() -> None:
    """Tissue et al. 2024: m = lambda * m + fall at each step, and S2 sums m."""
    law = find_law("annealing")
    values = {"L0": 2.6, "A": 0.43, "alpha": 0.55, "C": 0.41, "memory": 1000.0}
    rate, rows = rates("cosine", 20_000), table("cosine", 20_000)
    axes = schedule_axes(rows, law.axes, np.zeros(len(rows["step"])), "here")
    momentum, annealed = 0.0, 0.0
    for fall in -np.diff(rate[WARMUP:]):
        momentum = (1 - 1 / values["memory"]) * momentum + fall
        annealed += momentum
    exact = values["L0"] + values["A"] * rate.sum() ** -values["alpha"] - values["C"] * annealed
    ours = law.evaluate(values, {name: column[-1] for name, column in axes.items()})[0]
    assert ours == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize("name", ["multi_power", "annealing"])
def test_whole_runs_of_two_schedules_forecast_a_third(name: str) -> None:
    """Fitted on cosine and constant curves of the printed law, logged with .2% noise; held out: stable, then a decay."""
    _, constants = published("multi_power@100m")
    generator = np.random.default_rng(0)
    parts, held = [], table("stable-linear", 20_000, 500)
    for number, (kind, steps) in enumerate([("cosine", 20_000), ("constant", 20_000), ("two-stage", 12_000)]):
        rows, rate = table(kind, steps, 500), rates(kind, steps)
        loss = [exact_loss(dict(constants.values), rate, int(step)) if step > WARMUP else 9.0 for step in rows["step"]]
        noisy = np.array(loss) * np.exp(generator.normal(0, 0.002, len(loss)))
        parts.append({**rows, "loss": noisy, "run_id": np.full(len(noisy), float(number))})
    runs = read_runs({key: np.concatenate([part[key] for part in parts]) for key in parts[0]}, rows="all")
    found = fit(runs.where("step > 1000"), name, Settings(bootstrap=50))
    axes = schedule_axes(held, found.law.axes, np.zeros(len(held["step"])), "here")
    late = slice(12, None)
    predicted = found.predict({key: column[late] for key, column in axes.items()})
    rate = rates("stable-linear", 20_000)
    exact = np.array([exact_loss(dict(constants.values), rate, int(step)) for step in held["step"][late]])
    error = np.abs(predicted / exact - 1)
    # twice the noise; the annealing law has another memory of the fall than the curves were made with
    assert error.max() < (0.004 if name == "multi_power" else 0.02)


def test_a_filter_does_not_shorten_the_past() -> None:
    rows = {**table("cosine", 4000, 100), "loss": np.linspace(4.0, 3.0, 41)}
    whole = read_runs(rows, rows="all").with_schedules(["lr_area", "lr_drop_1"])
    late = read_runs(rows, rows="all", where="step > 3000").with_schedules(["lr_area", "lr_drop_1"])
    np.testing.assert_array_equal(late.columns["lr_area"], whole.columns["lr_area"][-10:])
    np.testing.assert_array_equal(late.columns["lr_drop_1"], whole.columns["lr_drop_1"][-10:])


def test_runs_have_their_own_pasts() -> None:
    one, two = table("cosine", 4000, 100), table("constant", 4000, 100)
    both = {key: np.concatenate([one[key], two[key]]) for key in one}
    labels = np.repeat([0, 1], len(one["step"]))
    found = schedule_axes(both, ["lr_area"], labels, "here")["lr_area"]
    alone = schedule_axes(two, ["lr_area"], np.zeros(len(two["step"])), "here")["lr_area"]
    np.testing.assert_allclose(found[labels == 1], alone)


def test_pieces_hold_the_whole_fall() -> None:
    names = [f"lr_drop_{j}" for j in range(1, 11)]
    rows = table("cosine", 4000, 10)
    found = schedule_axes(rows, names, np.zeros(len(rows["step"])), "here")
    fallen = np.maximum.accumulate(rows["current_learning_rate"]) - rows["current_learning_rate"]
    np.testing.assert_allclose(sum(found.values()), fallen, atol=1e-18)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"current_learning_rate": None}, "needs a column `current_learning_rate`"),
        ({"current_learning_rate": np.full(81, np.nan)}, "`current_learning_rate` is not a number of 0 or more in"),
        ({"step": np.zeros(81)}, "are the same step of one run"),
    ],
)
def test_unusable_schedules_are_refused(change: dict[str, np.ndarray | None], message: str) -> None:
    rows = {**table("cosine", 4000, 50), "loss": np.linspace(4.0, 3.0, 81), **change}
    runs = read_runs({key: value for key, value in rows.items() if value is not None}, rows="all")
    with pytest.raises(Refused, match=message):
        runs.rows_for(find_law("annealing").axes, "loss")


def test_what_comes_later_changes_no_earlier_row() -> None:
    """A schedule that warms up again: every row looks as it did when it was the last."""
    rows = table("cosine", 4000, 50)
    again = np.concatenate([rows["current_learning_rate"], np.linspace(END, 2 * PEAK, 20)])
    whole = {"step": np.arange(0.0, 50 * len(again), 50), "current_learning_rate": again}
    names = ["lr_area", "lr_drop_1", "lr_drop_10", "lr_level_1", "lr_since_1", "lr_after_10"]
    early = schedule_axes(rows, names, np.zeros(81), "here")
    late = schedule_axes(whole, names, np.zeros(len(again)), "here")
    for name in names:
        np.testing.assert_allclose(late[name][1:81], early[name][1:], rtol=1e-12, atol=1e-18)


def test_a_table_of_one_schedule_is_one_run() -> None:
    rows = {**table("cosine", 4000, 50), "loss": np.linspace(4.0, 3.0, 81)}
    found = read_runs(rows, rows="all", where="step > 0").rows_for(find_law("annealing").axes, "loss")
    assert found.cluster_kind == "runs"
    assert len(np.unique(found.cluster)) == 1
