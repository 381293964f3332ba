"""A deployment: one model on copies of groups of devices, and what its memory holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

from allometry.costs._checks import check_choice, check_count, check_positive
from allometry.costs.cache import cache_entries
from allometry.costs.execution import Execution
from allometry.costs.formats import FULL, Format, weight_bytes
from allometry.costs.hardware import PRECISIONS, Hardware
from allometry.costs.shapes import Shape
from allometry.costs.training.memory import WORKSPACE
from allometry.notices import Refused

# Published: what vLLM takes by default (docs.vllm.ai, vllm.config.scheduler and vllm.config.cache, read 2026-11).
MAX_BATCH, BATCH_TOKENS, MEMORY_SHARE = 128, 2048, 0.92


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`replicas` copies of a model, each on `tensor` times `pipeline` devices, and the limits of their batches.

    - `tensor` devices share each layer (heads divide among them, experts too); `pipeline` groups of them hold a stage
      of the layers each, and pass micro-batches on.
    - `precision` of the products; `weights` and `cache` are the formats they are stored in.
    - `max_batch`: sequences in an iteration; `batch_tokens`: tokens in an iteration. When `chunked`, prompts are cut to
      what the sequences that generate leave of these tokens (Sarathi-Serve); otherwise whole prompts go first, in
      iterations of their own, while the others wait.
    - `memory_share` of each device is used, less a GiB for the program.

    Errors: `Refused` for counts that cannot be and heads that do not divide, with the nearest that do.

    >>> from allometry.costs import find_hardware, find_shape
    >>> held = Deployment(shape=find_shape("qwen3-8b"), hardware=find_hardware("h100"))
    >>> held.devices, round(held.cache_tokens / 1e3)
    (1, 381)
    """

    shape: Shape
    hardware: Hardware
    replicas: int = 1
    tensor: int = 1
    pipeline: int = 1
    precision: str = "bf16"
    weights: Format = field(default_factory=Format)
    cache: Format = field(default_factory=Format)
    max_batch: int = MAX_BATCH
    batch_tokens: int = BATCH_TOKENS
    chunked: bool = True
    memory_share: float = MEMORY_SHARE

    def __post_init__(self) -> None:
        where = "the deployment"
        for name in ("replicas", "tensor", "pipeline", "max_batch", "batch_tokens"):
            check_count(name, getattr(self, name), where=where)
        check_positive("memory_share", self.memory_share, where)
        check_choice("precision", self.precision, PRECISIONS, where)
        self.how.check(self.shape, self.hardware)
        if self.pipeline > self.shape.layers:
            raise Refused("bad-deployment", f"{self.shape.layers} layers make no {self.pipeline} stages", where,
                          f"give at most pipeline={self.shape.layers}")  # fmt: skip
        if self.memory_share > 1:
            raise Refused("bad-deployment", f"a memory share of {self.memory_share:g} is no share", where, "give 0.9")
        if self.chunked and self.batch_tokens < self.max_batch:
            message = (
                f"{self.batch_tokens} tokens an iteration leave none for prompts beside {self.max_batch} sequences"
            )
            raise Refused("bad-deployment", message, where,
                          f"give batch_tokens of at least {self.max_batch}, such as {4 * self.max_batch}")  # fmt: skip

    @property
    def devices(self) -> int:
        return self.replicas * self.tensor * self.pipeline

    @property
    def stage_layers(self) -> int:
        """Layers of the longest stage."""
        return math.ceil(self.shape.layers / self.pipeline)

    @cached_property
    def how(self) -> Execution:
        """How a stage runs a micro-batch: `tensor` devices share it."""
        return Execution(devices=self.tensor, precision=self.precision, weights=self.weights, cache=self.cache)

    @cached_property
    def weight_bytes(self) -> float:
        """Bytes of weights on the fullest device."""
        counts = self.shape.parameters()
        ends = counts.embedding + counts.positions + counts.head
        layers = weight_bytes(self.shape, self.weights) - ends * FULL.bytes_each
        if self.pipeline > 1:  # the first stage embeds, the last has the head, which is a copy where it is tied
            ends = max(counts.embedding + counts.positions, counts.head or counts.embedding)
        return (layers * self.stage_layers / self.shape.layers + ends * FULL.bytes_each) / self.tensor

    @property
    def cache_room(self) -> float:
        """Bytes of each device that are left for the cache; below zero when the weights do not fit."""
        return self.hardware.memory * self.memory_share - WORKSPACE - self.weight_bytes

    @cached_property
    def token_cache_bytes(self) -> float:
        """Bytes of cache that one token takes on a device that holds all layers, as long as no window is full."""
        return cache_entries(self.shape, 1) * self.cache.bytes_each / self.how.cache_devices(self.shape)

    @property
    def cache_tokens(self) -> float:
        """Tokens that the cache of one replica holds; zero or below when the weights do not fit."""
        return self.cache_room / (self.token_cache_bytes * self.stage_layers / self.shape.layers)

    def layer_tokens(self, tokens: int) -> int:
        """What a sequence of `tokens` tokens keeps, in tokens times layers: a window keeps no more than itself.

        Exact whole numbers, so that limits are met or not met alike however time is advanced.
        """
        shape = self.shape
        near = tokens if shape.window is None else min(tokens, shape.window)
        return (shape.layers - shape.window_layers) * tokens + shape.window_layers * near

    @property
    def wires(self) -> tuple[str | None, str | None]:
        """The tiers that devices of a layer and stages of a replica talk over; None where there is one alone."""
        within = self.tensor * self.pipeline <= self.hardware.devices_per_node
        stages = "link" if within else "network"
        return "link" if self.tensor > 1 else None, stages if self.pipeline > 1 else None

    @property
    def unknown_wire(self) -> str | None:
        """The field of the hardware that its times would need and nobody gave."""
        fields = (f"{tier}_bandwidth" for tier in self.wires if tier is not None)
        return next((name for name in fields if getattr(self.hardware, name) is None), None)

    @property
    def layer_token_room(self) -> int:
        return math.floor(self.cache_tokens * self.shape.layers)

    def as_json(self) -> dict[str, object]:
        return {
            "hardware": self.hardware.name, "replicas": self.replicas, "tensor": self.tensor,
            "pipeline": self.pipeline, "devices": self.devices, "max_batch": self.max_batch,
            "batch_tokens": self.batch_tokens, "chunked": self.chunked, "precision": self.precision,
            "weights": self.weights.as_text(), "cache": self.cache.as_text(), "weight_bytes": self.weight_bytes,
            "cache_tokens": self.cache_tokens,
        }  # fmt: skip


