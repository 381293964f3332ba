"""How a job is spread over devices."""

from __future__ import annotations

import math
from dataclasses import dataclass

from allometry.costs._checks import check_choice, check_count, check_multiple
from allometry.costs.training.job import Job
from allometry.notices import Refused

RECOMPUTE = ("none", "selective", "full")
PLACES = ("device", "host", "disk")


@dataclass(frozen=True, kw_only=True)
class Parallelism:
    """Degrees of each kind of parallelism, and what is recomputed or kept elsewhere.

    - `data` x `context` x `tensor` x `pipeline` devices; `expert` groups are cut from the data-parallel ones.
    - `context` devices share each sequence and pass keys and values around a ring.
    - `zero` stage: 1 splits the optimiser's states over the data-parallel devices, 2 the gradients too, 3 the weights.
    - `micro_batch` sequences go through the pipeline at a time; each stage holds `interleave` pieces of the model.
    - `sequence`: what tensor parallelism does not split is split along the sequence.
    - `recompute`: "none"; "selective", the square of attention scores; "full", all but every `checkpoint_every`-th
      layer's input.
    - `weights_on` (with their gradients), `optimizer_on`, `activations_on` (checkpoints): "device", "host" or "disk".

    Errors: `Refused` for degrees below 1 and settings that contradict each other.
    """

    data: int = 1
    tensor: int = 1
    pipeline: int = 1
    expert: int = 1
    context: int = 1
    zero: int = 0
    micro_batch: int = 1
    interleave: int = 1
    sequence: bool = False
    recompute: str = "none"
    checkpoint_every: int = 1
    weights_on: str = "device"
    optimizer_on: str = "device"
    activations_on: str = "device"

    def __post_init__(self) -> None:
        where = "the parallelism"
        for name in (
            "data",
            "tensor",
            "pipeline",
            "expert",
            "context",
            "micro_batch",
            "interleave",
            "checkpoint_every",
        ):
            check_count(name, getattr(self, name), where=where)
        check_choice("recompute", self.recompute, RECOMPUTE, where)
        for name in ("weights_on", "optimizer_on", "activations_on"):
            check_choice(name, getattr(self, name), PLACES, where)
        if self.zero not in (0, 1, 2, 3):
            raise Refused("bad-stage", f"ZeRO has no stage {self.zero}", where, "give zero from 0 to 3")
        if self.activations_on != "device" and self.recompute != "full":
            raise Refused("bad-offload", "only checkpoints can leave the device", where, "give recompute=full")
        if self.weights_on != "device" and self.optimizer_on == "device":
            raise Refused("bad-offload", "weights cannot leave the device before the optimiser's states", where,
                          "give optimizer_on=host")  # fmt: skip
        if self.weights_on != "device" and self.zero != 3 and self.replicas > 1:
            raise Refused("bad-offload", "weights elsewhere are gathered layer by layer, which is ZeRO's stage 3", where,
                          "give zero=3")  # fmt: skip
        check_multiple("data", self.data, "expert", self.expert, where)

    @property
    def devices(self) -> int:
        return self.replicas * self.tensor * self.pipeline

    @property
    def replicas(self) -> int:
        """Devices that hold the same weights, which ZeRO splits them over."""
        return self.data * self.context

    @property
    def gathered(self) -> bool:
        """Whether a layer's weights are brought together only while it runs."""
        return self.weights_on != "device" or (self.zero == 3 and self.replicas > 1)

    def micro_batches(self, job: Job) -> int:
        """Micro-batches that each data-parallel group runs in a step."""
        return job.batch // (self.data * self.micro_batch)

    def stage_layers(self, job: Job) -> int:
        """Layers of the fullest stage: each of its pieces holds as many as the fullest piece."""
        return self.interleave * math.ceil(job.shape.layers / (self.pipeline * self.interleave))

    def as_text(self) -> str:
        """What differs from a single device, as words.

        >>> Parallelism(data=8, tensor=4, zero=1).as_text()
        'data=8 tensor=4 zero=1 micro_batch=1'
        """
        shown = {name: value for name, value in self.as_json().items() if value != getattr(_ALONE, name)}
        return " ".join(
            f"{name}={str(value).lower()}" for name, value in {**shown, "micro_batch": self.micro_batch}.items()
        )

    def as_json(self) -> dict[str, object]:
        return dict(vars(self))


_ALONE = Parallelism()


def check_fits(job: Job, spread: Parallelism) -> None:
    """Refuse a spread that a job's shape or batch does not divide into, with the nearest that does."""
    shape, where = job.shape, "the parallelism"
    check_multiple("heads", shape.heads, "tensor", spread.tensor, where)
    if shape.key_value_heads % spread.tensor and spread.tensor % shape.key_value_heads:
        check_multiple("kv_heads", shape.key_value_heads, "tensor", spread.tensor, where)
    if spread.pipeline * spread.interleave > shape.layers:
        message = f"{shape.layers} layers do not fill {spread.pipeline} stages of {spread.interleave} pieces"
        raise Refused(
            "too-many-stages", message, where, f"give at most pipeline={shape.layers // spread.interleave or 1}"
        )
    if spread.interleave > 1 and spread.pipeline == 1:
        raise Refused("bad-interleave", "one stage has nothing to interleave with", where, "give interleave=1")
    if spread.expert > 1:
        if not shape.experts:
            raise Refused("no-experts", "the shape has no experts to spread", where, "give expert=1")
        check_multiple("experts", shape.experts, "expert", spread.expert, where)
    check_multiple("context", job.context, "context parallelism", spread.context, where)
    check_multiple("batch", job.batch, "data x micro_batch", spread.data * spread.micro_batch, where)
