"""Training with the host's memory as the home of everything (Horizon-LM).

One device holds the embedding, the head and a few layers at a time; weights stream in, gradients stream out, the
host's processors update. What can be trained is bounded by the host's memory, not the device's.
Source: Yuan, Sun and Ye 2026, arXiv 2602.04816, and its released code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from allometry.costs._checks import check_count, check_positive
from allometry.costs._intervals import ends, spread_around, times
from allometry.costs.flops import TRAINING_PASSES, forward_flops
from allometry.costs.hardware import Hardware
from allometry.costs.nearest import Buildable, nearest_shape
from allometry.costs.prices import SECONDS_PER_HOUR
from allometry.costs.training.activations import checkpoint_bytes, head_activations
from allometry.costs.training.grounds import hardware_steps
from allometry.costs.training.job import Job
from allometry.costs.training.memory import WORKSPACE, working_bytes
from allometry.costs.training.parallel import Parallelism
from allometry.notices import Interval, Refused, Step

WEIGHT_BYTES, GRADIENT_BYTES, MOMENT_BYTES = 2, 2, 8  # bf16 weights and gradients, two 32-bit moments (released code)
TEMPLATES = 2  # layers that are on the device at a time, each as a flat buffer and as a module (released code)
SLABS = 12  # layers' gradients that may wait on the host (released code, num_grad_slabs)
# A step's update reads and writes weights and moments and reads gradients in the host's memory.
FACTORS = ("hosted", "host")
UPDATE_BYTES = 2 * (WEIGHT_BYTES + MOMENT_BYTES) + GRADIENT_BYTES


@dataclass(frozen=True)
class Hosted:
    """Bytes on the host and on the device, and seconds of a step by part.

    `seconds` is max(`compute`, `weights_in`, `gradients_out`) + `update` at the values of the factors; its ends are what
    each factor's spread does to it alone, added as squares.
    """

    host: float
    device: float
    compute: float
    weights_in: float
    gradients_out: float
    update: float
    seconds: Interval

    def hours(self, steps: float) -> Interval:
        return times(self.seconds, steps / SECONDS_PER_HOUR)

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "seconds": ends(self.seconds)}


def hosted_training(job: Job, hardware: Hardware, *, checkpoint_every: int = 4, keep_gradients: bool = False) -> Hosted:
    """Memory and step time of a job on one device with everything at home on its host.

    Use it beside `fastest(..., offload="host")`, which keeps ZeRO's way of working. Not for several devices.

    Arguments: `checkpoint_every` layers one input is kept; `keep_gradients`: the released code adds up all gradients
    on the host before the update, the paper's figures leave 2 bytes a parameter less.
    Errors: `Refused` when the hardware does not say how fast its way to the host, or the host's own memory, is.

    >>> from allometry.costs import find_hardware, find_shape
    >>> machine = find_hardware("h100 host_memory=5e11 host_memory_bandwidth=3e11")
    >>> found = hosted_training(Job(shape=find_shape("qwen2.5-32b"), batch=96, context=1024), machine)
    >>> round(found.host / 1e9), found.device < machine.memory
    (344, True)
    """
    check_count("checkpoint_every", checkpoint_every, where="the job")
    shares = {name: hardware.factor(name).value for name in FACTORS}
    values = _parts(job, hardware, shares)
    changed = [
        [_total(_parts(job, hardware, {**shares, name: end})) for end in hardware.factor(name).ends] for name in FACTORS
    ]
    return Hosted(
        host=host_bytes(job, keep_gradients=keep_gradients),
        device=_device_bytes(job, checkpoint_every),
        **values,
        seconds=spread_around(_total(values), changed),
    )


def hosted_grounds(hardware: Hardware) -> Iterable[Step]:
    """The statements behind a job that is at home on the host."""
    yield Step("memory", f"{WEIGHT_BYTES} bytes of weights and {MOMENT_BYTES} of moments for each parameter on the host, gradients of "
                 f"{SLABS} layers; {TEMPLATES} layers at a time on the device (Yuan et al. 2026, arXiv 2602.04816)", "published")  # fmt: skip
    yield Step("time", "the slowest of computing, weights in and gradients out, then the update, which nothing hides; "
                 "weights come twice a step", "assumed")  # fmt: skip
    yield from hardware_steps(hardware, FACTORS)
    yield Step("left out", "failures and restarts, evaluation, loading of data, other work of the host", "assumed")


def host_bytes(job: Job, *, keep_gradients: bool = False) -> float:
    """Bytes on the host: weights and moments of all parameters, and buffers of the size of layers."""
    parts = job.shape.parameters()
    state = WEIGHT_BYTES + MOMENT_BYTES + (GRADIENT_BYTES if keep_gradients else 0)
    buffers = TEMPLATES * WEIGHT_BYTES * _layer(job) + SLABS * GRADIENT_BYTES * _layer(job)
    return parts.total * state + buffers + GRADIENT_BYTES * (parts.embedding + parts.head)


def largest_hosted(hardware: Hardware, vocab: int, *, keep_gradients: bool = False) -> Buildable:
    """The largest dense decoder whose states fit the host's memory.

    Errors: `Refused` when the host's memory is not known.

    >>> from allometry.costs import find_hardware
    >>> found = largest_hosted(find_hardware("h200 host_memory=1.5e12"), vocab=151936, keep_gradients=True)
    >>> 118e9 < found.counts.total < 126e9
    True
    """
    if hardware.host_memory is None:
        raise Refused("unknown-memory", f"the host memory of {hardware.name} is not known", "the hardware",
                      "give host_memory= in bytes for each device")  # fmt: skip
    check_positive("host_memory", hardware.host_memory, "the hardware")
    low, high = 1e6, hardware.host_memory / (WEIGHT_BYTES + MOMENT_BYTES)
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        shape = nearest_shape(middle, vocab, tied=False).shape
        fitting = (
            host_bytes(Job(shape=shape, batch=1, context=1), keep_gradients=keep_gradients) <= hardware.host_memory
        )
        low, high = (middle, high) if fitting else (low, middle)
    return nearest_shape(low, vocab, tied=False)


def _layer(job: Job) -> float:
    parts = job.shape.parameters()
    return (parts.non_embedding - parts.streams) / job.shape.layers


def _device_bytes(job: Job, checkpoint_every: int) -> float:
    """Bytes on the device: embedding, head, layers at work, checkpoints, and the layers that are run again."""
    spread = Parallelism(micro_batch=job.batch, recompute="full", checkpoint_every=checkpoint_every)
    parts = job.shape.parameters()
    weights = WEIGHT_BYTES * (parts.embedding + parts.head + 2 * TEMPLATES * _layer(job))
    kept = math.ceil(job.shape.depth / checkpoint_every) * checkpoint_bytes(job, spread)
    # the logits are made a sequence at a time (released code)
    logits = head_activations(job, Parallelism())
    return (
        weights + kept + working_bytes(job, Parallelism(checkpoint_every=1, micro_batch=job.batch)) + logits + WORKSPACE
    )


def _parts(job: Job, hardware: Hardware, share: Mapping[str, float]) -> dict[str, float]:
    if hardware.host_memory_bandwidth is None:
        raise Refused("unknown-bandwidth", f"the bandwidth of the host memory of {hardware.name} is not known",
                      "the hardware", "give host_memory_bandwidth= in bytes/s")  # fmt: skip
    params, speed = job.shape.parameters().total, hardware.tier_bandwidth("host") * share["host"]
    flops = (TRAINING_PASSES + 1) * job.batch * forward_flops(job.shape, job.context).total
    return {
        "compute": flops / (hardware.peak_flops(job.precision) * share["hosted"]),
        # once for the forward pass and once to run it again and go back
        "weights_in": 2 * WEIGHT_BYTES * params / speed,
        "gradients_out": GRADIENT_BYTES * params / speed,
        "update": UPDATE_BYTES * params / (hardware.host_memory_bandwidth * share["host"]),
    }


def _total(parts: dict[str, float]) -> float:
    return max(parts["compute"], parts["weights_in"], parts["gradients_out"]) + parts["update"]
