"""Laws of pre-training against each other, against solvers and on tables that are truly of another law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from allometry.fits import Settings, fit
from allometry.laws import Law, find_law, published
from allometry.runs import read_runs

POINTS = {"params": np.array([1e7, 1e8, 3e9, 1e11]), "tokens": np.array([1e11, 3e8, 6e10, 2e12])}


def table(law: Law, values: dict[str, float], points: dict[str, np.ndarray], noise: float, seed: int) -> dict:
    drawn = np.random.default_rng(seed).normal(0.0, noise, len(next(iter(points.values()))))
    return {**points, law.metric: law.evaluate(values, points) * np.exp(drawn)}


def crossed(**axes: list[float]) -> dict[str, np.ndarray]:
    grid = np.meshgrid(*(np.array(values, dtype=float) for values in axes.values()), indexing="ij")
    return {name: column.ravel() for name, column in zip(axes, grid, strict=True)}


def test_coupled_families_hold_chinchilla_and_kaplan() -> None:
    chinchilla, constants = published("chinchilla@epoch")
    plain = chinchilla.evaluate(constants.values, POINTS)
    np.testing.assert_allclose(find_law("skaling").evaluate({**constants.values, "k": 1.0}, POINTS), plain, rtol=1e-13)
    unshifted = {**constants.values, "N0": 0.0, "D0": 0.0}
    np.testing.assert_allclose(find_law("shifted_separable").evaluate(unshifted, POINTS), plain, rtol=1e-13)
    sizes = {"average_params": POINTS["params"], "tokens": POINTS["tokens"]}
    np.testing.assert_allclose(find_law("average_params").evaluate(constants.values, sizes), plain, rtol=1e-13)

    kaplan, old = published("kaplan@kaplan2020")
    lower = kaplan.evaluate(old.values, POINTS)
    np.testing.assert_allclose(
        find_law("kaplan_floor").evaluate({**old.values, "E": 0.7}, POINTS), lower + 0.7, rtol=1e-13
    )
    ratio = old.values["alpha_N"] / old.values["alpha_D"]
    coupled = {"E": 0.7, "A": old.values["Nc"] ** ratio, "alpha": ratio, "B": old.values["Dc"], "beta": 1.0}
    coupled["k"] = old.values["alpha_D"]
    np.testing.assert_allclose(find_law("skaling").evaluate(coupled, POINTS), lower + 0.7, rtol=1e-12)


def test_the_bounded_rational_lies_between_guess_and_floor_and_is_chinchilla_far_from_the_guess() -> None:
    law = find_law("bounded_rational")
    values = {"E": 1.7, "I": 11.0, "A": 40.0, "alpha": 0.34, "B": 60.0, "beta": 0.33}
    small = law.evaluate(values, {"params": [1e-9, 1e20], "tokens": [1e-9, 1e20]})
    assert small[0] == pytest.approx(11.0, rel=1e-3)
    assert small[1] == pytest.approx(1.7, rel=1e-3)
    far = {"params": np.array([1e12]), "tokens": np.array([1e14])}
    terms = {"E": 1.7, "A": 9.3 * 40.0, "alpha": 0.34, "B": 9.3 * 60.0, "beta": 0.33}
    assert law.evaluate(values, far) - 1.7 == pytest.approx(find_law("chinchilla").evaluate(terms, far) - 1.7, rel=0.01)


def test_skaling_finds_no_coupling_on_a_chinchilla_table() -> None:
    """A separable table is inside the family, so the answer is k = 1 and not a failure to identify."""
    law, constants = published("chinchilla@epoch")
    points = crossed(params=[1e7, 1e8, 1e9, 1e10], tokens=[2e8, 2e9, 2e10, 2e11])
    found = fit(read_runs(table(law, dict(constants.values), points, 0.002, 0)), "skaling", Settings(bootstrap=200))
    k = found.parameters["k"]
    assert k.low is not None
    assert k.high is not None
    assert k.low < 1.0 < k.high


def test_the_three_regions_are_the_plateau_the_power_law_and_the_floor() -> None:
    regions, power = find_law("hestness_regions"), find_law("hestness")
    values = {"gamma": 0.05, "guess": 0.9, "knee": 1e3, "beta": 0.4}
    assert regions.evaluate(values, {"examples": [1.0]})[0] == pytest.approx(0.9, rel=1e-3)
    far = {"examples": np.array([1e6, 1e8, 1e10])}
    same = {"gamma": 0.05, "alpha": 0.85 * 1e3**0.4, "beta": 0.4}
    np.testing.assert_allclose(regions.evaluate(values, far), power.evaluate(same, far), rtol=1e-3)
    assert regions.evaluate(values, {"examples": [1e14]})[0] == pytest.approx(0.05, rel=1e-2)


def test_the_data_that_a_target_error_needs_come_with_an_interval_that_holds_them() -> None:
    law = find_law("hestness")
    values = {"gamma": 0.06, "alpha": 6.0, "beta": 0.31}
    rungs = {"examples": np.geomspace(2e3, 4e6, 12)}
    found = fit(read_runs(table(law, values, rungs, 0.005, 1)), law, Settings(bootstrap=300))
    target = 0.09
    wanted = ((target - 0.06) / 6.0) ** (-1 / 0.31)
    gamma, alpha, beta = found.draws.T
    reached = target > gamma
    needed = ((target - gamma[reached]) / alpha[reached]) ** (-1 / beta[reached])
    assert reached.mean() > 0.95
    low, high = np.quantile(needed, [0.05, 0.95])
    assert low < wanted < high
    assert wanted > rungs["examples"].max()


def trajectory(values: dict[str, float], params: float, steps: float, batch: float) -> float:
    """The loss at which the equation of the trajectory holds, by bisection in its logarithm."""

    def gap(log_loss: float) -> float:
        critical = values["B_star"] / np.exp(log_loss / values["alpha_B"])
        least = steps / (1 + critical / batch)
        converged = (values["Nc"] / params) ** values["alpha_N"]
        return float(np.log(converged + (values["Sc"] / least) ** values["alpha_S"]) - log_loss)

    return float(np.exp(brentq(gap, -20, 20, xtol=1e-13)))


def test_the_loss_trajectory_solves_its_equation() -> None:
    """Two Newton steps stand in the formula: what they leave is far below what any loss is measured to."""
    law, constants = published("loss_trajectory@kaplan2020")
    rng = np.random.default_rng(0)
    n, s, b = 10 ** rng.uniform([[5.0], [2.5], [4.0]], [[12.0], [6.5], [8.0]], (3, 400))
    ours = law.evaluate(constants.values, {"params": n, "steps": s, "batch_tokens": b})
    exact = [trajectory(dict(constants.values), *row) for row in zip(n, s, b, strict=True)]
    np.testing.assert_allclose(ours, exact, rtol=1e-5)


def test_the_loss_trajectory_solves_its_equation_for_other_constants_too() -> None:
    law = find_law("loss_trajectory")
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(400):
        values = {p.name: float(np.exp(rng.uniform(*np.log(p.start or (1, 2))))) for p in law.parameters}
        point = {"params": 10 ** rng.uniform(5, 12), "steps": 10 ** rng.uniform(2.5, 6.5)}
        point["batch_tokens"] = 10 ** rng.uniform(4, 8)
        exact = trajectory(values, *point.values())
        errors.append(abs(law.evaluate(values, point)[0] / exact - 1))
    assert np.quantile(errors, 0.9) < 1e-5
    assert max(errors) < 2e-3


def test_a_very_large_batch_takes_the_fewest_steps_and_the_critical_one_twice_as_many() -> None:
    whole, constants = published("loss_trajectory@kaplan2020")
    values = dict(constants.values)
    steps_alone, few = published("unraveling@kaplan2020")
    critical, rest = published("critical_batch@kaplan2020")
    assert {**few.values, **rest.values} == values
    loss = steps_alone.evaluate(few.values, {"params": [1e9], "steps": [2e4]})
    huge = whole.evaluate(values, {"params": [1e9], "steps": [2e4], "batch_tokens": [1e14]})
    assert huge == pytest.approx(loss, rel=1e-6)
    batch = critical.evaluate(rest.values, {"loss": loss})
    twice = whole.evaluate(values, {"params": [1e9], "steps": [4e4], "batch_tokens": batch})
    assert twice == pytest.approx(loss, rel=1e-5)


def test_small_ladders_foretell_the_trajectory_of_a_larger_model() -> None:
    """Curves of four sizes at three batches; the model four times as large, at a batch that none had."""
    law, constants = published("loss_trajectory@kaplan2020")
    ladder = crossed(params=[1e6, 4e6, 1.6e7, 6e7], steps=[2e3, 6e3, 2e4, 6e4], batch_tokens=[32768, 262144, 2097152])
    runs = read_runs(table(law, dict(constants.values), ladder, 0.003, 2))
    found = fit(runs, law, Settings(bootstrap=200))
    curve = crossed(params=[2.4e8], steps=[2e3, 6e3, 2e4, 6e4], batch_tokens=[1048576])
    truth = law.evaluate(constants.values, curve)
    low, high = np.quantile(found.predict_draws(curve), [0.005, 0.995], axis=0)
    assert np.all((low < truth) & (truth < high))
    np.testing.assert_allclose(found.predict(curve), truth, rtol=0.01)


@pytest.mark.parametrize(
    ("flops", "params", "ratio"), [(1e19, 3.1e8, 17.5), (1e20, 1.2e9, 11), (1e21, 3.9e9, 11), (1e22, 1.1e10, 14)]
)
def test_farseer_has_an_optimal_size_up_to_1e22_flops(flops: float, params: float, ratio: float) -> None:
    found = lowest(flops)
    assert found is not None
    # the figures are rounded to two digits
    assert found == pytest.approx(params, rel=0.05)
    assert flops / (6 * found**2) == pytest.approx(ratio, rel=0.1)


@pytest.mark.parametrize("flops", [1e23, 1e24, 1e25])
def test_farseer_has_none_beyond(flops: float) -> None:
    assert lowest(flops) is None


def lowest(flops: float) -> float | None:
    """The size at the one interior minimum of the published Farseer law on an isoFLOP curve."""
    law, constants = published("farseer@li2025")
    sizes = np.geomspace(1e7, 1e13, 4001)
    loss = law.evaluate(constants.values, {"non_embedding_params": sizes, "tokens": flops / (6 * sizes)})
    inside = np.flatnonzero((loss[1:-1] < loss[:-2]) & (loss[1:-1] < loss[2:])) + 1
    assert len(inside) <= 1
    return float(sizes[inside[0]]) if len(inside) else None


def test_farseer_forecasts_are_tight_where_its_parameters_are_not() -> None:
    law = find_law("farseer")
    assert law.design is not None
    values, points = dict(law.design.values), law.design.points()
    runs = read_runs(table(law, values, points, law.design.noise, 1))
    found = fit(runs, law, Settings(bootstrap=100))
    larger = {name: np.array([2 * column.max()]) for name, column in points.items()}
    truth = law.evaluate(values, larger)[0]
    low, high = np.quantile(found.predict_draws(larger)[:, 0], [0.05, 0.95])
    assert low < truth < high
    assert (high - low) / truth < 0.02
    spread = np.subtract(*np.quantile(found.draws, [0.95, 0.05], axis=0)) / np.abs(found.estimate)
    assert spread.max() > 1.0
    assert np.median(spread) > 0.5


def test_farseer_forecasts_no_better_on_a_chinchilla_table() -> None:
    """Fitted to the cheaper runs, tested on the dearer ones, over three draws of the noise."""
    law, constants = published("chinchilla@epoch")
    points = crossed(params=[1e8, 2e8, 4e8, 8e8, 1.6e9, 3.2e9], tokens=[2e9, 4e9, 8e9, 1.6e10, 3.2e10, 6.4e10])
    held = points["params"] > 1e9
    errors: dict[str, list[float]] = {"chinchilla": [], "farseer": []}
    for seed in range(3):
        runs = table(law, dict(constants.values), points, 0.003, seed)
        train = {name: column[~held] for name, column in runs.items()}
        test = {name: column[held] for name, column in runs.items()}
        for name, found in errors.items():
            sizes = "params" if name == "chinchilla" else "non_embedding_params"
            fitted = fit(read_runs({**train, sizes: train["params"]}), name, Settings(bootstrap=0))
            ahead = fitted.predict({sizes: test["params"], "tokens": test["tokens"]})
            found.append(float(np.mean(np.abs(ahead / test["loss"] - 1))))
    assert np.mean(errors["farseer"]) > np.mean(errors["chinchilla"])
    assert np.mean(errors["chinchilla"]) < 0.005
