"""The chain from log-probabilities to accuracy: by hand, and on a simulated ladder where it loses its order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from allometry.fits import Settings, fit
from allometry.notices import Refused
from allometry.runs import Rows, choice_stages, compute_correlations, correlation_summary

FLOPS = np.geomspace(1e18, 1e23, 9)


@pytest.fixture(scope="module")
def ladder() -> tuple[np.ndarray, np.ndarray]:
    """Log-probabilities (9, 600, 4): every choice of every question has a power law of its own, the right one's steepest."""
    generator = np.random.default_rng(0)
    shape = (1, 600, 4)
    size, floor = np.exp(generator.normal(1.6, 0.3, shape)), generator.uniform(0.3, 2.5, shape)
    exponent = np.abs(generator.normal(0.06, 0.03, shape))
    correct = generator.integers(0, 4, 600)
    steep = np.take_along_axis(exponent, correct[None, :, None], axis=2)
    np.put_along_axis(exponent, correct[None, :, None], steep + 0.1, axis=2)
    loss = floor + size * (FLOPS[:, None, None] / 1e18) ** -exponent
    return -loss * np.exp(0.03 * generator.standard_normal(loss.shape)), correct


def test_stages_by_hand() -> None:
    logs = np.log([[[0.02, 0.01, 0.01], [0.1, 0.3, 0.1]], [[0.3, 0.3, 0.1], [0.2, 0.1, 0.1]]])
    found = choice_stages(logs, [0, 1])
    np.testing.assert_allclose(found.p_vocab, [[0.02, 0.3], [0.3, 0.1]])
    np.testing.assert_allclose(found.p_choices, [[0.5, 0.6], [3 / 7, 0.25]])
    np.testing.assert_allclose(found.brier[0], [0.25 + 2 / 16, 0.16 + 0.08])
    np.testing.assert_allclose(found.accuracy, [[1.0, 1.0], [0.5, 0.0]])


def test_a_share_above_one_half_is_always_right_and_below_hangs_on_the_others(ladder) -> None:
    found = choice_stages(*ladder)
    assert (found.accuracy[found.p_choices > 0.5] == 1).all()
    below = found.accuracy[(found.p_choices > 0.3) & (found.p_choices < 0.45)]
    assert 0.05 < below.mean() < 0.95


def test_answers_too_long_for_a_probability_keep_their_shares() -> None:
    found = choice_stages([[[-2000.0, -2001.0]]], [0])
    assert found.p_vocab[0, 0] == 0.0
    assert found.p_choices[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_a_missing_choice_has_no_share() -> None:
    found = choice_stages([[[np.log(0.2), np.log(0.2), -np.inf]]], [1])
    assert found.p_choices[0, 0] == pytest.approx(0.5)
    assert found.accuracy[0, 0] == 0.5


@pytest.mark.parametrize("method", ["pearson", "spearman", "kendall"])
def test_every_stage_follows_compute_less_than_the_one_before(ladder, method: str) -> None:
    scores = choice_stages(*ladder).scores()
    found = correlation_summary({name: compute_correlations(score, FLOPS, method) for name, score in scores.items()})
    mean = {name: summary["mean"] for name, summary in found.items()}
    assert mean["log_p_vocab"] > mean["p_choices"] + 0.02
    assert mean["p_choices"] >= mean["minus_brier"] - 0.02
    assert mean["minus_brier"] > mean["accuracy"] + 0.02
    above = [found[name]["share_above"] for name in ("log_p_vocab", "p_choices", "accuracy")]
    assert above == sorted(above, reverse=True)
    if method != "pearson":
        assert mean["p_vocab"] == pytest.approx(mean["log_p_vocab"], abs=1e-12)
    assert found["accuracy"]["undefined"] > found["log_p_vocab"]["undefined"] == 0.0


def test_the_fall_is_due_to_the_wrong_choices(ladder) -> None:
    """Wrong choices that stand still leave the order of the models as the correct one's probability has it."""
    logs, correct = ladder
    still = np.broadcast_to(logs[:1], logs.shape).copy()
    np.put_along_axis(still, np.broadcast_to(correct[None, :, None], (9, 600, 1)),
                      np.take_along_axis(logs, np.broadcast_to(correct[None, :, None], (9, 600, 1)), axis=2), axis=2)  # fmt: skip
    found = choice_stages(still, correct)
    first = compute_correlations(found.log_p_vocab, FLOPS)
    np.testing.assert_allclose(compute_correlations(found.p_choices, FLOPS), first, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "reference"), [("pearson", pearsonr), ("spearman", spearmanr), ("kendall", kendalltau)]
)
def test_correlations_are_those_of_scipy(ladder, method: str, reference) -> None:
    scores = choice_stages(*ladder).accuracy[:, :60] + np.round(choice_stages(*ladder).p_choices[:, :60], 1)
    ours = compute_correlations(scores, FLOPS, method)
    for column, found in zip(scores.T, ours, strict=True):
        if np.ptp(column) > 0:
            assert found == pytest.approx(reference(np.log(FLOPS), column).statistic, abs=1e-12)
        else:
            assert np.isnan(found)


def test_the_law_of_the_correct_choice_extrapolates_where_the_simulator_has_it() -> None:
    generator = np.random.default_rng(2)
    loss = 1.0 + 2.5 * (np.geomspace(1e18, 1e23, 16) / 1e18) ** -0.2
    rows = Rows({"flops": np.geomspace(1e18, 1e23, 16)}, loss * np.exp(0.005 * generator.standard_normal(16)), "loss")
    found = fit(rows, "correct_log_likelihood", Settings(bootstrap=0))
    assert found.predict({"flops": [1e24]})[0] == pytest.approx(1.0 + 2.5 * 1e6**-0.2, rel=0.03)


@pytest.mark.parametrize(
    ("logs", "correct", "match"),
    [
        (np.zeros((2, 3)), [0, 0, 0], "do not go with"),
        (np.full((2, 1, 3), -1.0), [0, 1], "do not go with"),
        (np.full((2, 1, 3), -1.0), [3], "no choice 3"),
        (np.full((2, 1, 3), 0.1), [0], "above 0"),
        (np.full((2, 1, 3), np.nan), [0], "not a number"),
        (np.array([[[-np.inf, -1.0]]]), [0], "no probability"),
    ],
)
def test_bad_choices_are_refused(logs: np.ndarray, correct: list[int], match: str) -> None:
    with pytest.raises(Refused, match=match):
        choice_stages(logs, correct)


def test_bad_scores_are_refused() -> None:
    for score, flops, method, match in (
        (np.zeros((3, 2)), [1e18, 1e19], "spearman", "do not go with"),
        (np.zeros((3, 2)), [1e18, 1e18, 1e19], "spearman", "fewer than 3"),
        (np.zeros((3, 2)), [1e18, -1.0, 1e19], "spearman", "not positive"),
        (np.zeros((3, 2)), [1e18, 1e19, 1e20], "cosine", "cosine"),
        (np.full((3, 2), np.nan), [1e18, 1e19, 1e20], "pearson", "finite"),
    ):
        with pytest.raises(Refused, match=match):
            compute_correlations(score, flops, method)
    with pytest.raises(Refused, match="the same for every model"):
        correlation_summary({"accuracy": np.full(4, np.nan)})
