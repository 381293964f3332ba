"""Traffic to host memory and disks, and the bandwidth it needs (ZeRO-Infinity).

Source: Rajbhandari et al. 2021, arXiv 2104.07857, sections 3 and 4. Three classes leave the device: weights with their
gradients, the optimiser's states, and activation checkpoints. Each has an arithmetic intensity, FLOPs for each byte
moved, and so a bandwidth at which a device stays busy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from allometry.costs._checks import check_positive
from allometry.costs.flops import TRAINING_PASSES
from allometry.costs.hardware import Hardware
from allometry.costs.shapes import matrix_parameters
from allometry.costs.training.activations import checkpoint_bytes
from allometry.costs.training.job import Job
from allometry.costs.training.memory import stage_parameters
from allometry.costs.training.parallel import Parallelism
from allometry.notices import Refused

CLASSES = ("weights", "optimizer", "activations")


@dataclass(frozen=True)
class Traffic:
    """Bytes that one device moves in a step, to and fro, if a class is kept elsewhere."""

    weights: float
    optimizer: float
    activations: float


@dataclass(frozen=True)
class Transfer:
    """Seconds of moving what is kept elsewhere: `hideable` behind the passes, `exposed` after them."""

    hideable: float
    exposed: float


def traffic(job: Job, spread: Parallelism) -> Traffic:
    """Bytes of each class that a device would move in one step.

    Weights come for the forward pass, for running it again and for the backward pass, and their gradients leave once;
    optimiser's states come and go; checkpoints leave and come back. Every device moves its own part only, since
    weights are split over all data-parallel devices and gathered over the faster wires.
    """
    held, per, micro = stage_parameters(job, spread, 0).total, job.bytes_per_parameter, spread.micro_batches(job)
    owned = held / spread.replicas
    visits = TRAINING_PASSES - 1 + (spread.recompute == "full")
    runs = job.shape.depth * spread.stage_layers(job) / job.shape.layers / spread.checkpoint_every
    return Traffic(
        weights=owned * micro * (visits * per.weights + per.gradients),
        optimizer=owned * 2 * per.optimizer,
        activations=micro * 2 * checkpoint_bytes(job, spread) * runs,
    )


def operator_bytes(job: Job) -> float:
    """Weights and gradients of the largest matrix: what a device must hold at the least to run one operation.

    Where even that does not fit, the operation is cut in as many tiles as make it fit (memory-centric tiling, section
    5.1.3). For the source's model it is 4 x hd x 4 x hd bytes.

    >>> from allometry.costs.shapes import Shape
    >>> shape = Shape(layers=1, width=8, heads=1, head_size=8, ffn=32, vocab=1, gated=False)
    >>> operator_bytes(Job(shape=shape, batch=1, context=1)) == 4 * 8 * 4 * 8
    True
    """
    shape, per = job.shape, job.bytes_per_parameter
    largest = max(shape.width * shape.heads * shape.values, matrix_parameters(shape, shape.width, shape.expert_ffn))
    return largest * (per.weights + per.gradients)


def efficiency(flops: float, moved: float, bandwidth: float, peak: float) -> float:
    """Share of its time that a device computes when nothing is hidden behind anything.

    Arguments: `flops` and `moved` bytes of the same stretch of work; `bandwidth` in bytes/s; `peak` the FLOP/s that
    are attained, not those of the data sheet.
    Source: arXiv 2104.07857, equation 6.

    >>> round(efficiency(flops=1024.0, moved=1.0, bandwidth=70e9, peak=70e12), 3)  # weights at a batch of 1 x 1024
    0.506
    """
    for name, value in (("flops", flops), ("moved", moved), ("bandwidth", bandwidth), ("peak", peak)):
        check_positive(name, value, "the transfer")
    return flops * bandwidth / (flops * bandwidth + moved * peak)


def bandwidth_needed(flops: float, moved: float, peak: float, wanted: float = 0.9) -> float:
    """Bytes/s at which a device computes a `wanted` share of its time: the inverse of `efficiency`.

    >>> round(bandwidth_needed(flops=512.0, moved=1.0, peak=70e12, wanted=0.9) / 1e12, 2)  # optimiser, batch of 2 x 1024
    1.23
    """
    if not 0 < wanted < 1:
        raise Refused("bad-efficiency", f"an efficiency of {wanted:g} is no share below 1", "the transfer", "give 0.9")
    for name, value in (("flops", flops), ("moved", moved), ("peak", peak)):
        check_positive(name, value, "the transfer")
    return wanted / (1 - wanted) * peak * moved / flops


def transfer_seconds(job: Job, spread: Parallelism, hardware: Hardware, factors: Mapping[str, float]) -> Transfer:
    """Seconds of moving the classes that a spread keeps elsewhere.

    The optimiser's traffic cannot hide behind the passes, for it starts when they end; that of weights, gradients and
    checkpoints can (section 4.2). Optimiser's states on the host are updated by the host where its own memory's
    bandwidth is known, else they pass over the device's way to it; those on disk pass over the disk's.
    """
    moved, per = traffic(job, spread), job.bytes_per_parameter
    owned = stage_parameters(job, spread, 0).total / spread.replicas
    if spread.optimizer_on != "device" and spread.weights_on == "device":
        # gradients go to where the update is made, new weights come back
        moved = replace(moved, weights=owned * (per.gradients + per.weights))
        spread = replace(spread, weights_on="host", zero=3)

    def seconds(place: str, size: float, host: float | None = None) -> float:
        if place == "device":
            return 0.0
        over_host = size / ((host or hardware.tier_bandwidth("host")) * factors["host"])
        if place == "host":
            return over_host
        return max(over_host, size / (hardware.tier_bandwidth("disk") * factors["disk"]))

    return Transfer(
        hideable=seconds(spread.weights_on, moved.weights) + seconds(spread.activations_on, moved.activations),
        exposed=seconds(spread.optimizer_on, moved.optimizer, hardware.host_memory_bandwidth),
    )
