"""Generated corpora are what they say: the truth that is stated is counted again from the text."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from allometry.lab.corpora import corpus_names, find_corpus  # noqa: E402
from allometry.lab.corpora.markov import Chain, markov_chain  # noqa: E402
from allometry.lab.corpus import Corpus  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
# Every generated corpus with options that make it small.
SMALL: dict[str, dict[str, Any]] = {
    "markov": {"rate": 1.0, "symbols": 16, "tokens": 20_000},
}


def conditional_entropies(text: np.ndarray, symbols: int, order: int, blocks: int = 50) -> np.ndarray:
    """Of each block of a text the entropy of a symbol behind `order` others, counted: (blocks,) in nats.

    The chances are those counted over the whole text, so that what is known of the source is not used.
    """
    behind = np.zeros(len(text) - order, dtype=np.int64)
    for place in range(order):
        behind = behind * symbols + text[place : len(text) - order + place]
    following = text[order:].astype(np.int64)
    counts = np.bincount(behind * symbols + following, minlength=symbols ** (order + 1)).reshape(-1, symbols)
    chances = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    surprises = -np.log(chances[behind, following])
    return np.array([block.mean() for block in np.array_split(surprises, blocks)])


@pytest.mark.parametrize(
    ("rate", "symbols", "order"), [(0.5, 32, 1), (3.0, 64, 1), (1.0, 8, 2), (0.4, 2, 3), (2.0, 16, 1)]
)
def test_the_text_has_the_rate_of_the_source(rate: float, symbols: int, order: int) -> None:
    corpus = find_corpus("markov", {"rate": rate, "symbols": symbols, "order": order, "tokens": 500_000}).read()
    assert corpus.entropy_rate == pytest.approx(rate, rel=1e-9)
    counted = conditional_entropies(corpus.train, symbols, order)
    # Counted chances fit their own text: that takes half a nat for each free chance off the sum.
    bias = symbols**order * (symbols - 1) / 2 / len(corpus.train)
    error = counted.std(ddof=1) / math.sqrt(len(counted))
    assert -4 * error - bias < counted.mean() - rate < 4 * error
    assert error < 0.02 * rate


def test_chances_are_those_of_the_chain() -> None:
    """Each transition comes as often as it should, and no seam shows where stretches of the text meet."""
    chain = markov_chain(rate=1.0, symbols=6, seed=5)
    text = chain.sample(1_000_000, np.random.default_rng(0)).astype(np.int64)
    counts = np.bincount(text[:-1] * 6 + text[1:], minlength=36).reshape(6, 6)
    wanted = counts.sum(axis=1, keepdims=True) * chain.transitions
    assert ((counts - wanted) ** 2 / wanted).sum() < 75  # of chi squared with 30 degrees of freedom: one in 100 000
    steps = -(-len(text) // 1024)
    seams = np.arange(steps - 1, len(text) - 1, steps)
    surprises = -np.log(chain.transitions[text[:-1], text[1:]])
    assert abs(surprises[seams].mean() - 1.0) < 4 * surprises.std() / math.sqrt(len(seams))


@given(st.integers(0, 1000), st.integers(2, 24), st.floats(0.1, 0.9), st.integers(1, 2))
@settings(max_examples=25, deadline=None)
def test_any_rate_is_met(seed: int, symbols: int, share: float, order: int) -> None:
    chain = markov_chain(rate=share * math.log(symbols), symbols=symbols, order=order, seed=seed)
    assert chain.entropy_rate == pytest.approx(share * math.log(symbols), rel=1e-9)
    assert chain.transitions.sum(axis=1) == pytest.approx(1.0)
    assert chain.stationary.sum() == pytest.approx(1.0)
    joint = (chain.stationary[:, None] * chain.transitions).reshape(symbols, -1).sum(axis=0)
    assert joint == pytest.approx(chain.stationary, abs=1e-12)
    assert chain.least_loss(10) >= chain.entropy_rate - 1e-12


def test_the_least_loss_of_windows() -> None:
    """A window's first symbol has one before it, whatever the order; those after it have what the order asks for."""
    chain = Chain(np.array([[0.5, 0.5], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5]]))
    assert chain.order == 2
    assert markov_chain(rate=0.5, symbols=4).least_loss(7) == pytest.approx(0.5)
    text = chain.sample(500_000, np.random.default_rng(1))
    one, two = (conditional_entropies(text, 2, order).mean() for order in (1, 2))
    assert chain.least_loss(5) == pytest.approx((one + 4 * two) / 5, abs=0.005)
    assert chain.least_loss(1) == pytest.approx(one, abs=0.005)


@pytest.mark.parametrize(("name", "options"), SMALL.items())
def test_the_same_again_and_nothing_leaks(name: str, options: dict[str, Any]) -> None:
    first, again, other = (_fresh(name, options | {"seed": seed}) for seed in (4, 4, 5))
    assert first.sha256 == again.sha256
    assert first.sha256 != other.sha256
    assert not np.array_equal(first.train[: len(first.held_out)], first.held_out[: len(first.train)])
    assert max(first.train.max(), first.held_out.max()) < first.vocab


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("markov", {}, "needs `rate`"),
        ("markov", {"rate": 5.0, "symbols": 16}, "give from 0.055 to 2.74 nats"),
        ("markov", {"rate": 0.001}, "no rate of 64 symbols"),
        ("markov", {"rate": 1.0, "symbols": 300}, "from 2 to 256"),
        ("markov", {"rate": 1.0, "symbols": 64, "order": 2}, "give at most 32 symbols"),
        ("markov", {"rate": 1.0, "order": 0}, "above zero"),
        ("markov", {"rate": 1.0, "tokens": 7}, "1000 or more"),
        ("markov", {"rate": 1.0, "symbol": 7}, "the nearest are symbols"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        find_corpus(name, options).read()


def _fresh(name: str, options: dict[str, Any]) -> Corpus:
    """Read anew, past what the process has kept."""
    return import_module(f"allometry.lab.corpora.{corpus_names()[name]}").read(**options)
