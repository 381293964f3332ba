"""Selectors against a scorer: planted rates, ceilings and harmful numbers of samples are found again."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from allometry.inference.sweeps import Graded, best_of_curves, ceiling, graded, reliability, selector_errors
from allometry.inference.sweeps.selectors import accuracy_of_best
from allometry.notices import Interval, Refused

SAMPLES = 64


def planted(rng: np.random.Generator, problems: int = 80, samples: int = SAMPLES) -> tuple[NDArray, list[str], NDArray]:
    """Chances of problems, and samples that are right with them."""
    chances = rng.beta(2, 3, problems)
    return (
        chances,
        [f"{i}" for i in range(problems) for _ in range(samples)],
        (rng.random((problems, samples)) < chances[:, None]).ravel(),
    )


def judged(rng: np.random.Generator, right: NDArray, wrong_accepted: float, right_rejected: float) -> NDArray:
    return np.where(rng.random(len(right)) < np.where(right, right_rejected, wrong_accepted), ~right, right)


def holds(found: Interval, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def test_planted_rates_and_the_ceiling_they_mean_are_held_at_the_stated_rate() -> None:
    false_positives, false_negatives, held = 0.1, 0.25, np.zeros(3)
    draws = 40
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        _, problems, right = planted(rng)
        found = selector_errors(
            graded(problems, judged(rng, right, false_positives, false_negatives), right), level=0.9
        )
        # of further problems of the kind: the mean over their spread of chances
        many = np.random.default_rng(0).beta(2, 3, 200_000)
        truth = ceiling(many, false_positives, false_negatives).mean()
        held += [holds(found.false_positives, false_positives), holds(found.false_negatives, false_negatives),
                 holds(found.ceiling, truth)]  # fmt: skip
    assert (held / draws >= 0.8).all()


def test_the_ceiling_is_the_exact_formula_problem_by_problem() -> None:
    rng = np.random.default_rng(1)
    _, problems, right = planted(rng, 12)
    found = selector_errors(graded(problems, judged(rng, right, 0.1, 0.3), right))
    f, m = found.false_positives.value, found.false_negatives.value
    for one in found.problems:
        p = one.right / (one.right + one.wrong)
        assert one.ceiling == pytest.approx(p * (1 - m) / (p * (1 - m) + (1 - p) * f))
    assert found.ceiling.value == pytest.approx(np.mean([one.ceiling for one in found.problems]))


def test_a_problems_own_ceiling_is_the_share_of_right_ones_among_the_accepted() -> None:
    found = selector_errors(graded("aaaabbbb", [1, 1, 1, 0, 1, 1, 0, 0], [1, 1, 0, 0, 1, 0, 0, 0]))
    assert found.own_ceiling.value == pytest.approx((2 / 3 + 1 / 2) / 2)


@pytest.mark.parametrize(("wrong", "missed"), [(0.1, 0.2), (0.0, 0.5), (0.6, 0.1)])
def test_the_accuracy_of_the_first_accepted_tends_to_the_ceiling_and_is_what_samples_show(
    wrong: float, missed: float
) -> None:
    assert accuracy_of_best(0.3, wrong, missed, 1).item() == pytest.approx(0.3)
    assert accuracy_of_best(0.3, wrong, missed, 10_000).item() == pytest.approx(ceiling(0.3, wrong, missed).item())
    rng = np.random.default_rng(3)
    right = rng.random(400 * 16) < 0.3
    problems = np.repeat(np.arange(400), 16)
    rows = best_of_curves(graded(problems, judged(rng, right, wrong, missed), right), [4, 16]).rows
    for row in rows:
        truth = accuracy_of_best(0.3, wrong, missed, row.samples).item()
        assert row.selector.value == pytest.approx(truth, abs=0.05)


def test_what_is_never_accepted_leaves_any_sample() -> None:
    assert ceiling(0.3, 0.0, 1.0).item() == 0.3
    assert ceiling([0.0, 1.0], 0.0, 0.0).tolist() == [0.0, 1.0]
    assert ceiling(0.0, 0.2, 0.0).item() == 0.0


def test_curves_are_the_mean_over_all_ways_to_draw() -> None:
    scores, right = np.array([3, 1, 2, 2, 0.0]), np.array([0, 1, 1, 0, 1])
    rows = best_of_curves(graded(["a"] * 5 + ["b"] * 5, [*scores, *scores], [*right, *right]), [1, 2, 3, 4, 5]).rows

    def best(drawn: tuple[int, ...]) -> float:
        top = max(scores[i] for i in drawn)
        return float(np.mean([right[i] for i in drawn if scores[i] == top]))

    for row in rows:
        ways = list(combinations(range(5), row.samples))
        assert row.selector.value == pytest.approx(np.mean([best(drawn) for drawn in ways]))
        assert row.oracle.value == pytest.approx(np.mean([max(right[i] for i in drawn) for drawn in ways]))


def test_a_majority_is_counted_as_votes_are() -> None:
    votes = ["x", "x", "y", None]
    found = best_of_curves(graded(["a"] * 4 + ["b"] * 4, [0.5] * 8, [1, 1, 0, 0] * 2, vote=votes * 2), [1, 4])
    first, last = found.rows
    assert last.majority is not None
    assert first.majority is not None
    assert last.majority.value == 1
    assert first.majority.value == pytest.approx(0.5, abs=0.1)


def heavy_tailed(rng: np.random.Generator, problems: int = 150, tail: float = 0.05) -> Graded:
    """Right samples score higher as a rule; a twentieth of the wrong ones score highest of all."""
    _, names, right = planted(rng, problems)
    scores = np.where(right, 0.6, 0.3) + 0.1 * rng.standard_normal(len(right))
    scores[~right & (rng.random(len(right)) < tail)] = 2.0
    return graded(names, scores, right)


def test_the_harmful_number_of_a_planted_verifier_is_found() -> None:
    rng = np.random.default_rng(1)
    # the truth: many samples of many problems, once
    truth = best_of_curves(heavy_tailed(rng, 1200)).peak.samples.value
    assert truth in (4, 8)
    found = [best_of_curves(heavy_tailed(np.random.default_rng(seed))).peak for seed in range(6)]
    assert all(peak.hurts and holds(peak.samples, truth) for peak in found)
    assert all(peak.loss.high is not None and peak.loss.high < 0 for peak in found)


def test_a_perfect_verifier_never_hurts_and_has_no_ceiling() -> None:
    for seed in range(20):
        _, problems, right = planted(np.random.default_rng(seed), 40)
        found = selector_errors(graded(problems, right, right))
        assert (found.false_positives.value, found.false_negatives.value) == (0, 0)
        assert found.best_of is not None
        assert not found.best_of.peak.hurts
        assert found.best_of.peak.samples.value == SAMPLES
        assert found.best_of.peak.samples.high is None
        solved = np.mean([one.right > 0 for one in found.problems])
        assert found.ceiling.value == found.own_ceiling.value == pytest.approx(solved)


def test_a_selector_that_knows_nothing_is_seldom_taken_for_harmful() -> None:
    taken = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        _, problems, right = planted(rng, 40, 16)
        taken += best_of_curves(graded(problems, rng.random(len(right)), right)).peak.hurts
    assert taken <= 5


def test_chances_that_are_true_are_found_calibrated_and_others_not() -> None:
    rng = np.random.default_rng(5)
    scores = rng.random(4000)
    right = rng.random(4000) < scores
    true = reliability(graded(range(4000), scores, right))
    assert true.ece < 2 * true.ece_by_chance
    assert sum(holds(each.right, each.score) for each in true.bins) >= 8
    bold = reliability(graded(range(4000), np.round(scores), right))
    assert bold.ece > 5 * bold.ece_by_chance
    assert bold.brier.value > true.brier.value
    assert true.auc == pytest.approx(5 / 6, abs=0.03)  # of uniform chances


def test_groups_widen_what_is_known() -> None:
    rng = np.random.default_rng(2)
    _, problems, right = planted(rng, 60, 8)
    accepted = judged(rng, right, 0.2, 0.2)
    groups = [f"{int(name) // 6}" for name in problems]
    alone, together = (selector_errors(graded(problems, accepted, right, group=g)).ceiling for g in (None, groups))
    assert together.high - together.low > alone.high - alone.low


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ((["a", "a"], [0.1], [1, 0]), "bad-samples"),
        (([], [], []), "bad-samples"),
        ((["a", "a"], [0.1, np.nan], [1, 0]), "bad-samples"),
        ((["a", "a"], [0.1, 0.2], [1, 0.5]), "bad-samples"),
        ((["a", "a"], [0.1, 3.0], [1, 0]), "no-threshold"),
    ],
)
def test_what_cannot_be_graded_is_refused(columns: tuple[list, list, list], code: str) -> None:
    with pytest.raises(Refused) as refused:
        selector_errors(graded(*columns))
    assert refused.value.code == code


def test_one_sample_of_a_problem_leaves_the_rates_and_no_curve() -> None:
    found = selector_errors(graded(range(30), [1, 0, 0] * 10, [1, 0, 1] * 10))
    assert found.best_of is None
    assert found.false_negatives.value == 0.5
    with pytest.raises(Refused, match="only one sample"):
        best_of_curves(graded("ab", [1, 0], [1, 0]))


def test_few_problems_leave_the_harm_open() -> None:
    found = best_of_curves(graded("aabb", [1, 0, 1, 0], [0, 1, 0, 1]))
    assert not found.peak.hurts
    assert "fewer than" in found.sentence


def test_rates_without_samples_to_err_on_are_none() -> None:
    found = selector_errors(graded("aabb", [1, 1, 1, 0], [1, 1, 1, 1]))
    assert found.false_positives == Interval(None, why="no sample is wrong")
    assert found.ceiling.value == 1
