"""Sizes averaged over training against integrals, sums over steps and the cards of public pruned models."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.costs import average_params, pruning_schedule, rule_flops
from allometry.notices import Refused

LINEAR = 1.14  # billions of linear parameters of the dense model, as the cards print
CARDS = [  # sparsity, steps, first and last step of pruning, mean size and size left in billions, as the cards print
    (0.2, 11200, 2500, 8100, 1.02, 0.91),
    (0.4, 13050, 2500, 8875, 0.87, 0.68),
    (0.6, 16375, 2500, 10100, 0.69, 0.46),
]


@pytest.mark.parametrize(("sparsity", "steps", "first", "last", "mean", "left"), CARDS)
def test_public_pruned_models_have_the_mean_size_of_a_geometric_ramp(
    sparsity: float, steps: int, first: int, last: int, mean: float, left: float
) -> None:
    pieces = pruning_schedule(LINEAR, sparsity, start=first / steps, end=last / steps, ramp="geometric")
    # the dense size and the mean are both rounded to .01
    assert average_params(pieces) == pytest.approx(mean, abs=0.0085)
    assert pieces[-1][1] == pytest.approx(left, abs=0.005)


@pytest.mark.parametrize(("card", "density"), [(CARDS[0], 0.8919), (CARDS[1], 0.7651)])
def test_the_mean_density_the_cards_print_is_met_to_a_thousandth_and_not_by_the_cubic_ramp(
    card: tuple[float, ...], density: float
) -> None:
    sparsity, steps, first, last = card[:4]
    means = {
        ramp: average_params(pruning_schedule(1.0, sparsity, start=first / steps, end=last / steps, ramp=ramp))
        for ramp in ("geometric", "cubic")
    }
    assert means["geometric"] == pytest.approx(density, abs=0.001)
    assert means["cubic"] < density - 0.02


def test_ramps_average_to_their_integrals() -> None:
    cubic = average_params(pruning_schedule(1.0, 0.6, start=0.2, end=0.8))
    assert cubic == pytest.approx(1 - 0.6 * (0.6 * 3 / 4 + 0.2), abs=1e-6)
    geometric = average_params(pruning_schedule(1.0, 0.6, start=0.2, end=0.8, ramp="geometric"))
    assert geometric == pytest.approx(0.2 + 0.6 * 0.6 / -np.log(0.4) + 0.2 * 0.4, abs=1e-6)


def test_flops_of_the_average_are_the_sum_over_steps() -> None:
    sizes = np.linspace(1e9, 4e8, 500)
    tokens = np.full(500, 2e6)
    whole = average_params(zip(tokens, sizes, strict=True))
    assert rule_flops(whole, tokens.sum()) == pytest.approx(float(np.sum(rule_flops(sizes, tokens))), rel=1e-12)


def test_dense_training_keeps_its_size_and_sudden_pruning_is_two_pieces() -> None:
    assert average_params(pruning_schedule(3e8, 0.0)) == pytest.approx(3e8)
    assert average_params(pruning_schedule(3e8, 0.5, start=0.5, end=0.5)) == pytest.approx(2.25e8)


@pytest.mark.parametrize("pieces", [[], [(0.0, 1e9)], [(1.0, -1.0)], [(-1.0, 1e9)], [(1.0, float("nan"))]])
def test_pieces_without_meaning_are_refused(pieces: list[tuple[float, float]]) -> None:
    with pytest.raises(Refused):
        average_params(pieces)


@pytest.mark.parametrize(
    "arguments", [{"sparsity": 1.0}, {"sparsity": -0.1}, {"start": 0.8, "end": 0.2}, {"end": 1.2}, {"ramp": "linear"}]
)
def test_schedules_out_of_order_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(Refused):
        pruning_schedule(1e9, **{"sparsity": 0.5, **arguments})  # type: ignore[arg-type]
