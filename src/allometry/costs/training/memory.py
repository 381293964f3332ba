"""Bytes on one device by class, on the pipeline stage that holds most."""

from __future__ import annotations

from dataclasses import dataclass, replace

from allometry.costs.shapes import Parameters, Shape
from allometry.costs.training.activations import (
    checkpoint_bytes,
    embedding_activations,
    head_activations,
    layer_activations,
)
from allometry.costs.training.job import Job
from allometry.costs.training.parallel import Parallelism

# Published: the workspace that APEX sets aside on a device (Lin et al. 2024, arXiv 2411.17651).
WORKSPACE = 2.0**30
# Published: DeepSpeed and FSDP gather the next layer's weights while one runs (Rajbhandari et al. 2021, sec. 5.2.1).
GATHERED_LAYERS = 2


@dataclass(frozen=True)
class Memory:
    """Bytes on the fullest device by class, and what it keeps on its host and disks."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    buffers: float
    host: float = 0.0
    disk: float = 0.0

    @property
    def total(self) -> float:
        """Bytes on the device."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.buffers

    def as_json(self) -> dict[str, float]:
        return {**vars(self), "total": self.total}


@dataclass(frozen=True)
class Held:
    """Parameters that one device's stage holds: those of all groups alike, and its part of the experts."""

    plain: float
    experts: float

    @property
    def total(self) -> float:
        return self.plain + self.experts


def training_memory(job: Job, spread: Parallelism) -> Memory:
    """Bytes by class on the device of the pipeline stage that needs most.

    Use it to see whether a spread fits. Not for fragmentation of the allocator, which none of the sources counts, and
    which needs some percent more.

    >>> from allometry.costs import find_shape
    >>> memory = training_memory(Job(shape=find_shape("llama-3-8b"), batch=64, context=8192),
    ...                          Parallelism(data=64, zero=3, recompute="full"))
    >>> round(memory.total / 1e9, 1)
    12.2
    """
    stages = {0, spread.pipeline - 1}
    return max((_stage_memory(job, spread, stage) for stage in stages), key=lambda memory: memory.total)


def stage_parameters(job: Job, spread: Parallelism, stage: int) -> Held:
    """Parameters that a device of this stage holds before ZeRO splits them further."""
    parts = job.shape.parameters()
    share = spread.stage_layers(job) / job.shape.layers
    plain = share * (_split_matrices(parts) / spread.tensor + parts.norms + parts.router + parts.other)
    ends = (parts.embedding + parts.positions) * (stage == 0) + _head(job.shape, parts, spread) * (
        stage == spread.pipeline - 1
    )
    streams = parts.streams * (stage == spread.pipeline - 1)
    return Held(plain + (ends + streams) / spread.tensor, share * parts.experts / (spread.tensor * spread.expert))


def _split_matrices(parts: Parameters) -> int:
    return parts.attention + parts.feed_forward


def _head(shape: Shape, parts: Parameters, spread: Parallelism) -> int:
    """A tied head on another stage than the embedding is a copy of it."""
    return parts.embedding if shape.tied and spread.pipeline > 1 else parts.head


def _stage_memory(job: Job, spread: Parallelism, stage: int) -> Memory:
    held, per = stage_parameters(job, spread, stage), job.bytes_per_parameter
    kept = {
        "weights": (spread.weights_on, per.weights * _sharded(held, spread, 3)),
        "gradients": (spread.weights_on, per.gradients * _sharded(held, spread, 2)),
        "optimizer": (spread.optimizer_on, per.optimizer * _sharded(held, spread, 1)),
    }
    checkpoints, working = _stage_activations(job, spread, stage)
    away = {place: sum(size for where, size in kept.values() if where == place) for place in ("host", "disk")}
    for place in away:
        away[place] += checkpoints * (spread.activations_on == place)
    return Memory(
        **{name: size * (where == "device") for name, (where, size) in kept.items()},
        activations=working + checkpoints * (spread.activations_on == "device"),
        buffers=WORKSPACE + _gather_buffers(job, spread, held),
        host=away["host"],
        disk=away["disk"],
    )


def _sharded(held: Held, spread: Parallelism, from_stage: int) -> float:
    """Parameters of a class that ZeRO splits from a stage on; experts have fewer copies to split over."""
    if spread.zero < from_stage:
        return held.total
    return held.plain / spread.replicas + held.experts / (spread.replicas // spread.expert)


def _gather_buffers(job: Job, spread: Parallelism, held: Held) -> float:
    """Layers' weights brought together to run, and one layer's gradients before they are summed."""
    layer = held.total / spread.stage_layers(job)
    weights = GATHERED_LAYERS * job.bytes_per_parameter.weights * layer if spread.gathered else 0.0
    gradients = job.bytes_per_parameter.gradients * layer if spread.zero >= 2 and spread.replicas > 1 else 0.0
    return weights + gradients


def _stage_activations(job: Job, spread: Parallelism, stage: int) -> tuple[float, float]:
    """Bytes of what waits in checkpoints, and of everything else that is alive at the worst moment."""
    waiting = min(spread.micro_batches(job), spread.pipeline - stage)
    runs = job.shape.depth * spread.stage_layers(job) / job.shape.layers
    # interleaved stages start on later micro-batches before they finish earlier ones (Korthikanti et al. 2022, sec. 4.2.3)
    more = (
        1 + (spread.pipeline - 1) / (spread.pipeline * spread.interleave) if spread.interleave > 1 and stage == 0 else 1
    )
    ends = 0.0
    if stage == 0:
        ends += waiting * more * embedding_activations(job, spread)
    if stage == spread.pipeline - 1:
        ends += head_activations(job, spread)
    if spread.recompute != "full":
        return 0.0, waiting * more * runs * layer_activations(job, spread) + ends
    kept = checkpoint_bytes(job, spread) * runs / spread.checkpoint_every
    return waiting * more * kept, ends + working_bytes(job, spread)


def working_bytes(job: Job, spread: Parallelism) -> float:
    """Bytes of the layers between two checkpoints while they are run again."""
    layers = min(spread.checkpoint_every, spread.stage_layers(job))
    return layers * layer_activations(job, replace(spread, recompute="none", activations_on="device"))
