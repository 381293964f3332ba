"""Interleaving: the ratio to the token, Poisson lengths, uniform places, the text back again, hours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, poisson

from allometry.data.sampling.interleaving import draw_spans, interleave, speech_hours
from allometry.notices import Refused


@given(length=st.integers(1, 400), ratio=st.floats(0, 0.6), mean=st.floats(2, 20), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_spans_meet_the_ratio_and_stay_apart(length: int, ratio: float, mean: float, seed: int) -> None:
    try:
        spans = draw_spans(length, np.random.default_rng(seed), ratio=ratio, mean_length=mean)
    except Refused:  # short texts may have no room
        assume(False)
    assert (spans[:, 1] - spans[:, 0]).sum() == round(ratio * length)
    assert (spans[:, 1] > spans[:, 0]).all()
    assert (spans[1:, 0] > spans[:-1, 1]).all()
    assert not len(spans) or (spans[0, 0] >= 0 and spans[-1, 1] <= length)


def test_lengths_are_poisson() -> None:
    spans = draw_spans(200_000, np.random.default_rng(0), ratio=0.3, mean_length=5)
    lengths = (spans[:, 1] - spans[:, 0])[:-1]
    expected = poisson.pmf(np.arange(1, 13), 5) / (1 - poisson.pmf(0, 5))
    seen = np.bincount(lengths, minlength=13)[1:13]
    assert chisquare(seen, expected / expected.sum() * seen.sum()).pvalue > 0.001
    assert lengths.mean() == pytest.approx(5 / (1 - np.exp(-5)), rel=0.02)


def test_every_way_to_place_spans_is_as_likely() -> None:
    """Two tokens of four, in spans of one: three ways."""
    drawn = np.random.default_rng(0)
    ways: dict[tuple[int, ...], int] = {}
    for _ in range(3000):
        spans = draw_spans(4, drawn, ratio=0.5, mean_length=0.02)
        if len(spans) == 2:
            ways[tuple(spans[:, 0].tolist())] = ways.get(tuple(spans[:, 0].tolist()), 0) + 1
    assert set(ways) == {(0, 2), (0, 3), (1, 3)}
    assert chisquare(list(ways.values())).pvalue > 0.001


def test_the_text_comes_back_and_marks_stand_around_what_is_encoded() -> None:
    text = np.random.default_rng(1).integers(100, size=500)
    made = interleave(text, lambda span: [int(t) + 1000 for t in span for _ in range(3)], np.random.default_rng(2),
                      begin=5000, end=5001, ratio=0.4, mean_length=8)  # fmt: skip
    assert made.ratio == 0.4
    back = made.tokens[(made.tokens < 5000)]
    spoken = back >= 1000
    assert (made.encoded == (made.tokens >= 1000)).all()
    assert spoken.sum() == 3 * 200
    assert (np.flatnonzero(made.tokens == 5001) > np.flatnonzero(made.tokens == 5000)).all()
    plain = made.tokens[~made.encoded]
    kept = np.ones(500, dtype=bool)
    for first, last in made.spans:
        kept[first:last] = False
    assert plain.tolist() == text[kept].tolist()
    assert back[spoken][::3].tolist() == (text[~kept] + 1000).tolist()


@pytest.mark.parametrize("given", [{}, {"ratio": 0.3}, {"mean_length": 10}])
def test_what_was_not_verified_of_the_paper_is_no_default(given: dict[str, float]) -> None:
    with pytest.raises(TypeError, match="required keyword-only"):
        draw_spans(100, np.random.default_rng(0), **given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="required keyword-only"):
        interleave(range(100), lambda span: span.tolist(), np.random.default_rng(0), begin=1, end=2, **given)  # type: ignore[arg-type]


def test_hours_of_the_published_corpus() -> None:
    """600 billion tokens at 12.5 a second, were all of them speech."""
    assert speech_hours(600e9) == pytest.approx(13.33e6, rel=1e-3)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: draw_spans(10, np.random.default_rng(0), ratio=1.0, mean_length=10), "cannot be replaced"),
        (lambda: draw_spans(10, np.random.default_rng(0), ratio=0.9, mean_length=0.1), "leave no token between"),
        (lambda: speech_hours(1, 0), "are no time"),
    ],
)
def test_what_cannot_be_is_refused(ask: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        ask()  # type: ignore[operator]
