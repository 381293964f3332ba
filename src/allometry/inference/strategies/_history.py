"""Answers of one chain of refinements, and which of them to show to the model next."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from allometry.inference.calls import Response

# Published settings: weight of what was seldom shown; of the balanced choice, the shares of the elite and of the middle.
EXPLORE = 1.0
ELITE, ELITE_CHANCE = 0.2, 0.7
MIDDLE, MIDDLE_CHANCE = (0.1, 0.6), 0.2
# What of a child's worth its parents have, by propagation.
HANDED_UP = 0.8


@dataclass(eq=False)
class Node:
    """A committed answer: its grade, what it was gone on from, how often it was, and the best grade that came of that."""

    response: Response
    grade: float
    shown: int = 0
    best_child: float = -math.inf
    parents: tuple[Node, ...] = ()


@dataclass
class History:
    """The committed answers of one chain, and how many times it was gone on."""

    nodes: list[Node] = field(default_factory=list)
    expansions: int = 0

    def commit(self, parents: Sequence[Node], response: Response, grade: float) -> None:
        """Take in the best candidate of a step, and credit those that were shown for it."""
        for parent in parents:
            parent.shown += 1
            parent.best_child = max(parent.best_child, grade)
        self.expansions += 1
        self.nodes.append(Node(response, grade, parents=tuple(parents)))

    def ranked(self) -> list[Node]:
        """The nodes, best first, the earlier of equals."""
        return sorted(self.nodes, key=lambda node: -node.grade)


Chance = Callable[[], float]
Choice = Callable[[History, Chance, Sequence[Node]], Node | None]


def choose(choice: Choice, history: History, chance: Chance, count: int) -> list[Node]:
    """So many different answers, chosen one after another; fewer where there are no more to choose from."""
    taken: list[Node] = []
    while len(taken) < count and (node := choice(history, chance, taken)) is not None:
        taken.append(node)
    return taken


def best_of(history: History, chance: Chance, taken: Sequence[Node] = ()) -> Node | None:
    """The answer with the highest grade: plain hill climbing."""
    return next((node for node in history.ranked() if node not in taken), None)


def puct(history: History, chance: Chance, taken: Sequence[Node] = ()) -> Node | None:
    """The answer with the highest Q + c * scale * P * sqrt(1 + T) / (1 + n), as in tree search with a prior.

    Q is its own grade or the best that came of it, P falls with its rank, n is how often it was shown, T how often any.
    """
    ranked = history.ranked()
    count = len(ranked)
    scale = max(ranked[0].grade - ranked[-1].grade, 1e-6)

    def score(rank: int) -> float:
        node, prior = ranked[rank], (count - rank) / (count * (count + 1) / 2)
        return max(node.grade, node.best_child) + scale * _bonus(history, node, prior)

    left = [rank for rank in range(count) if ranked[rank] not in taken]
    return ranked[max(left, key=score)] if left else None


def rpucg(history: History, chance: Chance, taken: Sequence[Node] = ()) -> Node | None:
    """The answer with the highest Q + c * P * sqrt(1 + T) / (1 + n), by ranks: no grade counts by its size.

    Q is the share of answers with a lower worth, the worth being an answer's own grade or 0.8 of the best worth that
    came of it; P is the share with a lower grade. Not chosen is what a taken one came of, or what came of it.
    """
    nodes, worths = history.nodes, worth(history.nodes)
    by_worth, by_grade = sorted(worths), sorted(node.grade for node in nodes)

    def score(i: int) -> float:
        prior = bisect_left(by_grade, nodes[i].grade) / len(nodes)
        return bisect_left(by_worth, worths[i]) / len(nodes) + _bonus(history, nodes[i], prior)

    near = [*taken, *(parent for node in taken for parent in node.parents)]
    left = [
        i for i, node in enumerate(nodes) if node not in near and not any(parent in taken for parent in node.parents)
    ]
    return nodes[max(left, key=score)] if left else None


def worth(nodes: Sequence[Node]) -> list[float]:
    """The larger of each answer's own grade and 0.8 of the worth of what came of it, from the newest to the oldest."""
    worths = {id(node): node.grade for node in nodes}
    for node in reversed(nodes):
        for parent in node.parents:
            worths[id(parent)] = max(worths[id(parent)], HANDED_UP * worths[id(node)])
    return [worths[id(node)] for node in nodes]


def _bonus(history: History, node: Node, prior: float) -> float:
    return EXPLORE * prior * math.sqrt(1 + history.expansions) / (1 + node.shown)


def balance(history: History, chance: Chance, taken: Sequence[Node] = ()) -> Node | None:
    """One of the best fifth with a chance of 0.7, of the ranks from 10% to 60% with 0.2, else any.

    The paper shows several, the best always among them; where one is shown, it is drawn.
    """
    ranked = [node for node in history.ranked() if node not in taken]
    if not ranked:
        return None
    count, drawn = len(ranked), chance()
    low, high = 0, count
    if drawn < ELITE_CHANCE:
        high = max(1, round(ELITE * count))
    elif drawn < ELITE_CHANCE + MIDDLE_CHANCE:
        low = min(count - 1, math.floor(MIDDLE[0] * count))
        high = max(low + 1, math.ceil(MIDDLE[1] * count))
    return ranked[low + math.floor(chance() * (high - low))]


CHOICES: dict[str, Choice] = {"best": best_of, "puct": puct, "rpucg": rpucg, "balance": balance}
