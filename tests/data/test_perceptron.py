"""The theory of pruning against published values, its own limits, and the simulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.data.pruning import best_kept, best_kept_of_pool, crossing, max_margin, simulate_student, student_error
from allometry.notices import Refused

# pool, kept, angle in degrees -> error by an independent solution of the equations
TABLE = [
    (4, 1.0, 30, 0.1137), (4, 0.5, 30, 0.2083), (8, 0.5, 20, 0.0706), (8, 0.25, 20, 0.3125), (2, 0.5, 40, 0.3149),
    (6, 0.5, 10, 0.0847), (4, 0.5, 0, 0.1361), (6, 0.5, 0, 0.0812), (2, 0.5, 0, 0.3210), (8, 0.25, 0, 0.1051),
]  # fmt: skip


@pytest.mark.parametrize(("pool", "kept", "angle", "error"), TABLE)
def test_the_theory_gives_the_known_errors(pool: float, kept: float, angle: float, error: float) -> None:
    assert student_error(pool, kept, angle).error == pytest.approx(error, abs=6e-5)


@pytest.mark.parametrize(("pool", "scaled"), [(10, 0.492), (30, 0.4995), (60, 0.5002), (100, 0.5004)])
def test_random_examples_give_a_power_law(pool: float, scaled: float) -> None:
    assert pool * student_error(pool, 1.0).error == pytest.approx(scaled, abs=6e-4 * scaled)
    assert student_error(2 * pool, 0.5, 30, "random").error == student_error(pool, 1.0).error


@pytest.mark.parametrize("keep", ["hardest", "easiest"])
@pytest.mark.parametrize(("pool", "kept", "angle"), [(4, 0.5, 0), (8, 0.3, 0), (3, 0.5, 25), (8, 0.5, 20)])
def test_simulated_students_err_as_the_theory_says(pool: float, kept: float, angle: float, keep: str) -> None:
    errors = [simulate_student(pool, kept, angle, keep, size=200, seed=seed) for seed in range(12)]  # type: ignore[arg-type]
    spread = float(np.std(errors, ddof=1) / np.sqrt(len(errors)))
    assert abs(np.mean(errors) - student_error(pool, kept, angle, keep).error) < 3 * spread + 0.002  # type: ignore[arg-type]


def test_the_two_sets_of_equations_meet_at_a_small_angle() -> None:
    for keep in ("hardest", "easiest"):
        near, at = (student_error(5, 0.4, angle, keep).error for angle in (0.2, 0.0))  # type: ignore[arg-type]
        assert near == pytest.approx(at, rel=2e-3)


def test_hard_wins_with_much_data_and_easy_with_little_on_either_side_of_the_crossing() -> None:
    at = crossing(0.5)
    for pool, better in ((at / 2, "easiest"), (2 * at, "hardest")):
        means = {
            keep: np.mean([simulate_student(pool, 0.5, keep=keep, size=100, seed=seed) for seed in range(10)])  # type: ignore[arg-type]
            for keep in ("hardest", "easiest")
        }
        assert min(means, key=lambda keep: means[keep]) == better


def test_the_best_fraction_is_best_and_falls_with_the_examples() -> None:
    for trained in (2.0, 4.0):
        best = best_kept(trained, 20.0)
        errors = [student_error(trained / f, f, 20.0).error for f in (best, best / 1.2, min(best * 1.2, 1.0))]
        assert min(errors) == errors[0]
    assert best_kept(4.0, 20.0) < best_kept(2.0, 20.0)


def test_the_fraction_of_a_pool_is_the_best_for_what_it_leaves() -> None:
    kept = best_kept_of_pool(8.0, 20.0)
    assert best_kept(8.0 * kept, 20.0) == pytest.approx(kept, rel=0.02)


def test_with_pareto_pruning_the_error_falls_ever_faster_than_a_power() -> None:
    trained = np.array([1.0, 1.5, 2.0, 2.5])
    best = [student_error(a / f, f).error for a in trained for f in [best_kept(a, least=0.01)]]
    slopes = -np.diff(np.log(best)) / np.diff(np.log(trained))
    assert np.all(np.diff(slopes) > 0)
    assert slopes[-1] > 2


@settings(max_examples=20, deadline=None)
@given(pool=st.floats(0.2, 50), kept=st.floats(0.05, 1), angle=st.sampled_from([0.0, 10.0, 60.0]),
       keep=st.sampled_from(["hardest", "easiest", "random"]))  # fmt: skip
def test_any_setting_has_an_error_below_chance(pool: float, kept: float, angle: float, keep: str) -> None:
    found = student_error(pool, kept, angle, keep)  # type: ignore[arg-type]
    assert 0 < found.error < 0.5
    assert found.margin > 0


@pytest.mark.parametrize("arguments", [(4, 0, 0), (4, 1.5, 0), (0, 0.5, 0), (float("nan"), 0.5, 0), (4, 0.5, 90)])
def test_what_cannot_be_is_refused(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(Refused):
        student_error(*arguments)


def test_the_margin_is_the_greatest() -> None:
    draw = np.random.default_rng(0)
    truth = draw.standard_normal(20)
    x = draw.standard_normal((60, 20))
    x *= np.sign(x @ truth)[:, None]
    best = max_margin(x)
    least = (x @ best).min()
    for _ in range(200):
        other = best + 0.05 * draw.standard_normal(20)
        assert (x @ (other / np.linalg.norm(other))).min() <= least + 1e-9


def test_labels_that_no_vector_separates_are_refused() -> None:
    with pytest.raises(Refused):
        max_margin(np.array([[1.0, 0.0], [-1.0, 0.0]]))
