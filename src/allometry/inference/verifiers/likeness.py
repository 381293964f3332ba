"""How alike two answers to a problem are: what selection by agreement and pruning of what repeats itself go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from allometry.axes import nearest_names
from allometry.inference.calls import Response
from allometry.inference.records import find_hook
from allometry.inference.tasks import Problem
from allometry.notices import Refused

Likeness: TypeAlias = Callable[[Problem, Response, Response], float]
"""From 0 (nothing alike) to 1 (the same); the second answer is the one that the first is held against."""
# Orders of n-grams and weight of recall of chrF2, as in the metric's usual settings.
ORDERS, RECALL = 6, 2
# So long are the pieces by which unfinished answers are compared: assumed, about a word with its ending.
PIECE = 6


def same_answer(problem: Problem, one: Response, other: Response) -> float:
    """1 where both come to the same answer, as the problem reads it, else 0; what cannot be read is like nothing.

    >>> same_answer(Problem("1", "2+2="), Response("4"), Response(" 4 "))
    1.0
    """
    found = problem.read(one.content)
    return float(found is not None and found == problem.read(other.content))


def chrf(problem: Problem, one: Response, other: Response) -> float:
    """chrF2 of one text against another: the F-score of character n-grams, 1 to 6, in which recall weighs double.

    Space does not count. Orders of which one text has no n-gram are left out.
    Source: Popovic 2015, chrF (W15-3049), as in sacrebleu: the mean of precision and of recall over the orders.

    >>> round(chrf(Problem("1", "-"), Response("abcd"), Response("abce")), 4)
    0.4792
    """
    found, wanted = _dense(one.content), _dense(other.content)
    pairs = [(_ngrams(found, n), _ngrams(wanted, n)) for n in range(1, 1 + min(ORDERS, len(found), len(wanted)))]
    if not pairs:
        return float(found == wanted)
    common = [(a & b).total() for a, b in pairs]
    precision = sum(c / a.total() for c, (a, _) in zip(common, pairs, strict=True)) / len(pairs)
    recall = sum(c / b.total() for c, (_, b) in zip(common, pairs, strict=True)) / len(pairs)
    below = RECALL**2 * precision + recall
    return (1 + RECALL**2) * precision * recall / below if below else 0.0


def overlap(problem: Problem, one: Response, other: Response) -> float:
    """The share of the different pieces of six characters of two texts that both have; 0 where one is shorter.

    >>> overlap(Problem("1", "-"), Response("so x is 2"), Response("so x is 2"))
    1.0
    """
    a, b = (frozenset(_ngrams(_dense(text), PIECE)) for text in (one.content, other.content))
    return len(a & b) / len(a | b) if a and b else 0.0


LIKENESSES: dict[str, Likeness] = {"chrf": chrf, "overlap": overlap, "same_answer": same_answer}


def find_likeness(text: str) -> Likeness:
    """How alike two answers are, by name (chrf, overlap, same_answer), or a function of a file: `mine.py:alike`.

    It is called with a problem that hides its answer and two responses, and returns a number.
    Errors: `Refused` with the nearest names when there is none.
    """
    if ":" in text:
        own: Likeness = find_hook(text)
        return own
    if text not in LIKENESSES:
        near = ", ".join(nearest_names(text, LIKENESSES))
        mend = f"the nearest are {near}; a grader such as judge is shown both, a function of yours is written mine.py:alike"
        raise Refused("unknown-likeness", f"answers are not compared by {text!r}", mend=mend)
    return LIKENESSES[text]


@lru_cache(maxsize=256)
def _dense(text: str) -> str:
    return "".join(text.split())


@lru_cache(maxsize=1024)
def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))
