"""Times of iterations from a roofline: work over peak figures, times efficiency factors, plus overheads.

In an iteration the linear layers see all tokens of the batch at once and take the longer of their multiply-adds and of
reading the weights once; attention takes the longer of its own multiply-adds and of reading keys and values. Tensor
parallelism adds two all-reduces a layer, each stage of a pipeline a transfer.

A pipeline is taken to be kept full: an iteration's sequences are split evenly into as many micro-batches as there are
stages (or sequences, if fewer), which follow each other, so that an iteration lasts as long as one micro-batch takes
through all stages.
"""

from __future__ import annotations

from dataclasses import replace

from allometry.costs._checks import check_choice
from allometry.costs.cache import cache_entries
from allometry.costs.flops import FLOPS_PER_MULTIPLY_ADD, forward_flops
from allometry.costs.hardware import Hardware
from allometry.costs.serving.deployments import BITS_PER_BYTE, Deployment
from allometry.costs.serving.step_times import Pace, Prefill
from allometry.costs.shapes import Shape

ENDS = ("value", "slow", "fast")
# Assumed: activations are sent in 16 bits.
ACTIVATION_BYTES = 2
# Megatron-LM (Shoeybi et al. 2019, arXiv 1909.08053, section 3): one all-reduce behind attention, one behind the
# feed-forward.
ALL_REDUCES = 2


class Roofline:
    """Times of a deployment's iterations from its shape, its hardware and efficiency factors.

    Use it where nothing was measured; a table of measured iterations (`MeasuredSteps`) is better. `end` chooses the
    factors' values, or the slow or fast ends of their spread, all at once.

    >>> from allometry.costs import find_hardware, find_shape
    >>> times = Roofline(Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100")))
    >>> times.step_seconds(Prefill(), 1, 512) < times.step_seconds(Prefill(), 64, 64 * 512)
    True
    """

    def __init__(self, deployment: Deployment, end: str = "value") -> None:
        check_choice("end", end, ENDS, "the factors")
        shape, hardware = deployment.shape, deployment.hardware
        self.stages = deployment.pipeline
        uneven = deployment.stage_layers * deployment.pipeline / shape.layers
        flops = (
            hardware.peak_flops(deployment.precision) * _share(hardware, "compute", end) * deployment.tensor / uneven
        )
        memory = hardware.bandwidth * _share(hardware, "memory", end) / uneven
        self._linear(shape, deployment, flops, memory * deployment.tensor)
        self._attention(shape, deployment, flops, memory * min(deployment.tensor, shape.key_value_heads))
        self._traffic(shape, deployment, end)
        self._batches: dict[float, tuple[float, float]] = {}

    def _linear(self, shape: Shape, deployment: Deployment, flops: float, memory: float) -> None:
        once = forward_flops(shape, 1, logits=0)
        counts = shape.parameters()
        to_seconds = deployment.weight_bits / BITS_PER_BYTE / memory
        passes = 1 + (shape.loops - 1) * shape.loop_layers / shape.layers
        head = shape.vocab * shape.width
        self.token_seconds = (once.total - once.scores) / flops
        self.logit_seconds = FLOPS_PER_MULTIPLY_ADD * head / flops
        routed = counts.experts * shape.experts / (shape.experts + shape.shared_experts) if shape.experts else 0.0
        self.weight_seconds = ((counts.non_embedding - routed) * passes + head) * to_seconds
        self.expert_seconds = routed * passes * to_seconds
        self.unused = 1 - shape.active_experts / shape.experts if shape.experts else 1.0
        self.streams = shape.streams

    def _attention(self, shape: Shape, deployment: Deployment, flops: float, memory: float) -> None:
        whole = replace(shape, window=None, window_layers=0)
        alone, behind = (forward_flops(whole, 1, cached).scores for cached in (0, 1))
        pair = behind - alone
        self.token_seconds += (alone - pair) / flops  # learned prefixes, which each token of a stream attends to
        self.pair_seconds = pair / flops
        self.read_seconds = cache_entries(shape, 1) * deployment.cache_bits / BITS_PER_BYTE / memory
        self.attended_seconds = max(self.pair_seconds, self.read_seconds)

    def _traffic(self, shape: Shape, deployment: Deployment, end: str) -> None:
        hardware, tensor = deployment.hardware, deployment.tensor
        message = shape.width * shape.streams * ACTIVATION_BYTES
        self.fixed_seconds = _seconds(hardware, "step", end)
        self.sent_seconds = 0.0
        if tensor > 1:
            reduces = ALL_REDUCES * shape.depth
            self.fixed_seconds += reduces * _seconds(hardware, "collective", end)
            ring = 2 * (tensor - 1) / tensor
            self.sent_seconds += reduces * ring * message / _wire(hardware, tensor, end)
        if self.stages > 1:
            self.fixed_seconds += self.stages * _seconds(hardware, "collective", end)
            self.sent_seconds += self.stages * message / _wire(hardware, tensor * self.stages, end) / tensor

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        """Seconds of an iteration: see `StepTimes`."""
        sequences = batch + prefill.sequences
        micro = min(self.stages, sequences)
        tokens = (prefill.tokens + batch) / micro
        computed = self.token_seconds * tokens + self.logit_seconds * sequences / micro
        read = self.weight_seconds
        if self.expert_seconds:
            read += self.expert_seconds * (1 - self.unused ** (tokens * self.streams))
        prompts = max(self.pair_seconds * prefill.pairs, self.read_seconds * prefill.read)
        attention = (prompts + self.attended_seconds * attended) / micro
        return max(computed, read) + attention + self.sent_seconds * tokens + self.fixed_seconds

    def pace(self, batch: float, attended: float) -> Pace:
        """The line along which decoding slows as the cache grows: see `StepTimes`."""
        found = self._batches.get(batch)
        if found is None:
            slope = self.attended_seconds / min(self.stages, batch)
            found = self._batches[batch] = self.step_seconds(Prefill(), batch, 0.0), slope
        return Pace(found[0] + found[1] * attended, found[1])


def _share(hardware: Hardware, name: str, end: str) -> float:
    factor = hardware.factor(name)
    return {"value": factor.value, "slow": factor.low, "fast": factor.high}[end]


def _seconds(hardware: Hardware, name: str, end: str) -> float:
    factor = hardware.factor(name)
    return {"value": factor.value, "slow": factor.high, "fast": factor.low}[end]


def _wire(hardware: Hardware, devices: int, end: str) -> float:
    """Bytes/s between this many neighbours: the link within a node, the network beyond it."""
    tier = "link" if devices <= hardware.devices_per_node else "network"
    return hardware.tier_bandwidth(tier) * _share(hardware, tier, end)