def holds(deployment: Deployment, tokens: int) -> bool:
    """Whether a replica can keep one sequence of this many tokens beside its weights."""
    return deployment.layer_tokens(tokens) <= deployment.layer_token_room


def check_fits(deployment: Deployment, tokens: int) -> None:
    """Refuse a deployment that cannot keep a sequence of `tokens` tokens, with the nearest that can."""
    if holds(deployment, tokens):
        return
    hardware = deployment.hardware
    if deployment.cache_room <= 0:
        message = (f"the weights take {deployment.weight_bytes / 1e9:.1f} GB of each device, and {hardware.name} has "
                   f"{hardware.memory / 1e9:.0f} GB")  # fmt: skip
    else:
        message = (f"a request of {tokens} tokens does not fit: beside the weights a replica keeps "
                   f"{deployment.cache_tokens:.0f} tokens")  # fmt: skip
    split = f"tensor={deployment.tensor} pipeline={deployment.pipeline}"
    raise Refused("does-not-fit", message, f"{hardware.name}, {split}", nearest_fit(deployment, tokens))


def nearest_fit(deployment: Deployment, tokens: int, devices: int | None = None) -> str:
    """What would fit: more devices for a replica, or fewer bits on at most `devices`; else how much memory is needed."""
    fewer = [replace(deployment, weights=Format(bits, group), cache=Format(min(8, deployment.cache.bits)))
             for bits, group in ((8, None), (4, 128)) if bits < deployment.weights.bits]  # fmt: skip
    found = []
    if (split := _fewest(deployment, tokens, None)) is not None:
        found.append(f"tensor={split.tensor} pipeline={split.pipeline} on {split.devices} devices")
    held = [other for other in fewer if _fewest(other, tokens, devices or deployment.devices) is not None]
    if held:
        found.append(f"weights of {held[0].weights.as_text()} with a cache of {held[0].cache.as_text()}")
    if found:
        return f"the nearest that fit: {', or '.join(found)}"
    need = deployment.weight_bytes + WORKSPACE + deployment.token_cache_bytes * tokens
    return f"devices of {need / deployment.memory_share / 1e9:.0f} GB would do"


def splits(shape: Shape, hardware: Hardware, devices: int) -> list[tuple[int, int]]:
    """Pairs of tensor and pipeline for one replica on at most this many devices: tensor within a node, powers of two."""
    tensors = [2**k for k in range(min(devices, hardware.devices_per_node).bit_length())]
    return [
        (tensor, pipeline)
        for tensor in tensors
        if divides(shape, hardware, tensor)
        for pipeline in range(1, min(shape.layers, devices // tensor) + 1)
    ]


def divides(shape: Shape, hardware: Hardware, tensor: int) -> bool:
    """Whether a layer divides among this many devices of a node."""
    try:
        Execution(devices=tensor).check(shape, hardware)
    except Refused:
        return False
    return True


def _fewest(deployment: Deployment, tokens: int, devices: int | None) -> Deployment | None:
    """The split with the fewest devices that holds a sequence of this length."""
    most = devices or deployment.hardware.devices_per_node * deployment.shape.layers
    deployment = replace(deployment, replicas=1)
    pairs = splits(deployment.shape, deployment.hardware, most)
    for tensor, pipeline in sorted(pairs, key=lambda pair: (pair[0] * pair[1], pair[1])):
        found = replace(deployment, tensor=tensor, pipeline=pipeline)
        if holds(found, tokens):
            return found
    return None
