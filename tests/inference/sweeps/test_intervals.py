"""Intervals of accuracies and differences hold what they say, also at the ends and for problems in groups."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.sweeps import accuracy_interval, difference_interval, problems_to_detect
from allometry.notices import Interval

STUDIES = 800


def within(found: Interval, truth: float) -> bool:
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


@pytest.mark.parametrize(
    ("mean", "groups", "size", "seeds"), [(0.02, 100, 1, 1), (0.3, 60, 1, 3), (0.5, 25, 8, 1), (0.97, 40, 4, 2)]
)
def test_an_accuracy_lies_within_its_interval(mean: float, groups: int, size: int, seeds: int) -> None:
    """Problems of a group share a success rate, and each is run with some seeds: of 90% intervals 87% or more hold."""
    rng, held = np.random.default_rng(3), 0
    of_whom = np.repeat([str(i) for i in range(groups)], size * seeds)
    spread = 0.3 if size * seeds > 1 else 1e-6
    one, other = mean * (1 - spread) / spread, (1 - mean) * (1 - spread) / spread
    for _ in range(STUDIES):
        rates = np.repeat(rng.beta(one, other, groups), size * seeds)
        held += within(accuracy_interval((rng.random(len(rates)) < rates).astype(float), of_whom), mean)
    assert 0.87 <= held / STUDIES <= 0.99


@pytest.mark.parametrize(
    ("ours", "theirs", "agree", "problems"), [(0.5, 0.5, 0.8, 60), (0.32, 0.3, 0.9, 200), (0.9, 0.6, 0.3, 40)]
)
def test_a_difference_lies_within_its_interval(ours: float, theirs: float, agree: float, problems: int) -> None:
    """Two strategies that meet the same luck on a share of the problems."""
    rng, held = np.random.default_rng(4), 0
    names = [str(i) for i in range(problems)]
    groups = dict(zip(names, names, strict=True))
    for _ in range(STUDIES):
        luck = rng.random((2, problems))
        luck[1] = np.where(rng.random(problems) < agree, luck[0], luck[1])
        right = [
            dict(zip(names, (row < p).astype(float), strict=True)) for row, p in zip(luck, (ours, theirs), strict=True)
        ]
        held += within(difference_interval(right[0], right[1], groups), ours - theirs)
    assert 0.87 <= held / STUDIES <= 0.99


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("abcde")), min_size=1, max_size=30))
def test_an_interval_holds_its_mean_and_stays_between_the_ends(grades: list[tuple[float, str]]) -> None:
    found = accuracy_interval([grade for grade, _ in grades], [group for _, group in grades])
    if len({group for _, group in grades}) < 2:
        assert found.low is None
        assert "one group" in found.why
    else:
        assert found.low is not None and found.high is not None and found.value is not None  # noqa: PT018
        assert 0 <= found.low <= found.value + 1e-9
        assert found.value - 1e-9 <= found.high <= 1


def test_groups_widen_an_interval_whose_problems_are_alike() -> None:
    grades = [float(i % 2) for i in range(10) for _ in range(20)]
    apart = accuracy_interval(grades, [str(i) for i in range(200)])
    together = accuracy_interval(grades, [str(i // 20) for i in range(200)])
    assert apart.high is not None and together.high is not None  # noqa: PT018
    assert together.high - 0.5 > 4 * (apart.high - 0.5)


def test_nothing_in_common_has_no_difference() -> None:
    found = difference_interval({"a": 1.0}, {"b": 1.0}, {"a": "a", "b": "b"})
    assert (found.value, found.why) == (None, "they have no problem in common")


def test_so_many_problems_do_tell_a_difference() -> None:
    """At the number that is asked for, 80% of studies find a difference of 10 points at the 90% level."""
    count = problems_to_detect(0.1, discordant=0.3)
    rng = np.random.default_rng(5)
    won, lost = rng.multinomial(count, [0.2, 0.1, 0.7], size=4000).T[:2]
    found = (won - lost) / np.sqrt(won + lost) > 1.6448536
    assert found.mean() == pytest.approx(0.8, abs=0.02)
