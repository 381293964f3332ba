"""Training compute beside that of answers: a bigger model asked once, or a smaller one asked often, over R requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from allometry.axes import nearest_names
from allometry.inference.policies.goal import LIFE, Goal
from allometry.inference.policies.table import Table
from allometry.notices import Refused


@dataclass(frozen=True)
class Life:
    """FLOPs that each engine's model took to train, by engine, and the requests that it will answer.

    Errors: `Refused` for numbers that cannot be.
    """

    trained: Mapping[str, float]
    requests: float

    def __post_init__(self) -> None:
        for name, flops in self.trained.items():
            if not 0 <= flops < math.inf:
                raise Refused("bad-value", f"{flops:g} FLOPs of training cannot be", name, "give a number from 0")
        if not 0 < self.requests < math.inf:
            raise Refused("bad-value", f"{self.requests:g} requests are no life", "--requests", "give a number above 0")


@dataclass(frozen=True)
class Way:
    """What the best cell of one engine takes for the goal: FLOPs a request, of training, and of both a request."""

    cell: int
    accuracy: float
    flops: float
    trained: float
    together: float


def with_life(table: Table, life: Life) -> Table:
    """The table with a meter more: FLOPs of each answer and its share of the training.

    Errors: `Refused` for engines whose training is not told, and where FLOPs are not known.
    """
    engines = list(dict.fromkeys(cell.engine for cell in table.cells))
    for name in life.trained:
        if name not in engines:
            near = ", ".join(nearest_names(name, engines))
            raise Refused(
                "unknown-engine", f"no answers are of an engine {name!r}", "--trained", f"the engines are {near}"
            )
    for name in engines:
        if name not in life.trained:
            raise Refused("no-training", f"what {name} took to train is not told", "--trained",
                          f"give --trained {name}=FLOPS")  # fmt: skip
    flops = table.meters["flops"]
    if np.isnan(flops[~np.isnan(table.grades)]).any():
        raise Refused("no-shape", "FLOPs of some answers are not known", "the sweep", "give the engine its shape")
    shares = np.array([life.trained[cell.engine] / life.requests for cell in table.cells])
    return replace(table, meters={**table.meters, LIFE: flops + shares[:, None, None]})


def ways(table: Table, life: Life, goal: Goal) -> tuple[Way, ...]:
    """For each engine that meets the goal, its best cell by the FLOPs of its answers; the least together first."""
    accuracy = np.nanmean(table.grades, axis=2).mean(axis=1)
    flops = np.nanmean(table.meters["flops"], axis=2).mean(axis=1)
    cost = np.nanmean(table.meters[goal.unit], axis=2).mean(axis=1)
    found: list[Way] = []
    for engine in dict.fromkeys(cell.engine for cell in table.cells):
        own = np.array([i for i, cell in enumerate(table.cells) if cell.engine == engine])
        if goal.met(accuracy[own], cost[own]).any():
            cell = int(own[goal.pick(accuracy[own], cost[own])])
            trained = life.trained[engine]
            together = float(flops[cell]) + trained / life.requests
            found.append(Way(cell, float(accuracy[cell]), float(flops[cell]), trained, together))
    return tuple(sorted(found, key=lambda way: way.together))


def break_even(one: Way, other: Way) -> float | None:
    """Requests at which two ways cost the same over a life; None where one of them is the cheaper at any number.

    >>> break_even(Way(0, 0.6, 4.0, 100.0, 0.0), Way(1, 0.6, 1.0, 400.0, 0.0))
    100.0
    """
    saved, more = one.flops - other.flops, other.trained - one.trained
    return more / saved if saved * more > 0 else None
