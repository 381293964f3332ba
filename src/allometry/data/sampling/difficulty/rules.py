"""Which distilled solutions are trained on: by length, repetition, whether there is an answer, and what is solved already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from allometry.inference.calls import Response
from allometry.inference.tasks import Problem
from allometry.notices import Refused

# Words of one n-gram, and the share of repeats, beyond which a text goes in circles: assumed.
ORDER, MOST_REPEATED = 8, 0.3


@dataclass(frozen=True)
class Rules:
    """What a solution may be.

    `longest` is in tokens, as its engine reports them, None for any length; `most_repeated` the largest share of its
    n-grams of `order` words that stood before in it; `answered` asks that the problem's reader finds an answer, and
    `ended` that it was not cut off.
    """

    longest: int | None = None
    most_repeated: float = MOST_REPEATED
    order: int = ORDER
    answered: bool = True
    ended: bool = True

    def __post_init__(self) -> None:
        if self.order < 1 or not 0 <= self.most_repeated <= 1 or (self.longest is not None and self.longest < 1):
            raise Refused("bad-rule", "a rule has a bound that nothing can meet", "filter rules",
                          "give counts above 0 and shares from 0 to 1")  # fmt: skip

    def against(self, problem: Problem, solution: Response) -> str:
        """The first rule that a solution breaks; "" where it keeps all."""
        if self.ended and solution.truncated:
            return "cut off"
        if self.longest is not None and solution.usage.generated > self.longest:
            return "too long"
        if repetition(solution.reasoning + " " + solution.content, self.order) > self.most_repeated:
            return "repeats itself"
        return "no answer" if self.answered and problem.read(solution.content) is None else ""


@dataclass(frozen=True)
class Filtered:
    """The numbers of the solutions that are `kept`, and how many each rule took out, in the order of the rules."""

    kept: tuple[int, ...]
    dropped: Mapping[str, int] = field(default_factory=dict)


def filter_solutions(
    solutions: Sequence[tuple[Problem, Response]], rules: Rules | None = None, solved: Sequence[str] = ()
) -> Filtered:
    """The solutions that keep all rules, of problems that the student does not solve yet.

    Use it on what a teacher wrote, before training on it. `solved` names problems whose answer the student and the
    teacher agree on: they teach nothing new.
    Source: Pei et al. 2025, ScaleDiff: rule filters and model filter as the catalogue names them; the bounds are ours.

    >>> made = [(Problem("a", "2+2="), Response("4")), (Problem("b", "2+2="), Response("so " * 40))]
    >>> filter_solutions(made)
    Filtered(kept=(0,), dropped={'repeats itself': 1})
    """
    asked, known = rules or Rules(), frozenset(solved)
    whys = [asked.against(*one) or ("solved already" if one[0].id in known else "") for one in solutions]
    dropped = {why: whys.count(why) for why in dict.fromkeys(whys) if why}
    return Filtered(tuple(i for i, why in enumerate(whys) if not why), dropped)


def agreed(problem: Problem, one: Response, other: Response) -> bool:
    """Whether two models come to the same answer, as the problem reads it; an answer that cannot be read agrees with none.

    >>> agreed(Problem("1", "2+2="), Response("4"), Response(" 4"))
    True
    """
    found = problem.read(one.content)
    return found is not None and found == problem.read(other.content)


def repetition(text: str, order: int = ORDER) -> float:
    """The share of the n-grams of words in a text that stood in it before.

    >>> repetition("a b a b a b", 2)
    0.6
    """
    words = text.split()
    grams = [tuple(words[i : i + order]) for i in range(len(words) - order + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
