"""What a simulated service gave: latencies, throughput, attainment."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allometry.costs.flops import forward_flops
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.goals import Goals
from allometry.costs.serving.timeline import Timeline
from allometry.costs.serving.traces import Floats, Trace

PERCENTILES = (50, 90, 95, 99)


@dataclass(frozen=True)
class Spread:
    """Mean and percentiles of a latency in seconds."""

    mean: float
    p50: float
    p90: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Floats) -> Spread | None:
        """None where there is nothing to measure."""
        values = values[np.isfinite(values)]
        if not values.size:
            return None
        return cls(float(values.mean()), *np.percentile(values, PERCENTILES).tolist())


@dataclass(frozen=True, eq=False)
class Served:
    """A trace as a deployment served it: for each request when it was `ready`, got its first token, and its last.

    Times are seconds on the trace's clock. A request that waits for others is ready when they are done. Latencies are
    over all requests, those of the first and last moments included.
    """

    trace: Trace
    deployment: Deployment
    ready: Floats
    first: Floats
    finish: Floats
    replicas: tuple[Timeline, ...]

    @cached_property
    def ttft(self) -> Floats:
        """Seconds from ready to the first token."""
        return self.first - self.ready

    @cached_property
    def tpot(self) -> Floats:
        """Mean seconds per token after the first; not a number for answers of one token."""
        later = self.trace.generated - 1
        return np.divide(self.finish - self.first, later, out=np.full(len(later), np.nan), where=later > 0)

    @cached_property
    def latency(self) -> Floats:
        """Seconds from ready to the last token."""
        return self.finish - self.ready

    @cached_property
    def job_latency(self) -> Floats:
        """Seconds from the first request of a job to the last token of the job."""
        _, job = np.unique(self.trace.job, return_inverse=True)
        begin, end = np.full(job.max() + 1, np.inf), np.full(job.max() + 1, -np.inf)
        np.minimum.at(begin, job, self.ready)
        np.maximum.at(end, job, self.finish)
        return end - begin

    @property
    def seconds(self) -> float:
        """From the first arrival to the last token."""
        return float(self.finish.max() - self.trace.arrival[0])

    @property
    def generated(self) -> int:
        return sum(told.generated for told in self.replicas)

    @property
    def prefilled(self) -> int:
        """Prompt tokens computed, those again after a preemption included, shared ones once."""
        return sum(told.prefilled for told in self.replicas)

    @property
    def reused(self) -> int:
        """Prompt tokens found in a shared prefix."""
        return sum(told.reused for told in self.replicas)

    @property
    def iterations(self) -> int:
        return sum(told.iterations for told in self.replicas)

    @property
    def preemptions(self) -> int:
        return sum(told.preemptions for told in self.replicas)

    @property
    def busy(self) -> float:
        """Share of the replicas' time that is spent in iterations."""
        return sum(told.busy for told in self.replicas) / (self.seconds * len(self.replicas))

    @property
    def batch(self) -> float:
        """Mean sequences in an iteration, over the time of iterations."""
        return sum(told.batches for told in self.replicas) / sum(told.busy for told in self.replicas)

    @property
    def most(self) -> int:
        """The most sequences that a replica had at once."""
        return max(told.most for told in self.replicas)

    @property
    def throughput(self) -> float:
        """Generated tokens a second, of the whole deployment."""
        return self.generated / self.seconds

    @property
    def request_rate(self) -> float:
        """Requests finished a second, of the whole deployment."""
        return len(self.trace) / self.seconds

    @property
    def peak_cache(self) -> float:
        """Share of the cache in use at the most."""
        return max(told.peak for told in self.replicas) / self.deployment.layer_token_room

    @property
    def mfu(self) -> float:
        """FLOPs of the requests, each token computed once, over the dense peak of the devices for as long as it took."""
        peak = self.deployment.hardware.peak_flops(self.deployment.precision)
        return self._flops() / (peak * self.deployment.devices * self.seconds)

    def attainment(self, goals: Goals) -> float | None:
        """Share of requests that meet the goals of latency; None where there are none."""
        if goals.ttft is None and goals.tpot is None:
            return None
        met = np.ones(len(self.trace), dtype=bool)
        if goals.ttft is not None:
            met &= self.ttft <= goals.ttft
        if goals.tpot is not None:
            met &= ~(self.tpot > goals.tpot)  # an answer of one token waits for no further one
        return float(met.mean())

    def _flops(self) -> float:
        """Of distinct lengths only: a trace has few."""
        pairs = np.stack([self.trace.prompt, self.trace.generated - 1])
        kinds, counts = np.unique(pairs, axis=1, return_counts=True)
        shape = self.deployment.shape
        return float(sum(
            count * forward_flops(shape, float(prompt + later), logits=float(later + 1)).total
            for prompt, later, count in zip(*kinds.tolist(), counts.tolist(), strict=True)
        ))  # fmt: skip
