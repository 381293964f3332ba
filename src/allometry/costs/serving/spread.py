"""How far a simulated service may be off, for its times rest on factors that have a spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.roofline import Roofline, factor_names
from allometry.costs.serving.served import Served
from allometry.costs.serving.simulation import simulate
from allometry.costs.serving.traces import Floats, Trace
from allometry.notices import Interval

MOST_REQUESTS = 2_000

Tick = Callable[[int], Any]


def factor_spread(
    trace: Trace, deployment: Deployment, goals: Goals | None = None, tick: Tick | None = None
) -> Mapping[str, Interval]:
    """Intervals of what a service gives, from the spread of the factors of its times.

    Use it beside a simulation whose times come from a `Roofline`. Each factor is taken to the ends of its spread alone
    and the trace is simulated again (its first 2,000 requests, if it is longer); the logarithms of the changes are
    added as squares, those of attainment as they are: exact for small, independent errors. Near full load queues make
    the errors neither, and the upper ends of latencies are rough.
    """
    trace, goals = trace.first(MOST_REQUESTS), goals or Goals()
    middle = _figures(simulate(trace, deployment), goals)
    changed = []
    for name in factor_names(deployment):
        factor = deployment.hardware.factor(name)
        for end in {factor.low, factor.high} - {factor.value}:
            times = Roofline(deployment, {name: max(end, 1e-12)})
            changed.append((name, _figures(simulate(trace, deployment, times), goals)))
        if tick is not None:
            tick(1)
    return {figure: _interval(figure, value, changed) for figure, value in middle.items()}


def _figures(served: Served, goals: Goals) -> dict[str, float]:
    found = {"throughput": served.throughput}
    for name in ("ttft", "tpot", "latency"):
        values = getattr(served, name)
        for percent in (50, 95):
            found[f"{name}.p{percent}"] = _percentile(values, percent)
    attained = served.attainment(goals)
    return found if attained is None else {**found, "attainment": attained}


def _percentile(values: Floats, percent: float) -> float:
    values = values[np.isfinite(values)]
    return float(np.percentile(values, percent)) if values.size else math.nan


def _interval(figure: str, value: float, changed: list[tuple[str, dict[str, float]]]) -> Interval:
    if not math.isfinite(value):
        return Interval(None, why="every answer has one token")
    share = figure == "attainment"
    up, down = (_together(figure, value, changed, sign, share) for sign in (1, -1))
    if share:
        return Interval(value, max(0.0, value - down), min(1.0, value + up))
    return Interval(value, value * math.exp(-down), value * math.exp(up))


def _together(figure: str, value: float, changed: list[tuple[str, dict[str, float]]], sign: int, share: bool) -> float:
    """The changes in one direction, the largest of each factor, added as squares."""
    largest: dict[str, float] = {}
    for name, figures in changed:
        change = figures[figure] - value if share else math.log(figures[figure] / value)
        largest[name] = max(largest.get(name, 0.0), sign * change)
    return math.sqrt(sum(change**2 for change in largest.values()))
