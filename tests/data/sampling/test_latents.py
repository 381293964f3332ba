"""Bootstrapping on latents: the bound against enumeration, the posterior of what is kept, what rounds and draws gain."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp

from allometry.data.sampling.latents import (
    LatentModel,
    bootstrap,
    data_gain,
    draw_latents,
    draw_model,
    elbo,
    learn_proposal,
    resample,
)
from allometry.notices import Refused

STATES, LENGTH, SYMBOLS = 8, 6, 4


@pytest.fixture(scope="module")
def truth() -> LatentModel:
    return draw_model(STATES, LENGTH, SYMBOLS, np.random.default_rng(1))


def test_the_expected_bound_rises_with_the_draws_and_stays_below_the_likelihood() -> None:
    """By enumeration of all draws of three latents, up to six at a time."""
    joint = np.log(np.random.default_rng(0).dirichlet([1, 1, 1])) - 2.0
    proposal = np.array([0.6, 0.3, 0.1])
    weights, expected = joint - np.log(proposal), []
    for draws in range(1, 7):
        chosen = np.array(list(product(range(3), repeat=draws)))
        expected.append(float(np.prod(proposal[chosen], axis=1) @ elbo(weights[chosen])))
    assert (np.diff(expected) > 0).all()
    assert expected[-1] < logsumexp(joint)
    assert logsumexp(joint) - expected[-1] < 0.25 * (logsumexp(joint) - expected[0])


def test_the_bound_goes_to_the_exact_likelihood_as_draws_grow(truth: LatentModel) -> None:
    drawn = np.random.default_rng(2)
    latents, texts = truth.sample(400, drawn)
    proposal = learn_proposal(latents, texts, STATES, SYMBOLS)
    exact = truth.log_likelihood(texts).mean()
    gaps = [
        exact - elbo(draw_latents(texts, truth, proposal, draws, drawn)[1]).mean() for draws in (1, 4, 16, 64, 1024)
    ]
    assert (np.diff(gaps) < 0).all()
    assert gaps[0] > 1
    assert abs(gaps[-1]) < 0.01


def test_what_is_kept_of_64_draws_follows_the_posterior(truth: LatentModel) -> None:
    drawn = np.random.default_rng(3)
    latents, many = truth.sample(400, drawn)
    proposal = learn_proposal(latents, many, STATES, SYMBOLS)
    _, texts = truth.sample(20, drawn)
    repeated = np.repeat(texts, 4000, axis=0)

    def distance(draws: int) -> float:
        """Mean over texts of the total variation between what is kept and the posterior."""
        found, weights = draw_latents(repeated, truth, proposal, draws, drawn)
        kept = np.take_along_axis(found, resample(weights, drawn)[:, None], axis=1).reshape(20, 4000)
        shares = np.stack([(kept == state).mean(1) for state in range(STATES)], axis=1)
        return float(np.abs(shares - truth.posterior(texts)).sum(1).mean() / 2)

    assert distance(64) < 0.05
    assert distance(1) > 0.2


def table_loss(raw: np.ndarray, held_out: np.ndarray) -> float:
    """What a table of all texts, the best of four smoothings, loses on held-out texts, in nats a text."""
    places = SYMBOLS ** np.arange(LENGTH)
    counts = np.bincount(raw @ places, minlength=SYMBOLS**LENGTH)
    return min(
        float(-np.log((counts + one)[held_out @ places] / (counts + one).sum()).mean())
        for one in (0.01, 0.03, 0.1, 0.3)
    )


def test_rounds_and_draws_save_raw_text(truth: LatentModel) -> None:
    """Against a table of whole texts, which needs no latents and comes to the truth with enough of them."""
    drawn, held_out = np.random.default_rng(4), truth.sample(4000, np.random.default_rng(5))[1]
    latents, warm = truth.sample(24, drawn)
    raw = truth.sample(1500, drawn)[1]

    def losses(draws: int) -> list[float]:
        rounds = bootstrap(latents, warm, raw, states=STATES, symbols=SYMBOLS, draws=draws, rounds=3)
        return [float(-one.model.log_likelihood(held_out).mean()) for one in rounds]

    one, many = losses(1), losses(16)
    assert (np.diff(many[:3]) < 0).all()
    assert many[-1] < one[-1] - 0.01
    sizes = [100, 250, 1000, 4000, 16_000, 64_000, 256_000]
    tables = [table_loss(truth.sample(size, drawn)[1], held_out) for size in sizes]
    gains = [data_gain(loss, 1500, sizes, tables) for loss in many]
    assert all(gain is not None for gain in gains)
    assert gains[-1] > gains[1] > gains[0]
    assert gains[-1] > 2.5
    exact = float(-truth.log_likelihood(held_out).mean())
    assert exact < many[-1] < exact + 0.2


def test_bounds_are_told_and_rise_with_the_rounds(truth: LatentModel) -> None:
    latents, warm = truth.sample(24, np.random.default_rng(4))
    raw = truth.sample(1500, np.random.default_rng(6))[1]
    rounds = bootstrap(latents, warm, raw, states=STATES, symbols=SYMBOLS, draws=16)
    assert rounds[0].bound is None
    assert (np.diff([one.bound for one in rounds[1:]]) > 0).all()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: elbo(np.zeros((3, 0))), "one draw or more"),
        (lambda: LatentModel(np.array([0.5, 0.4]), np.full((2, 1, 2), 0.5)), "the prior is no distribution"),
        (lambda: LatentModel(np.ones(1), np.full((2, 1, 2), 0.5)), "do not go together"),
        (lambda: data_gain(1.0, 10, [10, 5], [2, 1]), "sizes must rise"),
        (lambda: bootstrap(np.zeros(1, int), np.zeros((1, 2), int), np.zeros((1, 2), int), states=2, symbols=2, draws=0),
         "0 draws give no latent"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(ask: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        ask()  # type: ignore[operator]


def test_a_loss_beyond_the_curve_has_no_gain() -> None:
    assert data_gain(0.5, 10, [10, 100], [2.0, 1.0]) is None
