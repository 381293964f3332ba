"""A place in the call tree of one strategy on one problem: what keys and random numbers are derived from."""

from __future__ import annotations

import random

from allometry.inference.calls.keys import digest, number

GROUP_DIGITS = 16


class Place:
    """One node of the tree. Its random numbers, the numbers of its children and of its samples depend on it alone.

    >>> root = Place.root(0, "p1", "greedy")
    >>> root.child().path, root.child().path
    ((0,), (1,))
    """

    __slots__ = ("_children", "_drawn", "_random", "base", "group", "path")

    def __init__(self, path: tuple[int, ...], base: bytes, group: str) -> None:
        self.path, self.base, self.group = path, base, group
        self._children = 0
        self._drawn: dict[int, int] = {}
        self._random: random.Random | None = None

    @classmethod
    def root(cls, seed: int, problem: str, strategy: str, part: str = "") -> Place:
        """The root of a strategy with its arguments on a problem; `part` tells trees of one strategy apart.

        All parts, and all budgets, are of one group: what may be used again is found together.
        """
        whole = digest(str(seed), problem, strategy)
        return cls((), digest(whole, part), whole.hex()[:GROUP_DIGITS])

    def child(self) -> Place:
        """The next child."""
        self._children += 1
        index = self._children - 1
        return Place((*self.path, index), digest(self.base, str(index)), self.group)

    def drawn(self, family: int) -> int:
        """How many samples of one request were asked for here."""
        return self._drawn.get(family, 0)

    def draw(self, family: int, count: int) -> int:
        """The number of the first of `count` further samples of one request."""
        first = self.drawn(family)
        self._drawn[family] = first + count
        return first

    @property
    def random(self) -> random.Random:
        """Random numbers of this place alone."""
        if self._random is None:
            self._random = random.Random(number(digest(self.base, "random")))
        return self._random

    @property
    def path_text(self) -> str:
        return ".".join(map(str, self.path))
