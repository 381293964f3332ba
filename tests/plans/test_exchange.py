"""Train bigger or think longer: samples of a smaller model against a larger one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allometry.fits import Fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import exchange, exchange_rate

COVERAGE = find_law("coverage")


@pytest.mark.parametrize(("ratio", "times"), [(0.16, 257.75), (0.79, 63.37), (22, 15.77)])
def test_fourteen_times_larger_as_published(ratio: float, times: float) -> None:
    """Snell et al. 2024, arXiv 2408.03314: what a 14 times smaller model may spend at three ratios of tokens."""
    assert exchange_rate(14, ratio) == pytest.approx(times, abs=0.005)


@pytest.mark.parametrize("served", [1e10, 1e12, 1e15])
def test_costs_are_equal_at_the_rate_and_at_break_even(known: Callable[..., Fit], served: float) -> None:
    size, data, larger = 1e9, 1e12, 8.0
    rate = exchange_rate(larger, served / data)
    assert larger * (6 * size * data + 2 * size * served) == pytest.approx(6 * size * data + 2 * size * rate * served)
    small, large = (known(COVERAGE, {"a": a, "b": 0.5}, draws=0) for a in (3.0, 1.0))
    found = exchange(small, large, larger=larger, tokens=data, inference_tokens=served)
    assert found.times.value == pytest.approx(9.0)  # 3 k**-0.5 = 1
    even = found.break_even.value
    assert even is not None
    assert larger * (6 * data + 2 * even) == pytest.approx(6 * data + 2 * 9 * even)
    assert found.longer == (served <= even)


def test_draws_say_how_certain_it_is(known: Callable[..., Fit]) -> None:
    small, large = (known(COVERAGE, {"a": a, "b": 0.5}, spread=0.02, seed=int(a)) for a in (3.0, 1.0))
    found = exchange(small, large, larger=8, tokens=1e12, inference_tokens=1e12)
    assert found.times.low is not None
    assert found.times.high is not None
    assert found.times.low < 9 < found.times.high < found.affordable
    assert found.share == 1.0
    assert "100% of the draws" in found.sentence
    ratio = np.log(small.draws[:, 0] / large.draws[::-1, 0]) / small.draws[:, 1]
    assert np.exp(np.quantile(ratio, [0.05, 0.95])) == pytest.approx([found.times.low, found.times.high], rel=1e-6)


def test_what_is_never_matched_is_trained_bigger(known: Callable[..., Fit]) -> None:
    law = find_law("saturation")
    weak, strong = (known(law, {"F_max": top, "p": 0.5}, draws=0) for top in (0.3, 0.9))
    found = exchange(weak, strong, larger=2, tokens=1e12, inference_tokens=1e9)
    assert found.times.value is None
    assert not found.longer
    assert found.sentence.startswith("train bigger: the smaller never has the accuracy 0.45")
    assert exchange(strong, weak, larger=2, tokens=1e12, inference_tokens=1e9).times.value == 1.0


def test_bad_numbers_and_laws_are_refused(known: Callable[..., Fit]) -> None:
    one = known(COVERAGE, {"a": 3.0, "b": 0.5}, draws=0)
    other = known(find_law("chinchilla"), {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 400.0, "beta": 0.28}, draws=0)
    for call in (
        lambda: exchange(one, other, larger=8, tokens=1e12, inference_tokens=1e12),
        lambda: exchange(one, one, larger=0.5, tokens=1e12, inference_tokens=1e12),
        lambda: exchange(one, one, larger=8, tokens=1e12, inference_tokens=-1.0),
    ):
        with pytest.raises(Refused):
            call()
