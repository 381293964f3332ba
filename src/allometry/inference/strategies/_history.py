"""Answers of one chain of refinements, and which of them to show to the model next."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from allometry.inference.calls import Response

# Published settings: weight of what was seldom shown; of the balanced choice, the shares of the elite and of the middle.
EXPLORE = 1.0
ELITE, ELITE_CHANCE = 0.2, 0.7
MIDDLE, MIDDLE_CHANCE = (0.1, 0.6), 0.2


@dataclass(eq=False)
class Node:
    """A committed answer: its grade, how often it was gone on from, and the best grade that came of that."""

    response: Response
    grade: float
    shown: int = 0
    best_child: float = -math.inf


@dataclass
class History:
    """The committed answers of one chain, and how many times it was gone on."""

    nodes: list[Node] = field(default_factory=list)
    expansions: int = 0

    def commit(self, parent: Node | None, response: Response, grade: float) -> None:
        """Take in the best candidate of a step, and credit the one that was shown for it."""
        if parent is not None:
            parent.shown += 1
            parent.best_child = max(parent.best_child, grade)
        self.expansions += 1
        self.nodes.append(Node(response, grade))

    def ranked(self) -> list[Node]:
        """The nodes, best first, the earlier of equals."""
        return sorted(self.nodes, key=lambda node: -node.grade)


Chance = Callable[[], float]


def best_of(history: History, chance: Chance) -> Node:
    """The answer with the highest grade: plain hill climbing."""
    return history.ranked()[0]


def puct(history: History, chance: Chance) -> Node:
    """The answer with the highest Q + c * scale * P * sqrt(1 + T) / (1 + n), as in tree search with a prior.

    Q is its own grade or the best that came of it, P falls with its rank, n is how often it was shown, T how often any.
    """
    ranked = history.ranked()
    count = len(ranked)
    scale = max(ranked[0].grade - ranked[-1].grade, 1e-6)

    def score(rank: int) -> float:
        node, prior = ranked[rank], (count - rank) / (count * (count + 1) / 2)
        worth = max(node.grade, node.best_child)
        return worth + EXPLORE * scale * prior * math.sqrt(1 + history.expansions) / (1 + node.shown)

    return ranked[max(range(count), key=score)]


def balance(history: History, chance: Chance) -> Node:
    """One of the best fifth with a chance of 0.7, of the ranks from 10% to 60% with 0.2, else any.

    The paper shows several, the best always among them; here one is shown.
    """
    ranked, drawn = history.ranked(), chance()
    count = len(ranked)
    low, high = 0, count
    if drawn < ELITE_CHANCE:
        high = max(1, round(ELITE * count))
    elif drawn < ELITE_CHANCE + MIDDLE_CHANCE:
        low = min(count - 1, math.floor(MIDDLE[0] * count))
        high = max(low + 1, math.ceil(MIDDLE[1] * count))
    return ranked[low + math.floor(chance() * (high - low))]


CHOICES: dict[str, Callable[[History, Chance], Node]] = {"best": best_of, "puct": puct, "balance": balance}
