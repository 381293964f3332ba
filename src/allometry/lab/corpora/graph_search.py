"""Graph search: the path from one node to another in a random graph, for what a model must plan."""

from __future__ import annotations

import numpy as np

from allometry.lab.corpus import Corpus
from allometry.lab.records import LETTERS, exercises, text
from allometry.lab.tables import check_above_zero
from allometry.notices import Refused

_WHERE = "[corpus]"


def read(*, nodes: int = 12, steps: int = 3, examples: int = 20_000, seed: int = 0) -> Corpus:
    """`examples` graphs such as `ab,cd,bc:ad=bcd`, edges, then from where to where, then the path; some held out.

    Nodes are letters, given anew in each graph. Edges have a direction and come in random order; each node but the first
    has one edge into it, from a random node before it, so that there is exactly one path, of so many `steps`. The accuracy
    of a run is the share of paths that are right as a whole: forwards a node can have many edges, so that a model that
    does not look back from the end must guess at each.
    Errors: `Refused` for more steps than the nodes allow and for more than 52 nodes.
    """
    check_above_zero("steps", steps, _WHERE)
    if not steps < nodes <= len(LETTERS):
        raise Refused("bad-value", f"{nodes} nodes hold no path of {steps} steps here", _WHERE,
                      f"give more nodes than steps, and at most {len(LETTERS)}")  # fmt: skip
    prompt = 3 * (nodes - 1) + 3

    def draw(generator: np.random.Generator, count: int) -> np.ndarray:
        names = LETTERS[_orders(generator, count, len(LETTERS))[:, :nodes]]
        records = text(b",".join([b"  "] * (nodes - 1)) + b":  =" + b" " * steps + b"\n", count)
        first, second = _edges(generator, count, nodes, steps)
        for edge in range(nodes - 1):
            records[:, 3 * edge] = np.take_along_axis(names, first[:, edge : edge + 1], axis=1)[:, 0]
            records[:, 3 * edge + 1] = np.take_along_axis(names, second[:, edge : edge + 1], axis=1)[:, 0]
        records[:, prompt - 3], records[:, prompt - 2] = names[:, 0], names[:, steps]
        records[:, prompt : prompt + steps] = names[:, 1 : steps + 1]
        return records

    return exercises("graph-search", draw, slice(prompt, prompt + steps), examples, seed)


def _edges(generator: np.random.Generator, count: int, nodes: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Both ends (count, nodes - 1) of each edge in random order: a path over the first nodes, the others hung on."""
    children = np.broadcast_to(np.arange(1, nodes), (count, nodes - 1))
    parents = np.where(children <= steps, children - 1, generator.integers(0, children))
    order = _orders(generator, count, nodes - 1)
    return np.take_along_axis(parents, order, axis=1), np.take_along_axis(children, order, axis=1)


def _orders(generator: np.random.Generator, count: int, length: int) -> np.ndarray:
    return np.argsort(generator.random((count, length)), axis=1)
