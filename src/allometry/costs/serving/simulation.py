"""A trace served by a deployment, request by request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from allometry.costs.serving.deployments import Deployment, check_fits
from allometry.costs.serving.replica import Replica
from allometry.costs.serving.roofline import Roofline
from allometry.costs.serving.served import Served
from allometry.costs.serving.step_times import StepTimes
from allometry.costs.serving.timeline import Requests, Timeline
from allometry.costs.serving.traces import COLUMNS, Counts, Trace

Tick = Callable[[int], Any]


def simulate(
    trace: Trace, deployment: Deployment, times: StepTimes | None = None, *, stepwise: bool = False,
    tick: Tick | None = None,
) -> Served:  # fmt: skip
    """When each request of a trace gets its first token and its last, under iteration-level batching.

    Use it for percentiles, and wherever requests wait for each other; for a first sight of many deployments use
    `screen`. It knows nothing of the network between users and service, nor of prompts that share a beginning without
    saying so.

    Arguments: `times` of iterations (by default a `Roofline` of the deployment, uncalibrated); `stepwise` takes
    iterations one by one, which is slow and gives the same times; `tick` is called with 1 for each replica done.
    Jobs go to the replicas in turn. Requests are admitted first come, first served, while the cache has room; when it
    is full the request admitted last starts again later, with what it had generated as part of its prompt.
    Errors: `Refused` for a request that no replica can keep, with the nearest split that could.

    >>> from allometry.costs import find_hardware, find_shape
    >>> from allometry.costs.serving import generate_trace
    >>> trace = generate_trace(rate=4, requests=100, prompt="512", generated="64")
    >>> served = simulate(trace, Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100")))
    >>> served.generated == 64 * 100
    True
    """
    check_fits(deployment, int(np.max(trace.prompt + trace.generated)))
    times = times or Roofline(deployment)
    replica_of = _in_turn(trace.job, deployment.replicas)
    columns = [np.full(len(trace), np.nan) for _ in range(3)]
    told: list[Timeline] = []
    for number in range(deployment.replicas):
        rows = np.flatnonzero(replica_of == number)
        timeline = Replica(_requests(trace, rows), deployment, times, stepwise).run()
        for column, values in zip(columns, (timeline.ready, timeline.first, timeline.finish), strict=True):
            column[rows] = values
        told.append(timeline)
        if tick is not None:
            tick(1)
    ready, first, finish = columns
    return Served(trace, deployment, ready, first, finish, tuple(told))


def _in_turn(jobs: Counts, replicas: int) -> Counts:
    """The replica of each request: jobs in turn, by their first request."""
    _, first, job = np.unique(jobs, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[job] % replicas


def _requests(trace: Trace, rows: Counts) -> Requests:
    return Requests(*(getattr(trace, name)[rows].tolist() for name in COLUMNS))
