"""Synthetic biographies: facts that can only be held by heart, and exactly how many bits they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from allometry.costs import Facts, bits_per_parameter, diverse_facts
from allometry.lab.corpus import Corpus
from allometry.lab.records import LETTERS, of_records, text
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

_WHERE = "[corpus]"
ALPHABET, NAME_LETTERS, VALUE_LETTERS = 26, 6, 3
NAMES, TEXTS = ALPHABET**NAME_LETTERS, ALPHABET**VALUE_LETTERS
HELD_OUT_EXPOSURES = 1


@dataclass(frozen=True)
class People:
    """Who there is: `names` (people,), `texts` (attributes, values) and `facts` (people, attributes), which value each has.

    Names and texts are numbers, to be written in letters of base 26.
    """

    names: np.ndarray
    texts: np.ndarray
    facts: np.ndarray

    @property
    def known(self) -> Facts:
        """What there is to know, as `costs.bits_per_parameter` takes it.

        That counts every text as one that somebody has: give many more people than values.
        """
        attributes, values = self.texts.shape
        return diverse_facts(attributes, 1, values, ALPHABET, VALUE_LETTERS, names=NAMES)

    def stored_bits(self, name_loss: float, answer_loss: float) -> float:
        """Bits that a model is shown to have stored by its losses on names and on values, in nats per byte.

        It is the capacity ratio times the parameters (Allen-Zhu and Li 2024, arXiv 2404.05405, definition 4.1). A value
        is one chunk, so that the loss of first chunks is that of values. Nobody can expect a name with more than
        1 / people, so a lower loss, by the luck of few windows, counts as that; a bound below zero shows nothing.

        >>> made = make_people(people=1000, attributes=4, values=64)
        >>> round(made.stored_bits(name_loss=math.log(1000) / 6, answer_loss=0.0), 1)  # all of it
        44310.8
        >>> made.stored_bits(name_loss=math.log(26), answer_loss=math.log(26))  # letters by chance
        0.0
        """
        people, attributes = self.facts.shape
        value = VALUE_LETTERS * answer_loss
        bits = bits_per_parameter(
            1.0, people, name_loss=max(NAME_LETTERS * name_loss, math.log(people)), value_loss=attributes * value,
            text_loss=value, facts=self.known,
        )  # fmt: skip
        return max(0.0, bits)

    @property
    def bits(self) -> float:
        """Bits of what the text says: minus log2 of the chance that people drawn so are these, with these facts.

        It is which set of names, and for each attribute which text each person has; texts that nobody has are said
        nowhere and are nothing to know, nor is in what order people and texts come. Its mean over seeds is the entropy.

        >>> round(make_people(people=1000, attributes=4, values=64).bits, 1)
        46098.5
        """
        attributes, values = self.texts.shape
        people = len(self.names)
        evenly = people * attributes * math.log2(values)
        used = [len(np.unique(self.facts[:, attribute])) for attribute in range(attributes)]
        # With j texts in use, the j are among those drawn with a chance of (values)_j / (TEXTS)_j, falling factorials.
        texts = sum(_log2_ordered(TEXTS, j) - _log2_ordered(values, j) for j in used)
        return _log2_ordered(NAMES, people) - math.lgamma(people + 1) / math.log(2) + texts + evenly


def make_people(*, people: int = 1000, attributes: int = 4, values: int = 64, seed: int = 0) -> People:
    """The people of a seed: names and texts all different, the value of each attribute an even draw.

    Errors: `Refused` for counts that letters do not suffice for.
    """
    for name, count, most in (
        ("people", people, NAMES // 100),
        ("attributes", attributes, ALPHABET),
        ("values", values, TEXTS // 10),
    ):
        check_above_zero(name, count, _WHERE)
        if count > most:
            raise Refused("bad-value", f"`{name}` must be at most {most}, not {count}", _WHERE)
    check_above_zero("seed", seed, _WHERE, zero=True)
    generator = np.random.default_rng([seed, 0])
    names = generator.choice(NAMES, people, replace=False, shuffle=False)
    texts = np.array([generator.choice(TEXTS, values, replace=False) for _ in range(attributes)])
    return People(names, texts, generator.integers(0, values, (people, attributes)))


def read(*, people: int = 1000, attributes: int = 4, values: int = 64, exposures: int = 100, seed: int = 0) -> Corpus:
    """Each of the `people` so many times, in fresh orders, as `qwerty c:abc a:xyz`; once more each is held out.

    The held-out text is of the same people, for what is measured is what is held by heart: its orders alone are fresh.
    The accuracy of a run is the share of values that are right given the name. Capacity is measured on models that were
    given more than they can hold (Allen-Zhu and Li 2024, arXiv 2404.05405, whose bioD this is, with one chunk a value).
    Rows say how many bits that is (`People.stored_bits`), and the loss on names that it takes beside that on values.
    Errors: `Refused` for counts that letters do not suffice for.
    """
    check_above_zero("exposures", exposures, _WHERE)
    made = make_people(people=people, attributes=attributes, values=values, seed=seed)
    train, held_out = (
        np.concatenate([_biographies(made, np.random.default_rng([seed, part, time])) for time in range(times)])
        for part, times in ((1, exposures), (2, HELD_OUT_EXPOSURES))
    )
    each = VALUE_LETTERS + 3
    marks = np.zeros(train.shape[1], dtype=np.int64)
    marks[:NAME_LETTERS] = -1
    for number in range(attributes):
        start = NAME_LETTERS + number * each + 3
        marks[start : start + VALUE_LETTERS] = number + 1
    told = f"{made.bits:.6g} bits of facts in all, {made.known.value_bits:.6g} of them the values of each person"
    return replace(of_records("biographies", train, held_out, marks, told), stored_bits=made.stored_bits)


def _biographies(made: People, generator: np.random.Generator) -> np.ndarray:
    """One record (people, length) for each person: people in a random order, and so their attributes."""
    people, attributes = made.facts.shape
    records = text(b" " * NAME_LETTERS + (b"  :" + b" " * VALUE_LETTERS) * attributes + b"\n", people)
    records[:, :NAME_LETTERS] = _letters(made.names, NAME_LETTERS)
    order = np.argsort(generator.random((people, attributes)), axis=1)
    for number in range(attributes):
        which, start = order[:, number], NAME_LETTERS + number * (VALUE_LETTERS + 3)
        records[:, start + 1] = LETTERS[which]
        said = made.texts[which, made.facts[np.arange(people), which]]
        records[:, start + 3 : start + 3 + VALUE_LETTERS] = _letters(said, VALUE_LETTERS)
    return generator.permutation(records)


def _letters(numbers: np.ndarray, count: int) -> np.ndarray:
    return LETTERS[numbers[:, None] // ALPHABET ** np.arange(count - 1, -1, -1) % ALPHABET]


def _log2_ordered(among: int, count: int) -> float:
    """Bits of which so many different ones it is, in order."""
    return float(np.log2(among - np.arange(count)).sum())
