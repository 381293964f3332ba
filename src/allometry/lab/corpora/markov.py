"""A Markov source: symbols drawn by those before them, with an entropy rate that is solved for and known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg.lapack import dgecon, dgetrf, dgetrs

from allometry.lab.corpus import Corpus
from allometry.lab.sources import LANES, chances_of, drawn, edges_of, entropies, features, scale_for, text_of
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

MOST_CONTEXTS = 1024
# Reciprocal condition number: below it the stationary distribution is not known to the digits that a rate is told in.
LEAST_CONDITION = 1e-9
_WHERE = "[corpus]"


@dataclass(frozen=True)
class Chain:
    """A Markov chain: `transitions` (contexts, symbols) give the chance of each next symbol behind each context.

    A context is the last symbols, the oldest first, read as one number whose digits they are.
    """

    transitions: np.ndarray

    @property
    def symbols(self) -> int:
        return self.transitions.shape[1]

    @property
    def order(self) -> int:
        """How many symbols a context is."""
        return round(math.log(len(self.transitions), self.symbols))

    @cached_property
    def stationary(self) -> np.ndarray:
        """How often each context comes, (contexts,): what one more symbol leaves as it is.

        Errors: `Refused` for a chain that falls, or nearly so, into parts that it does not leave.
        """
        contexts = len(self.transitions)
        moves = np.zeros((contexts, contexts))
        behind = (np.arange(contexts)[:, None] * self.symbols + np.arange(self.symbols)) % contexts
        moves[np.arange(contexts)[:, None], behind] = self.transitions
        # Shares that a move leaves as they are and that add up to one: the second fills the rank that the first lacks.
        whole = np.eye(contexts) - moves.T + 1 / contexts
        factors, pivots, singular = dgetrf(whole)
        if singular or dgecon(factors, np.abs(whole).sum(axis=0).max())[0] < LEAST_CONDITION:
            raise Refused("no-stationary", "the chain of this seed hardly leaves some of its contexts", _WHERE,
                          "give a higher rate, more symbols or another seed")  # fmt: skip
        found = dgetrs(factors, pivots, np.full(contexts, 1 / contexts))[0]
        return np.maximum(found, 0) / found.sum()

    @property
    def entropy_rate(self) -> float:
        """Nats for each symbol that are left once all before it are known: exact, from the stationary distribution.

        >>> round(Chain(np.array([[0.9, 0.1], [0.3, 0.7]])).entropy_rate, 6)
        0.396528
        """
        return float(self.stationary @ entropies(self.transitions))

    def least_loss(self, window: int) -> float:
        """The least mean loss over windows of so many symbols, each of which begins without those before it.

        It is the entropy rate for a chain of order 1; for a higher order the first symbols of a window know too few.
        """
        joint = self.stationary[:, None] * self.transitions
        known = [self._conditional(joint, length) for length in range(1, min(self.order, window) + 1)]
        return (sum(known) + (window - len(known)) * known[-1]) / window

    def _conditional(self, joint: np.ndarray, length: int) -> float:
        """The entropy of a symbol of which the last `length` before it are known."""
        behind = joint.reshape(-1, self.symbols**length, self.symbols).sum(axis=0)
        seen = behind.sum(axis=1)
        return float(seen @ entropies(behind / np.maximum(seen, np.finfo(float).tiny)[:, None]))

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """So many symbols (count,), drawn from the stationary distribution on: one unbroken text."""
        steps = -(-count // LANES)
        chances = generator.random((steps, LANES))
        edges = edges_of(self.transitions)
        first = generator.choice(len(self.stationary), p=self.stationary)
        begun = np.full(LANES, first)
        # Lanes follow one another in the text. Each is drawn from a guess of where the one before it ends, and again,
        # with the same chances, until every guess is right: a chain soon forgets where it began.
        while True:
            text, ended = self._walk(edges, chances, begun)
            wanted = np.concatenate([[first], ended[:-1]])
            if np.array_equal(wanted, begun):
                return text.T.ravel()[:count]
            begun = wanted

    def _walk(self, edges: np.ndarray, chances: np.ndarray, begun: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        contexts = begun
        text = np.empty(chances.shape, dtype=np.uint8)
        for step, chance in enumerate(chances):
            text[step] = symbol = drawn(edges, self.symbols, contexts, chance)
            contexts = (contexts * self.symbols + symbol) % len(self.transitions)
        return text, contexts


def markov_chain(*, rate: float, symbols: int = 256, order: int = 1, decay: float = 1.0, seed: int = 0) -> Chain:
    """A random chain whose entropy rate is `rate` nats for each symbol.

    Log-chances are a sum of random features whose sizes fall as a power of their rank (`decay`), so that each size of
    model can learn some more of them and small ones do not reach the floor; they are scaled, as by a temperature, until
    the entropy rate is the given one.
    Errors: `Refused` for counts outside what fits a byte and for a rate that such a chain cannot have; a low one is not had by
    every seed of few symbols.

    >>> chain = markov_chain(rate=1.5, symbols=16, seed=3)
    >>> round(chain.entropy_rate, 9)
    1.5
    """
    _check(rate, symbols, order, decay, seed)
    found = features(np.random.default_rng([seed, 0]), symbols**order, symbols, decay)
    scale = scale_for(rate, lambda scale: Chain(chances_of(found, scale)).entropy_rate)
    return Chain(chances_of(found, scale))


def read(
    *,
    rate: float,
    symbols: int = 256,
    order: int = 1,
    decay: float = 1.0,
    tokens: int = 4_000_000,
    seed: int = 0,
) -> Corpus:
    """So many `tokens` of a Markov chain whose entropy rate is `rate`, and a quarter as many held out, drawn afresh.

    `symbols` (2 to 256) are the bytes 0, 1, 2 and so on, `order` how many of them the next depends on, `decay` how fast
    the sizes of the chain's features fall, `seed` of chain and text.
    Errors: `Refused` as for `markov_chain`, and for fewer than 1000 tokens or more than a thousand million.
    """
    chain = markov_chain(rate=rate, symbols=symbols, order=order, decay=decay, seed=seed)
    return text_of("markov", chain, tokens, seed)


def _check(rate: float, symbols: int, order: int, decay: float, seed: int) -> None:
    if not 2 <= symbols <= 256:
        raise Refused("bad-value", f"`symbols` must be from 2 to 256, not {symbols}", _WHERE)
    check_above_zero("order", order, _WHERE)
    check_above_zero("decay", decay, _WHERE, zero=True)
    check_above_zero("seed", seed, _WHERE, zero=True)
    if order * math.log(symbols) > math.log(MOST_CONTEXTS) + 1e-9:
        raise Refused(
            "too-many-contexts", f"{symbols} symbols of order {order} make more than {MOST_CONTEXTS} contexts", _WHERE,
            f"give an order of at most {int(math.log(MOST_CONTEXTS) / math.log(symbols) + 1e-9)}, or fewer symbols",
        )  # fmt: skip
    most, least = math.log(symbols), 0.02 * math.log(symbols)
    if not least <= rate <= 0.99 * most:
        raise Refused(
            "bad-rate", f"a rate of {rate:g} nats is no rate of {symbols} symbols", _WHERE,
            f"give from {least:.2g} to {0.99 * most:.3g} nats, or other symbols",
        )  # fmt: skip
