"""How far a simulated service may be off, for its times rest on factors that have a spread."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from allometry.costs._intervals import in_squares, spread_around
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.roofline import Roofline, factor_names
from allometry.costs.serving.served import Served
from allometry.costs.serving.simulation import simulate
from allometry.costs.serving.traces import Trace
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
    changed: dict[str, list[dict[str, float]]] = {}
    for name in factor_names(deployment):
        ends = (Roofline(deployment, {name: end}) for end in deployment.hardware.factor(name).ends)
        changed[name] = [_figures(simulate(trace, deployment, times), goals) for times in ends]
        if tick is not None:
            tick(1)
    return {
        figure: combined(value, {name: [found[figure] for found in ends] for name, ends in changed.items()}, share=figure == "attainment")
        for figure, value in middle.items()
    }  # fmt: skip


def combined(value: float, changed: Mapping[str, Sequence[float]], *, share: bool = False) -> Interval:
    """The interval of a value that becomes what `changed` holds when one factor alone goes to its ends.

    The largest change of each factor in a direction counts; a `share` changes by differences within 0 to 1, all else
    by ratios.
    """
    if not math.isfinite(value):
        return Interval(None, why="every answer has one token")
    if not share:
        return spread_around(value, changed.values())
    up, down = in_squares([end - value for end in ends] for ends in changed.values())
    return Interval(value, max(0.0, value - down), min(1.0, value + up))


def _figures(served: Served, goals: Goals) -> dict[str, float]:
    found = {"throughput": served.throughput}
    for name in ("ttft", "tpot", "latency"):
        values = getattr(served, name)
        values = values[np.isfinite(values)]
        found[f"{name}.mean"] = float(values.mean()) if values.size else math.nan
        for percent in (50, 95):
            found[f"{name}.p{percent}"] = float(np.percentile(values, percent)) if values.size else math.nan
    attained = served.attainment(goals)
    return found if attained is None else {**found, "attainment": attained}
