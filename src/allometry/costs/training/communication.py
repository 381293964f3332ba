"""Bytes that one device sends in a step, and over which wire.

Ranks are placed as Megatron-LM places them: tensor groups on neighbouring devices, then context, then data-parallel
groups, then pipeline stages; a group that fits in a node talks over its link, a larger one over the network.
Volumes are those of ring collectives (Rajbhandari et al. 2020, arXiv 1910.02054, sec. 7; Narayanan et al. 2021,
arXiv 2104.04473, sec. 3). Latencies are not counted: small messages take longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allometry.costs.hardware import Hardware
from allometry.costs.training.activations import tokens_here
from allometry.costs.training.job import Job
from allometry.costs.training.memory import stage_parameters
from allometry.costs.training.parallel import Parallelism


@dataclass(frozen=True)
class Volumes:
    """Bytes that a device sends: `data` in each step, the others for each micro-batch."""

    tensor: float
    expert: float
    context: float
    pipeline: float
    data: float


@dataclass(frozen=True)
class Wire:
    """What a group talks over: a tier, "link" or "network", and how many of its devices send from one node.

    A ring enters and leaves each node once; where a group has several devices in each node, as many rings share the
    node's network, so that their bandwidths add up, as far as the link inside the node can carry it.
    """

    tier: str
    senders: int = 1

    def seconds(self, size: float, hardware: Hardware, factors: Mapping[str, float]) -> float:
        """Seconds for one device to send `size` bytes around the group."""
        if not size:
            return 0.0
        speed = hardware.tier_bandwidth(self.tier) * factors[self.tier] * self.senders
        if self.senders > 1:
            speed = min(speed, hardware.tier_bandwidth("link") * factors["link"])
        return size / speed


@dataclass(frozen=True)
class Wires:
    """What each kind of group talks over."""

    tensor: Wire
    expert: Wire
    context: Wire
    pipeline: Wire
    data: Wire


def wires(spread: Parallelism, hardware: Hardware) -> Wires:
    """What each kind of group talks over.

    Only the long transfers of data-parallel groups are given a node's whole network. Tensor groups could use it as
    well, but wait for each of many transfers: measured, they are slow across nodes (Narayanan et al. 2021, sec. 5.4;
    Dash et al. 2023), so they are given one device's part.
    """
    node, inner = hardware.devices_per_node, spread.tensor * spread.context

    def tier(span: int) -> str:
        return "link" if span <= node else "network"

    data = tier(inner * spread.data)
    return Wires(
        tensor=Wire(tier(spread.tensor)),
        context=Wire(tier(inner)),
        expert=Wire(tier(inner * spread.expert)),
        data=Wire(data, max(1, node // spread.tensor) if data == "network" else 1),
        pipeline=Wire(tier(spread.devices)),
    )


def volumes(job: Job, spread: Parallelism) -> Volumes:
    """Bytes that one device sends, on the fullest stage."""
    return Volumes(
        tensor=_tensor_bytes(job, spread),
        expert=_expert_bytes(job, spread),
        context=_context_bytes(job, spread),
        pipeline=_pipeline_bytes(job, spread),
        data=_data_bytes(job, spread),
    )


def layer_runs(job: Job, spread: Parallelism) -> float:
    """Layers that a micro-batch passes on the fullest stage, loops counted."""
    return job.shape.depth * spread.stage_layers(job) / job.shape.layers


def _border_bytes(job: Job, spread: Parallelism) -> float:
    """A micro-batch at the border of a layer."""
    return job.activation_bytes * tokens_here(job, spread) * job.shape.width * job.shape.streams


def _tensor_bytes(job: Job, spread: Parallelism) -> float:
    """Two all-reduces of a layer's output forward and two backward, and those of a forward pass that is run again."""
    if spread.tensor == 1:
        return 0.0
    reduces = 4 + 2 * (spread.recompute == "full")
    return reduces * 2 * _ring(spread.tensor) * _border_bytes(job, spread) * layer_runs(job, spread)


def _expert_bytes(job: Job, spread: Parallelism) -> float:
    """Each token goes to its experts and comes back, forward and backward, unless its expert is at home."""
    passes = 4 + 2 * (spread.recompute == "full")
    copies = job.shape.active_experts * _border_bytes(job, spread) / (spread.tensor if spread.sequence else 1)
    share = job.shape.expert_layers / job.shape.layers
    return passes * _ring(spread.expert) * copies * share * layer_runs(job, spread)


def _context_bytes(job: Job, spread: Parallelism) -> float:
    """Keys and values go around the ring once forward; backward they go again, with their gradients."""
    shape = job.shape
    own = shape.cache_width * job.activation_bytes * tokens_here(job, spread) / spread.tensor
    passes = 3 + (spread.recompute == "full")
    return passes * (spread.context - 1) * own * shape.streams * layer_runs(job, spread)


def _pipeline_bytes(job: Job, spread: Parallelism) -> float:
    """A micro-batch to the next stage and its gradient back, for each piece of the model."""
    if spread.pipeline == 1:
        return 0.0
    return 2 * spread.interleave * _border_bytes(job, spread) / spread.tensor


def _data_bytes(job: Job, spread: Parallelism) -> float:
    """Gradients summed over the group; with stage 3 weights gathered for each pass of each micro-batch besides."""
    held = stage_parameters(job, spread, 0)
    whole = held.plain * _ring(spread.replicas) + held.experts * _ring(spread.replicas // spread.expert)
    per = job.bytes_per_parameter
    if spread.zero < 3:
        return (per.gradients + per.weights) * whole
    return (per.gradients + 2 * per.weights) * whole * spread.micro_batches(job)


def _ring(size: int) -> float:
    return (size - 1) / size
