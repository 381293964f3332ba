"""A total split over items and steps: closed forms against a solver, and published schedules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from allometry.notices import Refused
from allometry.plans.questions import SCHEDULES, best_shares, efficiency, scheduled, split_budget

positive = st.floats(1e-3, 1e3)


@settings(max_examples=40)
@given(st.lists(st.tuples(positive, st.floats(0.2, 4)), min_size=1, max_size=8), st.floats(1, 1e7))
def test_marginal_gains_are_equal_at_the_best_split(items: list[tuple[float, float]], total: float) -> None:
    need, ease = (np.array(values) for values in zip(*items, strict=True))
    found = best_shares(need, ease, total)
    assert found.sum() == pytest.approx(total, rel=1e-12)
    gains = np.log(need * ease) - (ease + 1) * np.log(found)
    assert gains == pytest.approx(np.full(len(need), gains[0]), abs=1e-7)


def test_the_best_split_beats_any_other_and_has_the_closed_form() -> None:
    """Lin et al. 2025, arXiv 2505.16122: with one exponent b_j is in proportion to c_j**(1/(beta+1))."""
    need = np.array([0.4, 3.0, 11.0, 1.0])
    found = best_shares(need, 1.5, 1000)
    assert found == pytest.approx(1000 * need**0.4 / (need**0.4).sum())
    rival = minimize(
        lambda x: (need / np.exp(x) ** 1.5 * (np.exp(x).sum() / 1000) ** 1.5).sum(), np.zeros(4), tol=1e-12
    )
    assert (need / found**1.5).sum() == pytest.approx(rival.fun, rel=1e-6)


@given(st.integers(5, 100_000), st.lists(positive, min_size=1, max_size=5), st.sampled_from(sorted(SCHEDULES)))
def test_schedules_spend_exactly_the_total(total: int, credits: list[float], name: str) -> None:
    found = scheduled(total, name, credits)
    assert found.sum() == total
    assert found.min() >= 0


def test_schedules_are_the_published_ones() -> None:
    i = np.arange(4.0)
    assert SCHEDULES["linear"](i).tolist() == [4, 3, 2, 1]
    assert SCHEDULES["polynomial"](i).tolist() == [16, 9, 4, 1]
    assert SCHEDULES["exponential"](i) == pytest.approx([1, 0.9, 0.81, 0.729])
    assert SCHEDULES["cosine"](i) == pytest.approx([1.1, 0.85, 0.35, 0.1])
    assert SCHEDULES["cosine"](np.zeros(1)).tolist() == [1]
    assert efficiency(0.8, 400) == pytest.approx(0.8 * (0.8 / 400))


def test_steps_get_of_a_budget_what_their_levels_are_of_all_levels() -> None:
    """Lin et al. 2025, released code: 200, 250, 350, 450, 600 tokens for questions of levels 1 to 5; steps B level / sum."""
    levels = np.array([1, 3, 5, 1])
    for total in (200, 250, 350, 450, 600):
        found = scheduled(total, "uniform", levels)
        assert found.sum() == total
        assert found == pytest.approx(total * levels / levels.sum(), abs=1)


def test_a_split_answers_with_whole_tokens() -> None:
    found = split_budget([3.0, 10.0, 1.0], [1.0, 1.5, 2.0], 4000)
    tokens = [int(row["best, tokens"]) for row in found.rows]
    assert sum(tokens) == 4000
    left = found.figures["uncertainty, best"]
    assert left == min(value for name, value in found.figures.items() if name.startswith("uncertainty"))
    brute = min(3 / a + 10 / b**1.5 + 1 / (4000 - a - b) ** 2 for a in range(2650, 2800) for b in range(1000, 1150))
    assert left == pytest.approx(brute, rel=1e-5)
    for need, ease, total in (([1.0], [1.0], 0), ([1.0, 2.0], [1.0], 10), ([-1.0], [1.0], 10), ([1.0], [0.0], 10)):
        with pytest.raises(Refused):
            split_budget(need, ease, total)
