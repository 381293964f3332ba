"""A probabilistic context-free grammar: nested brackets without limit of depth, with an entropy rate that is solved for and known exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allometry.lab.corpus import Corpus
from allometry.lab.sources import (
    LANES,
    chances_of,
    drawn,
    edges_of,
    entropies,
    features,
    scale_for,
    text_of,
)
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

MOST_PHRASES = 1024
MOST_BRANCHING = 0.98  # nearer to 1, sentences and their stacks grow out of hand
_WHERE = "[corpus]"


@dataclass(frozen=True)
class Grammar:
    """A grammar of sentences, each a phrase of the kind 0 and a byte that ends it.

    A phrase is either a letter or an opening bracket, a phrase, a middle, a phrase and a closing bracket. `chances`
    (phrases, brackets + letters) give, for each kind of phrase, with what it begins; `children` (brackets, 2) which
    kinds of phrase are in each bracket. The three bytes of a bracket are its own, so every sentence has one derivation,
    read from left to right, and the entropy of sentences is that of derivations.
    Errors: `Refused` where sentences need not end: where a phrase has in the mean, in the long run, no less than one
    within it (the spectral radius of the means; Booth and Thompson 1973).
    """

    chances: np.ndarray
    children: np.ndarray

    def __post_init__(self) -> None:
        radius = np.abs(np.linalg.eigvals(self._means)).max()
        if not radius < 1 - 1e-9:
            raise Refused("endless-sentences", f"sentences need not end: phrases hold {radius:.6g} phrases in the long run",
                          _WHERE, "make brackets rarer")  # fmt: skip

    @property
    def brackets(self) -> int:
        return len(self.children)

    @property
    def end(self) -> int:
        """The byte behind each sentence, the last of the alphabet; before it come three of each bracket, and letters."""
        return 2 * self.brackets + self.chances.shape[1]

    @property
    def symbols(self) -> int:
        return self.end + 1

    @cached_property
    def _means(self) -> np.ndarray:
        """How many phrases of each kind a phrase of each kind holds in the mean: (phrases, phrases)."""
        inside = np.zeros((self.brackets, len(self.chances)))
        np.add.at(inside, (np.arange(self.brackets)[:, None], self.children), 1.0)
        return self.chances[:, : self.brackets] @ inside

    @cached_property
    def visits(self) -> np.ndarray:
        """How many phrases of each kind a sentence holds in the mean: (phrases,)."""
        sentence = np.eye(len(self.chances))[0]
        return np.linalg.solve(np.eye(len(self.chances)) - self._means.T, sentence)

    @property
    def sentence_length(self) -> float:
        """Bytes of a sentence in the mean, with the one that ends it."""
        return float(self.visits @ (1 + 2 * self.chances[:, : self.brackets].sum(axis=1)) + 1)

    @property
    def entropy_rate(self) -> float:
        """Nats for each byte that are left once all before it are known: exact.

        It is the entropy of a derivation over the mean length of a sentence (Soule 1974, Information and Control 25:57).

        >>> one = Grammar(np.array([[0.25, 0.75]]), np.array([[0, 0]]))
        >>> round(one.sentence_length, 6), round(one.entropy_rate, 6)
        (4.0, 0.281168)
        """
        return float(self.visits @ entropies(self.chances)) / self.sentence_length

    def least_loss(self, window: int) -> float:
        """The least mean loss over windows of so many bytes, each of which begins without those before it but one.

        Where a phrase ends whose brackets were opened before the window, nobody can know which they are; what is behind
        it tells that at once, so that only such ends add to the entropy rate. A phrase ends `t` bytes into a window as
        often as one is longer than that.
        """
        # Places where a phrase can stand, (2 brackets + 1,): in a bracket, or as a sentence.
        stands = np.append(self.children.ravel(), 0)
        begun = self.visits @ self.chances
        often = np.append(np.repeat(begun[: self.brackets], 2), 1.0)
        joint = often[:, None] * self.chances[stands]
        of_place = entropies((joint / np.maximum(joint.sum(axis=0), np.finfo(float).tiny)).T)
        unknown = begun * of_place
        first = unknown.sum() + unknown[: self.brackets] @ self._longer(window)
        return self.entropy_rate + float(first) / self.sentence_length / window

    def _longer(self, most: int) -> np.ndarray:
        """Of how many lengths from 2 to `most` a phrase in each bracket is at least as long, in the mean: (brackets,)."""
        of_bracket, of_letter = self.chances[:, : self.brackets], self.chances[:, self.brackets :].sum(axis=1)
        # Chances that a phrase of a kind, or one in brackets, has so many bytes: those of two parts and three brackets.
        phrase, pair = np.zeros((len(self.chances), most + 1)), np.zeros((self.brackets, most + 1))
        phrase[:, 1:2] = of_letter[:, None]
        for length in range(2, most + 1):
            first, second = (phrase[self.children[:, side], : max(length - 2, 0)] for side in (0, 1))
            pair[:, length] = np.einsum("bl,bl->b", first, second[:, ::-1])
            phrase[:, length] = of_bracket @ pair[:, length]
        return (1 - np.cumsum(pair, axis=1)[:, 1:-1]).sum(axis=1)

    def sample(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """So many bytes (count,): sentence after sentence, the last one cut off."""
        # Each lane stops with the first sentence that ends past its share. Sentences up to such a stop are drawn as any
        # are, so those of all lanes, one lane after another, are one text.
        share, rows, ended = -(-count // LANES), list[np.ndarray](), np.zeros(LANES, dtype=np.int64)
        stack, height = np.full((LANES, 64), -1), np.ones(LANES, dtype=np.int64)
        edges = edges_of(self.chances)
        while not ended.all():
            if height.max() + 4 > stack.shape[1]:
                stack = np.concatenate([stack, stack], axis=1)
            rows.append(self._step(edges, stack, height, generator.random(LANES)))
            if len(rows) >= share:
                ended[(ended == 0) & (rows[-1] == self.end)] = len(rows)
        return np.array(rows).T[np.arange(len(rows)) < ended[:, None]][:count]

    def _step(self, edges: np.ndarray, stack: np.ndarray, height: np.ndarray, chance: np.ndarray) -> np.ndarray:
        """The next byte of each lane, whose stack of bytes and phrases (-1 - kind) it changes; below all is the end."""
        empty = height == 0
        byte = np.where(empty, self.end, stack[np.arange(len(stack)), height - 1])
        height -= ~empty
        stack[empty, 0], height[empty] = -1, 1
        lanes = np.flatnonzero(byte < 0)
        begun = drawn(edges, self.chances.shape[1], -1 - byte[lanes], chance[lanes])
        byte[lanes] = np.where(begun < self.brackets, 3 * begun, 2 * self.brackets + begun)
        opened = begun < self.brackets
        lanes, kinds = lanes[opened], begun[opened]
        for put in (3 * kinds + 2, -1 - self.children[kinds, 1], 3 * kinds + 1, -1 - self.children[kinds, 0]):
            stack[lanes, height[lanes]] = put
            height[lanes] += 1
        return byte.astype(np.uint8)


def random_grammar(
    *,
    rate: float,
    brackets: int = 32,
    letters: int = 128,
    phrases: int = 64,
    branching: float = 0.9,
    decay: float = 1.0,
    seed: int = 0,
) -> Grammar:
    """A random grammar whose entropy rate is `rate` nats for each byte.

    With which bracket or letter a phrase begins has the chances of the Markov chain (`decay`), scaled until the rate is
    the given one; that it is a bracket has one chance, half of `branching`, which is how many phrases a phrase holds in
    the mean. So a sentence has 2 / (1 - branching) bytes in the mean, and many have a multiple of that.
    Errors: `Refused` for counts outside what fits a byte and for a rate that such a grammar cannot have.

    >>> grammar = random_grammar(rate=1.5, seed=3)
    >>> round(grammar.entropy_rate, 9), round(grammar.sentence_length, 9)
    (1.5, 20.0)
    """
    _check(rate, brackets, letters, phrases, branching, decay, seed)
    generator = np.random.default_rng([seed, 0])
    children = generator.integers(0, phrases, (brackets, 2))
    parts = [(share, features(generator, phrases, count, decay))
             for share, count in ((branching / 2, brackets), (1 - branching / 2, letters))]  # fmt: skip

    def at(scale: float) -> Grammar:
        return Grammar(np.hstack([share * chances_of(found, scale) for share, found in parts]), children)

    return at(scale_for(rate, lambda scale: at(scale).entropy_rate))


def read(
    *,
    rate: float,
    brackets: int = 32,
    letters: int = 128,
    phrases: int = 64,
    branching: float = 0.9,
    decay: float = 1.0,
    tokens: int = 4_000_000,
    seed: int = 0,
) -> Corpus:
    """So many `tokens` of sentences of a grammar whose entropy rate is `rate`, and a quarter as many held out, drawn afresh.

    `brackets` kinds of them take three bytes each, `letters` one each, the end of a sentence the last: 256 in all at
    most. `phrases` are how many distributions there are to learn, `branching` how deep they nest, `decay` how fast the
    sizes of their features fall, `seed` of grammar and text. No chain of any order models it: what follows a phrase
    depends on a bracket that was opened any number of bytes before. Windows begin within sentences, so that the least
    loss is above the rate by what they cannot know; `least_loss` is exact too.
    Errors: `Refused` as for `random_grammar`, and for fewer than 1000 tokens or more than a thousand million.
    """
    found = random_grammar(
        rate=rate, brackets=brackets, letters=letters, phrases=phrases, branching=branching, decay=decay, seed=seed
    )
    told = f"the byte before it alone leaves {found.least_loss(1):.6g} nats of each byte; sentences have {found.sentence_length:.4g} bytes in the mean"
    return text_of("grammar", found, tokens, seed, told)


def _check(rate: float, brackets: int, letters: int, phrases: int, branching: float, decay: float, seed: int) -> None:
    for name, count in (("brackets", brackets), ("letters", letters)):
        if count < 2:
            raise Refused("bad-value", f"`{name}` must be 2 or more, not {count}", _WHERE)
    check_above_zero("phrases", phrases, _WHERE)
    check_above_zero("decay", decay, _WHERE, zero=True)
    check_above_zero("seed", seed, _WHERE, zero=True)
    if 3 * brackets + letters > 255:
        raise Refused("too-many-bytes", f"{brackets} brackets of three bytes and {letters} letters are more than 255 bytes", _WHERE,
                      "give fewer: the 256th byte ends a sentence")  # fmt: skip
    if phrases > MOST_PHRASES:
        raise Refused("bad-value", f"`phrases` must be at most {MOST_PHRASES}, not {phrases}", _WHERE)
    if not 0 < branching <= MOST_BRANCHING:
        raise Refused(
            "bad-value", f"`branching` must be above 0 and at most {MOST_BRANCHING}, not {branching:g}", _WHERE
        )
    # A phrase and its share of the end of a sentence have two bytes in the mean, whatever the other settings.
    chance = branching / 2
    least = float(entropies(np.array([[chance, 1 - chance]]))[0]) / 2
    most = least + (chance * math.log(brackets) + (1 - chance) * math.log(letters)) / 2
    if not 1.05 * least <= rate <= 0.99 * most:
        raise Refused(
            "bad-rate", f"a rate of {rate:g} nats is no rate of this grammar", _WHERE,
            f"give from {1.05 * least:.3g} to {0.99 * most:.3g} nats, or other brackets, letters or branching",
        )  # fmt: skip
