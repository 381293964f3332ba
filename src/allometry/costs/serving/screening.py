"""What a deployment gives under a load in closed form: a steady state, no queues of chance.

A replica gets requests at a rate r, of P prompt tokens and L further generated ones. Computing a prompt takes its
batch's iterations T seconds longer, so that decoding has 1 - r T of the time, and a token takes d(B) / (1 - r T) with
d the time of a decoding iteration of B sequences. By Little's law B = r L d(B + 1) / (1 - r T): a request shares its
iterations with the B that it finds there. The largest rate is that at which B is as large as the batch or the cache
allows: 1 / (T + L d(B) / B).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allometry.costs.flops import attended
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.step_times import Prefill, StepTimes
from allometry.costs.serving.traces import Trace

HALVINGS = 16


@dataclass(frozen=True)
class Demand:
    """Means of a trace: requests a second, prompt tokens and their spread, generated tokens, tokens attended to."""

    rate: float
    requests: int
    prompt: float
    prompt_variation: float
    generated: float
    context: float
    longest: int

    @classmethod
    def of(cls, trace: Trace) -> Demand:
        later = trace.generated - 1
        contexts = later * (trace.prompt + trace.generated / 2)
        own = trace.prompt - _reusable(trace)
        return cls(
            rate=trace.rate,
            requests=len(trace),
            prompt=float(own.mean()),
            prompt_variation=float(own.std() / own.mean()),
            generated=float(trace.generated.mean()),
            context=float(contexts.sum() / later.sum()) if later.any() else float(trace.prompt.mean()),
            longest=int((trace.prompt + trace.generated).max()),
        )

    @property
    def later(self) -> float:
        """Tokens generated after the first."""
        return self.generated - 1


@dataclass(frozen=True)
class Screened:
    """A deployment's steady state under a demand.

    - `load`: offered requests over the most that can be served; from 1 on the queue grows as long as requests come.
    - `throughput`: generated tokens a second, of the whole deployment.
    - `ttft`, `tpot`, `latency`: means in seconds, without the queues that form by chance near full load.
    - `batch`: mean sequences on a replica, at most what the limits allow.
    """

    deployment: Deployment
    load: float
    throughput: float
    ttft: float
    tpot: float
    latency: float
    batch: float

    @property
    def keeps_up(self) -> bool:
        """Whether the queue stays finite; always where all requests are there from the start."""
        return self.load < 1 or math.isinf(self.load)


def screen(demand: Demand, deployment: Deployment, times: StepTimes) -> Screened:
    """The steady state of a deployment under a demand, in closed form but for one equation in the batch.

    Use it to rank many deployments before simulating a few (`rank_plans` does). Not for percentiles, and not where
    requests wait for each other. A demand of requests that all come at once is served at the largest rate.
    """
    return _Steady(demand, deployment, times).screened()


@dataclass(frozen=True)
class _Steady:
    demand: Demand
    deployment: Deployment
    times: StepTimes

    def screened(self) -> Screened:
        rate = self.demand.rate / self.deployment.replicas
        most = 1 / (self.prompt_seconds(self.most) + self.demand.later * self.token_seconds(self.most) / self.most)
        batch = self.batch(rate) if rate < most else self.most
        reached = min(rate, most)
        free = 1 - reached * self.prompt_seconds(batch)
        tpot = self.token_seconds(min(self.most, batch + 1)) / free if free > 0 else math.inf
        ttft = self.first_token(batch, reached, free) + self._backlog(rate, most)
        return Screened(
            self.deployment,
            load=rate / most,
            throughput=reached * self.deployment.replicas * self.demand.generated,
            ttft=ttft,
            tpot=tpot,
            latency=ttft + self.demand.later * tpot,
            batch=batch,
        )

    @cached_property
    def most(self) -> float:
        """Sequences that the batch or the cache allows, at their mean length."""
        kept = self.deployment.layer_tokens(math.ceil(self.demand.context))
        return max(1.0, min(self.deployment.max_batch, self.deployment.layer_token_room / kept))

    @cached_property
    def attended(self) -> float:
        """Tokens that a generating sequence attends to, by the mean over its tokens."""
        return self.deployment.layer_tokens(round(self.demand.context)) / self.deployment.shape.layers

    def token_seconds(self, batch: float) -> float:
        return self.times.step_seconds(_NOTHING, max(1.0, batch), max(1.0, batch) * self.attended)

    def prompt_seconds(self, batch: float) -> float:
        """What computing one prompt adds to the time of its batch, at the size of iterations that a full queue gives."""
        deployment, prompt = self.deployment, self.demand.prompt
        if not deployment.chunked:
            together = max(1, int(deployment.batch_tokens / prompt))
            return self.times.step_seconds(self._prompts(prompt, together), 0, 0.0) / together
        chunk = min(prompt, deployment.batch_tokens - min(batch, deployment.max_batch - 1))
        beside = max(0.0, batch)
        mixed = self.times.step_seconds(self._prompts(chunk, 1), beside, beside * self.attended)
        alone = self.token_seconds(beside) if beside >= 1 else self.token_seconds(1) * beside
        return max(0.0, mixed - alone) * prompt / chunk

    def _prompts(self, tokens: float, sequences: int) -> Prefill:
        shape = self.deployment.shape
        cached = (self.demand.prompt - tokens) / 2
        near = attended(tokens, cached, shape.window) if shape.window_layers else 0.0
        share = shape.window_layers / shape.layers
        pairs = (1 - share) * attended(tokens, cached) + share * near
        read = self.deployment.layer_tokens(round(tokens + cached)) / shape.layers
        return Prefill(tokens * sequences, sequences, pairs * sequences, read * sequences)

    def batch(self, rate: float) -> float:
        """Mean sequences on a replica, by halving: both sides of Little's law, at most what is allowed."""
        low, high = 0.0, self.most
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            free = 1 - rate * self.prompt_seconds(middle)
            needed = rate * self.demand.later * self.token_seconds(middle + 1)
            low, high = (middle, high) if needed > middle * free else (low, middle)
        return (low + high) / 2

    def first_token(self, batch: float, rate: float, free: float) -> float:
        """The rest of the iteration under way, prompts that are before it (Pollaczek-Khinchine), and its own."""
        own = self.prompt_seconds(batch)
        iteration = self.token_seconds(batch) if batch >= 1 else 0.0
        before = rate * own**2 * (1 + self.demand.prompt_variation**2) / 2 / free if free > 0 else math.inf
        return min(1.0, batch) * iteration / 2 + before + own + iteration

    def _backlog(self, rate: float, most: float) -> float:
        """Mean wait in a queue that grows from the first request to the last."""
        if rate <= most:
            return 0.0
        return self.demand.requests / self.deployment.replicas / 2 * (1 / most - 1 / rate)


_NOTHING = Prefill()


def _reusable(trace: Trace) -> np.ndarray:
    """Prompt tokens that an earlier request with the same prefix has computed."""
    known: dict[int, int] = {}
    found = np.zeros(len(trace), dtype=np.int64)
    columns = (trace.prefix, trace.shared, trace.kept)
    for row, (prefix, shared, kept) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        found[row] = min(known.get(prefix, 0), shared)
        known[prefix] = max(known.get(prefix, 0), shared, kept)
    return np.minimum(found, trace.prompt - 1)
