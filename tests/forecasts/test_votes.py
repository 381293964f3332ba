"""Votes over more samples than were drawn: planted chances, hand cases, and answers that cannot be counted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from allometry.forecasts import Votes, votes_of
from allometry.notices import Refused

FAR = 301


def voted(chances: np.ndarray, samples: int, drawn: np.random.Generator) -> Votes:
    right = drawn.random((len(chances), samples)) < chances[:, None]
    names = np.repeat(np.arange(len(chances)), samples).tolist()
    return votes_of(names, right.ravel().astype(int).tolist(), right.ravel().tolist(), bootstrap=200)


@pytest.mark.parametrize("shape", [(2.0, 1.0), (0.7, 0.5), (12.0, 10.0)])
def test_ten_times_the_samples_and_the_floor_lie_in_their_intervals(shape: tuple[float, float]) -> None:
    every = np.random.default_rng(9).beta(*shape, 200_000)
    truth, floor = binom.cdf(FAR // 2, FAR, every).mean(), (every < 0.5).mean()
    held = np.zeros(2)
    for seed in range(8):
        drawn = np.random.default_rng([seed, 8])
        found = voted(drawn.beta(*shape, 120), 31, drawn)
        told = (found.error(FAR), found.floor)
        held += [(one.low or 0) <= value <= (one.high or 0) for one, value in zip(told, (truth, floor), strict=True)]
        assert found.errors[0] >= found.errors[-1] - 0.02
    # of 8 at 90%: fewer than 5 would be rarer than 1 in 180
    assert (held >= 5).all()


def test_measured_errors_are_exact_over_subsets() -> None:
    """Of 9 samples 6 are right: three of them vote wrong in 19 of 84 subsets."""
    rows = [(problem, i < 6) for problem in range(400) for i in range(9)]
    found = votes_of([p for p, _ in rows], [str(r) for _, r in rows], [r for _, r in rows], bootstrap=10)
    assert found.errors[0] == pytest.approx(19 / 84, abs=0.005)
    assert found.errors[-1] == 0


def test_where_votes_stop_paying_is_the_error_turned_round() -> None:
    drawn = np.random.default_rng(1)
    found = voted(drawn.beta(12, 10, 200), 31, drawn)
    needed = found.samples_to(0.01)
    assert needed.value is not None
    assert found.floor.value is not None
    assert found.error(max(needed.value, 3)).value == pytest.approx(found.floor.value + 0.01, abs=1e-6)
    assert 0.5 <= (found.power.low or 0) <= (found.power.high or 0) <= 2


def test_an_answer_that_is_none_votes_for_nothing_and_none_right_is_an_error() -> None:
    found = votes_of([p for p in range(6) for _ in range(8)], [None] * 48, [False] * 48, bootstrap=10)
    assert found.errors.tolist() == [1.0] * len(found.errors)
    assert found.floor.value == 1


@pytest.mark.parametrize(
    ("problems", "answers", "correct", "said"),
    [
        ([p for p in range(4) for _ in range(8)], ["a"] * 32, [1] * 32, "4 problems of 8"),
        ([p for p in range(6) for _ in range(4)], ["a"] * 24, [1] * 24, "of 4 to 4"),
        ([*(p for p in range(6) for _ in range(8)), 5], ["a"] * 49, [1] * 49, "of 8 to 9"),
        ([p for p in range(6) for _ in range(8)], ["a"] * 48, [0, 1] * 24, "both right and wrong"),
        ([p for p in range(6) for _ in range(8)], ["a", "b"] * 24, [1] * 48, "several right answers"),
        ([], [], [], "0 problems"),
    ],
)
def test_answers_that_cannot_be_counted_are_refused(
    problems: list[int], answers: list[str], correct: list[float], said: str
) -> None:
    with pytest.raises(Refused, match=said):
        votes_of(problems, answers, correct)


def test_questions_that_cannot_be_are_refused() -> None:
    found = votes_of([p for p in range(6) for _ in range(8)], ["a"] * 48, [1] * 48, bootstrap=10)
    with pytest.raises(Refused, match="cannot be told"):
        found.error(1)
    with pytest.raises(Refused, match="no error to come near"):
        found.samples_to(0.0)
