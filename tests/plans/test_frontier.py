"""Equivalent compute: interpolated shares of a budget against the least FLOPs found by a root."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.laws import find_law
from allometry.plans.allocation import best_split
from allometry.plans.frontier import Frontier, equivalent_share, frontier
from allometry.plans.terms import Terms, space_of

BUDGET = 5.76e23
EPOCH = {"E": 1.81722, "A": 477.83, "alpha": 0.34731, "B": 2143.4, "beta": 0.36717}
LAW = find_law("chinchilla")
ESTIMATE = np.array([[EPOCH[name] for name in LAW.parameter_names]])
DRAWS = ESTIMATE * np.exp(0.02 * np.random.default_rng(0).normal(size=(40, 5)))


def losses(limits: dict[str, object], shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best loss (B,) of the draws at the budget, and (B, k) at shares of it."""
    space = space_of(LAW, Terms(flops=BUDGET, **limits))  # type: ignore[arg-type]
    found = np.stack([best_split(LAW, DRAWS, BUDGET * share, space).loss for share in (1.0, *shares)], axis=1)
    return found[:, 0], found[:, 1:]


@pytest.mark.parametrize(
    ("limits", "within"),
    [
        ({}, 2e-3),
        ({"at_most": {"params": 30e9}}, 6e-3),
        ({"fixed": {"tokens": 3e12}}, 6e-3),
        # the wasted share is off by 0.2% of the budget at most beside the kinks where the best option changes
        ({"among": {"params": [1e9, 5e9, 3e10, 1e11]}}, 0.2),
    ],
)
def test_a_share_reads_back_the_budget_of_its_loss(limits: dict[str, object], within: float) -> None:
    shares = np.array([0.999, 0.98, 0.9, 0.7, 0.4, 0.15, 0.03, 0.002])
    best, had = losses(limits, shares)
    space = space_of(LAW, Terms(flops=BUDGET, **limits))  # type: ignore[arg-type]
    known = frontier(LAW, DRAWS, np.full(40, BUDGET), best, space, had.max(axis=1))
    np.testing.assert_allclose(1 - known.share(had), np.tile(1 - shares, (40, 1)), rtol=within, atol=3e-3)
    assert np.all(np.diff(known.share(had), axis=1) < 0)


@pytest.mark.parametrize("share", [0.999, 0.7, 0.15, 0.002])
def test_one_mend_makes_it_exact(share: float) -> None:
    best, had = losses({}, np.array([share]))
    space = space_of(LAW, Terms(flops=BUDGET))
    found = equivalent_share(LAW, DRAWS, np.full(40, BUDGET), best, space, had[:, 0])
    np.testing.assert_allclose(1 - found, 1 - share, rtol=1e-5)


def test_nothing_lost_is_all_of_the_budget() -> None:
    best, _ = losses({}, np.array([0.5]))
    space = space_of(LAW, Terms(flops=BUDGET))
    assert np.all(equivalent_share(LAW, DRAWS, np.full(40, BUDGET), best, space, best) == 1.0)
    assert np.all(equivalent_share(LAW, DRAWS, np.full(40, BUDGET), best, space, best - 0.1) == 1.0)


def test_a_loss_above_all_that_is_known_wastes_nearly_all() -> None:
    best, _ = losses({}, np.array([0.5]))
    known = frontier(LAW, DRAWS, np.full(40, BUDGET), best, space_of(LAW, Terms(flops=BUDGET)), best + 50)
    np.testing.assert_allclose(known.share(best[:, None] + 50), 1e-4)
    assert np.all(np.isnan(known.share(np.full((40, 1), np.nan))))


def test_limits_from_below_end_the_frontier() -> None:
    # at least 1e11 parameters and 6e11 tokens take 3.6e23 FLOPs: no plan that keeps them has less
    limits = {"at_least": {"params": 1e11, "tokens": 6e11}}
    best, _ = losses(limits, np.array([0.9]))
    space = space_of(LAW, Terms(flops=BUDGET, **limits))  # type: ignore[arg-type]
    known = frontier(LAW, DRAWS, np.full(40, BUDGET), best, space, best + 1)
    np.testing.assert_allclose(known.share(best[:, None] + 1), 0.625, rtol=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(1e-3, 2.0), min_size=2, max_size=7), st.lists(st.floats(1e-3, 2.0), min_size=7, max_size=7))
def test_the_interpolation_never_turns_back(down: list[float], up: list[float]) -> None:
    y = -np.concatenate([[0.0], np.cumsum(down)])
    x = np.concatenate([[2.0], 2.0 + np.cumsum(up[: len(down)])])
    between = Frontier(y[None], x[None]).share(np.linspace(x[0], x[-1], 200)[None])[0]
    assert np.all(np.diff(between) <= 1e-12)
    np.testing.assert_allclose(Frontier(y[None], x[None]).share(x[None])[0], np.exp(y), rtol=1e-9)
