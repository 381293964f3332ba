"""Random sources whose entropy rate is known exactly: what makes their chances, meets a rate and draws a corpus."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from allometry.lab.corpus import Corpus, generated
from allometry.notices import Refused

MOST_TOKENS = 1_000_000_000
LANES = 1024  # stretches of a text that are drawn side by side
HELD_OUT_SHARE = 0.25


class Source(Protocol):
    """What a corpus is drawn from."""

    @property
    def symbols(self) -> int:
        """How many there are: the bytes 0, 1, 2 and so on."""

    @property
    def entropy_rate(self) -> float:
        """Nats for each symbol that are left once all before it are known."""

    def least_loss(self, window: int) -> float:
        """The least mean loss over windows of so many symbols, each of which begins without those before it but one."""

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """So many symbols (count,)."""


def text_of(name: str, source: Source, tokens: int, seed: int, *known: str) -> Corpus:
    """So many `tokens` of a source, and a quarter as many held out, drawn afresh.

    Errors: `Refused` for fewer than 1000 tokens or more than a thousand million.
    """
    if not 1000 <= tokens <= MOST_TOKENS:
        raise Refused("bad-tokens", f"a text of {tokens} tokens is not made here", "[corpus]",
                      f"give from 1000 to {MOST_TOKENS} tokens")  # fmt: skip
    train, held_out = (
        source.sample(count, np.random.default_rng([seed, part]))
        for part, count in ((1, tokens), (2, int(tokens * HELD_OUT_SHARE)))
    )
    return generated(
        name, train, held_out, vocab=source.symbols, entropy_rate=source.entropy_rate, least_loss=cache(source.least_loss),
        known=known,
    )  # fmt: skip


def features(generator: np.random.Generator, contexts: int, symbols: int, decay: float) -> np.ndarray:
    """Random log-chances (contexts, symbols) of spread 1: sums of features whose sizes fall as a power of their rank.

    So each size of model can learn some more of them, and small ones do not reach the floor.
    """
    ranks = np.arange(1, symbols + 1)
    of_contexts = generator.standard_normal((contexts, symbols))
    of_symbols = generator.standard_normal((symbols, symbols))
    found = (of_contexts * ranks**-decay) @ of_symbols.T
    return found / found.std()


def chances_of(log_chances: np.ndarray, scale: float) -> np.ndarray:
    """Chances whose logarithms are the given ones times a scale, each row with a sum of one."""
    sized = scale * (log_chances - log_chances.max(axis=1, keepdims=True))
    chances = np.exp(sized)
    return chances / chances.sum(axis=1, keepdims=True)


def scale_for(rate: float, rate_at: Callable[[float], float]) -> float:
    """The scale of log-chances at which a source has the given entropy rate; at none it has more than that."""
    sharp = 0.25
    while rate_at(sharp) > rate:
        sharp *= 1.25
    return float(brentq(lambda scale: rate_at(scale) - rate, 0.0, sharp, xtol=1e-14, rtol=1e-14))


def edges_of(chances: np.ndarray) -> np.ndarray:
    """Where each symbol of each row ends on a line (rows * symbols,) on which every row has a length of one."""
    edges = np.cumsum(chances, axis=1)
    return (edges / edges[:, -1:] + np.arange(len(edges))[:, None]).ravel()


def drawn(edges: np.ndarray, symbols: int, rows: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The symbols that even chances from 0 to 1 give in so many rows of `edges_of`."""
    place = np.searchsorted(edges, rows + chance, side="right")
    return np.minimum(place - rows * symbols, symbols - 1)


def entropies(chances: np.ndarray) -> np.ndarray:
    """The entropy in nats of each row."""
    logs = np.log(chances, out=np.zeros_like(chances), where=chances > 0)
    return -(chances * logs).sum(axis=1)
