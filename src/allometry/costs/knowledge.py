"""Bits of fact that a model is shown to have stored, from its losses on synthetic biographies."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log2

from allometry.notices import Refused


@dataclass(frozen=True)
class Facts:
    """What there is to know about each person of a training set.

    `names` is the number of names people are drawn from, `value_bits` the bits of one person's values. Where
    the values are themselves random texts that must be learned, `texts` is how many there are and `text_bits`
    the bits of one. `BIOGRAPHIES` and `diverse_facts` make the two kinds of the source.
    """

    names: float
    value_bits: float
    texts: float = 0.0
    text_bits: float = 0.0


# birth date, birth city, university, major, employer and working city: half of the people have two choices of pronoun
BIOGRAPHIES = Facts(names=400 * 400 * 1000, value_bits=log2(2 * (12 * 28 * 200) * 200 * 300 * 100 * 263))
"""The biographies bioS of Allen-Zhu and Li 2024, arXiv 2404.05405: 47.59 bits of values for each person."""


def diverse_facts(
    attributes: int, chunks: int, values: int, tokens: int, length: int, names: float = BIOGRAPHIES.names
) -> Facts:
    """The facts of a bioD set: each attribute is `chunks` draws from `values` texts of `length` tokens.

    Use it for capacity with other lengths and vocabularies of values than the biographies'.
    Arguments: counts; `tokens` is the size of the vocabulary that the texts are written in.
    Source: Allen-Zhu and Li 2024, arXiv 2404.05405, the bit complexity of bioD(N, K, C, D, L, T).

    >>> diverse_facts(attributes=1, chunks=3, values=16, tokens=32, length=2)
    Facts(names=160000000, value_bits=12.0, texts=16, text_bits=6.0)
    """
    return Facts(names, attributes * chunks * log2(values), attributes * values, length * log2(tokens) - log2(values))


def bits_per_parameter(
    params: float,
    people: float,
    name_loss: float,
    value_loss: float,
    text_loss: float = 0.0,
    facts: Facts = BIOGRAPHIES,
) -> float:
    """The capacity ratio R of a trained model: bits it is shown to have learned, for each of its parameters.

    Use it on models trained on synthetic facts whose number of possibilities is known; times `params` it is the
    stored_bits of the knowledge_capacity law. Not for natural text, where that number is not known.

    Arguments: `params` all parameters; `people` in the set; losses in nats, summed over tokens: `name_loss` of a
    name given nothing, `value_loss` of all values of one person given the name (means over people), `text_loss`
    of the first chunk of one value (mean over people and attributes). Runs of `allometry lab` on biographies hold
    the bits themselves, as `stored_bits`.
    Errors: `Refused` for a count that is not positive, a loss below zero, and a name loss below ln(people), which no
    model of names learned as a set can reach.
    Source: Allen-Zhu and Li 2024, arXiv 2404.05405, definitions 4.1 (with texts) and 4.3 of R(F), from theorem 3.2.

    >>> perfect = bits_per_parameter(1e6, 20000, name_loss=log(20000), value_loss=0.0)
    >>> perfect == most_bits_per_parameter(1e6, 20000), round(perfect, 4)
    (True, 1.2111)
    """
    _check(
        {"params": params, "people": people}, {"name_loss": name_loss, "value_loss": value_loss, "text_loss": text_loss}
    )
    if name_loss < log(people) * (1 - 1e-9):
        message = f"a name_loss of {name_loss:g} nats is below the {log(people):g} that {people:g} people leave at best"
        raise Refused("bad-value", message, "name_loss", "give the mean over people of the sum over a name's tokens")
    person = log2(facts.names) + facts.value_bits - (name_loss + value_loss) / log(2)
    return (people * person + facts.texts * (facts.text_bits - text_loss / log(2))) / params


def most_bits_per_parameter(params: float, people: float, facts: Facts = BIOGRAPHIES) -> float:
    """The ratio of a model that has learned everything: R_max, which no R passes.

    Use it to see what limits a run: with R near R_max it was the data, so make the set larger; only where R_max is
    well above 2 does R say what the model can hold.
    Arguments and errors as for `bits_per_parameter`.

    >>> round(most_bits_per_parameter(1e7, 1e5), 3)
    0.582
    """
    _check({"params": params, "people": people}, {})
    # names are learned as a set without order: a perfect model still pays log(people) nats for which of them comes
    return bits_per_parameter(params, people, name_loss=log(people), value_loss=0.0, facts=facts)


def _check(counts: dict[str, float], losses: dict[str, float]) -> None:
    for name, value in counts.items():
        if not value > 0:
            raise Refused("bad-value", f"{name} must be a positive number, not {value:g}", name, "give a count")
    for name, value in losses.items():
        if not value >= 0:
            raise Refused("bad-value", f"{name} must be zero or more, not {value:g}", name, "give nats")
