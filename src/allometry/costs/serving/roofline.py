"""Times of iterations from the roofline of requests: work over peak figures, times efficiency factors.

The work is that of `costs.work` and the formula that of `costs.roofline`, kept as coefficients because a simulation
asks for hundreds of thousands of iterations; a test holds the two together. Two things are added. An iteration of
prompts and generating sequences reads the weights once, for both. And a pipeline is taken to be kept full: sequences
are split evenly into as many micro-batches as there are stages (or sequences, if fewer), which follow each other, so
that an iteration lasts as long as one micro-batch takes through all stages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from allometry.costs.cache import cache_reads
from allometry.costs.flops import attended_in, attention_rounds, forward_flops
from allometry.costs.formats import FULL
from allometry.costs.hardware import Hardware
from allometry.costs.roofline import ROOFLINE_FACTORS
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.step_times import Pace, Prefill
from allometry.costs.shapes import Shape
from allometry.costs.work import ALL_REDUCES, activation_bytes, read_weight_bytes

LONG = 1024  # tokens of a pass and of a cache from which the costs of a pair are taken; any would do


class Roofline:
    """Times of a deployment's iterations from its shape, its hardware and efficiency factors.

    Use it where nothing was measured; calibrated factors in the hardware's file are better, and a table of measured
    iterations (`MeasuredSteps`) better still. `factors` take the place of the hardware's, by name.

    >>> from allometry.costs import find_hardware, find_shape
    >>> times = Roofline(Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100")))
    >>> times.step_seconds(Prefill(), 1, 512) < times.step_seconds(Prefill(), 64, 64 * 512)
    True
    """

    def __init__(self, deployment: Deployment, factors: Mapping[str, float] | None = None) -> None:
        self.factors = {**factor_values(deployment), **(factors or {})}
        self.stages = deployment.pipeline
        self.uneven = deployment.stage_layers * deployment.pipeline / deployment.shape.layers * self.factors["time"]
        self._matrices(deployment.shape, deployment)
        self._attention(deployment.shape, deployment)
        self._traffic(deployment.shape, deployment)
        self._batches: dict[float, tuple[float, float]] = {}

    def _matrices(self, shape: Shape, deployment: Deployment) -> None:
        """Seconds of multiply-adds for a token and a logit, and of reading the weights that n tokens need."""
        peak = deployment.hardware.peak_flops(deployment.precision) * deployment.tensor
        read = deployment.hardware.bandwidth * deployment.tensor * self.factors["memory"]
        once = forward_flops(shape, 1, logits=1)
        self.token_flops, self.logit_flops = (once.total - once.scores - once.head) / peak, once.head / peak
        self.weights = read_weight_bytes(shape, 0, deployment.weights) / read
        self.experts = read_weight_bytes(shape, math.inf, deployment.weights) / read - self.weights
        self.unused = (1 - shape.active_experts / shape.experts) ** shape.streams if shape.experts else 0.0

    def _attention(self, shape: Shape, deployment: Deployment) -> None:
        """Seconds of a pair of tokens in a prompt and in decoding; a processor goes through a head of a sequence."""
        hardware, factors, how = deployment.hardware, self.factors, deployment.how
        peak = hardware.peak_flops(deployment.precision) * deployment.tensor
        self.beside = attended_in(shape, 1) - 1  # learned prefixes, which each token of a stream attends to
        # a pair of a prompt and one of decoding may be multiplied in different ways
        new, one = ((LONG, 0), (1, LONG))
        self.score = forward_flops(shape, *new).scores / attended_in(shape, *new) / peak / factors["attention"]
        decoded = forward_flops(shape, *one).scores / attended_in(shape, *one) / peak / factors["attention"]
        reads = (
            cache_reads(shape, *one) / attended_in(shape, *one) * deployment.cache.bytes_each / how.cache_devices(shape)
        )
        self.read = max(reads / (hardware.bandwidth * factors["cache"]), decoded)
        self.key = attention_rounds(shape) * factors["key"]
        heads = shape.key_value_heads / how.cache_devices(shape)
        self.heads_each = 0.0 if hardware.processors is None else heads / hardware.processors

    def _traffic(self, shape: Shape, deployment: Deployment) -> None:
        """Seconds of activations for a token and a logit, of the cache they write, of launches, and between devices."""
        hardware, factors, tensor = deployment.hardware, self.factors, deployment.tensor
        moved = hardware.bandwidth * factors["activations"]
        none = activation_bytes(shape, 0, 0)
        self.token_moved = (activation_bytes(shape, 1, 0) - none) / moved / tensor
        self.logit_moved = (activation_bytes(shape, 0, 1) - none) / moved / tensor
        self.kept = deployment.token_cache_bytes / moved
        self.launches = shape.depth * factors["layer"]
        self.sent = 0.0
        message = shape.streams * shape.width * FULL.bytes_each
        layer, stage = deployment.wires
        if layer is not None:
            reduces = ALL_REDUCES * shape.depth
            self.launches += reduces * factors["collective"]
            ring = 2 * (tensor - 1) / tensor
            self.sent += reduces * ring * message / (hardware.tier_bandwidth(layer) * factors[layer])
        if stage is not None:
            self.launches += self.stages * factors["collective"]
            self.sent += self.stages * message / tensor / (hardware.tier_bandwidth(stage) * factors[stage])

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        """Seconds of an iteration: see `StepTimes`."""
        sequences = batch + prefill.sequences
        micro = min(self.stages, sequences)
        computed, decoded = prefill.tokens, batch
        tokens, factors = computed + decoded, self.factors
        flops = (self.token_flops * computed + self.logit_flops * prefill.sequences) / factors["compute"]
        flops += (self.token_flops + self.logit_flops) * decoded / factors["decode"]
        read = self.weights
        if self.experts:
            read += self.experts * (1 - self.unused ** (tokens / micro))
        scores = self.score * (prefill.pairs + self.beside * computed)
        moved = self.token_moved * tokens + self.logit_moved * sequences + self.kept * (prefill.read + decoded)
        cache = self._cache(batch / micro) * (attended + self.beside * decoded) if batch else 0.0
        seconds = max(flops / micro, read) + (scores + moved + cache + self.sent * tokens) / micro + self.launches
        return self.uneven * seconds

    def _cache(self, batch: float) -> float:
        """Seconds for each token that a batch of this size attends to, the sequences of one micro-batch together."""
        return max(self.read, self.key * max(1.0, self.heads_each * batch) / batch)

    def pace(self, batch: float, attended: float) -> Pace:
        """The line along which decoding slows as the cache grows: see `StepTimes`."""
        found = self._batches.get(batch)
        if found is None:
            micro = min(self.stages, batch)
            slope = self.uneven * self._cache(batch / micro) / micro
            found = self._batches[batch] = self.step_seconds(Prefill(), batch, 0.0), slope
        return Pace(found[0] + found[1] * attended, found[1])


def factor_names(deployment: Deployment) -> tuple[str, ...]:
    """Factors that a deployment's times depend on."""
    wires = sorted({tier for tier in deployment.wires if tier is not None})
    own = [name for name in ROOFLINE_FACTORS if name not in ("link", "collective")]
    return (*own, *wires, *(("collective",) if wires else ()), "time")


def factor_values(deployment: Deployment) -> dict[str, float]:
    hardware: Hardware = deployment.hardware
    return {name: hardware.factor(name).value for name in factor_names(deployment)}
