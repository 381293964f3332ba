"""Seconds of one training step: a roofline times efficiency factors, with the pipeline's bubble and communication.

A micro-batch's passes take the time of their matrix products, of attention over the context, and of reading and
writing activations, one after the other. What is sent hides behind them in part.
Source: Narayanan et al. 2021, arXiv 2104.04473 (bubble, volumes); Dash et al. 2023, arXiv 2312.12705 (topology).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from allometry.costs.flops import TRAINING_PASSES, Flops, forward_flops
from allometry.costs.hardware import Hardware
from allometry.costs.training.activations import layer_activations
from allometry.costs.training.communication import Wire, layer_runs, volumes, wires
from allometry.costs.training.job import WIDE, Job
from allometry.costs.training.memory import stage_parameters
from allometry.costs.training.offload import transfer_seconds
from allometry.costs.training.parallel import Parallelism

FACTORS = ("compute", "attention", "memory", "layer", "link", "network", "host", "disk", "overlap")
# Backward, flash attention computes the scores again: 5 products to the forward pass's 2 (Dao et al. 2022, 2205.14135).
FLASH_PASSES = 1 + 5 / 2
# Assumed: what a layer keeps for its backward pass moves to or from memory this often in each pass. The factor
# "memory" was fitted with it, so that only their ratio counts.
TOUCHES = 4.0


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step by part; `total` is their sum.

    `products`, `attention` and `elementwise` are the passes of all micro-batches, `recompute` what is run again,
    `launches` what starting each layer takes by itself, `bubble` the wait for the pipeline to fill and drain; `tensor`, `expert`, `context`, `pipeline` and `data` are
    communication, `offload` traffic to host and disk, as far as they are not hidden; `optimizer` is the update.
    """

    products: float
    attention: float
    elementwise: float
    recompute: float
    launches: float
    bubble: float
    tensor: float
    expert: float
    context: float
    pipeline: float
    data: float
    optimizer: float
    offload: float

    @property
    def total(self) -> float:
        return float(sum(vars(self).values()))

    def as_json(self) -> dict[str, float]:
        return {**vars(self), "total": self.total}


@dataclass(frozen=True)
class Passes:
    """Seconds of one micro-batch on one device: its forward and backward passes by part, and what is run again."""

    products: float
    attention: float
    elementwise: float
    again: float

    @property
    def total(self) -> float:
        return self.products + self.attention + self.elementwise + self.again


def step_seconds(job: Job, spread: Parallelism, hardware: Hardware, factors: Mapping[str, float]) -> StepTime:
    """Seconds of one step at given efficiency factors.

    Arguments: `factors` holds a share of each peak figure by name (`FACTORS`); `training_cost` evaluates it at their
    values and at the ends of their spread.
    Errors: `Refused` for a bandwidth or peak that the hardware does not know and the spread needs.
    """
    passes = pass_seconds(job, spread, hardware, factors)
    micro, groups, sent = spread.micro_batches(job), wires(spread, hardware), volumes(job, spread)

    def over(kind: str) -> float:
        wire: Wire = getattr(groups, kind)
        return wire.seconds(getattr(sent, kind), hardware, factors)

    def shown(seconds: float, behind: float) -> float:
        """What of a transfer is not hidden behind work of this length."""
        return seconds - factors["overlap"] * min(seconds, behind)

    tensor, expert, pipeline = over("tensor"), over("expert"), over("pipeline")
    context = shown(over("context"), passes.attention)
    moved, busy = transfer_seconds(job, spread, hardware, factors), micro * passes.total
    return StepTime(
        products=micro * passes.products,
        attention=micro * passes.attention,
        elementwise=micro * passes.elementwise,
        recompute=micro * passes.again,
        launches=micro * TRAINING_PASSES * layer_runs(job, spread) * factors["layer"],
        bubble=(spread.pipeline - 1) / spread.interleave * (passes.total + tensor + expert + context + pipeline),
        tensor=micro * tensor,
        expert=micro * expert,
        context=micro * context,
        pipeline=micro * pipeline,
        data=shown(over("data"), busy),
        optimizer=_update_seconds(job, spread, hardware, factors),
        offload=shown(moved.hideable, busy) + moved.exposed,
    )


def pass_flops(job: Job, spread: Parallelism) -> tuple[float, float]:
    """FLOPs of one micro-batch on a device of the fullest stage: forward and backward, and what is run again."""
    layers, ends = _stage_flops(job, spread)
    products, scores = layers.total - layers.scores, layers.scores
    again = {"none": 0.0, "selective": 0.0 if job.flash else scores, "full": products + scores}[spread.recompute]
    return TRAINING_PASSES * (products + scores + ends), again


def pass_seconds(job: Job, spread: Parallelism, hardware: Hardware, factors: Mapping[str, float]) -> Passes:
    """Seconds of one micro-batch on a device of the fullest stage, communication apart."""
    layers, ends = _stage_flops(job, spread)
    speed = hardware.peak_flops(job.precision) * factors["compute"]
    products = (layers.total - layers.scores) / speed
    attention = layers.scores / (_attention_peak(job, hardware) * factors["attention"])
    kept = layer_activations(job, replace(spread, recompute="none", activations_on="device")) * layer_runs(job, spread)
    elementwise = TOUCHES * kept / (hardware.bandwidth * factors["memory"])
    again = {
        "none": 0.0,
        "selective": 0.0 if job.flash else attention,
        "full": products + attention + elementwise,
    }[spread.recompute]
    return Passes(
        products=TRAINING_PASSES * (products + ends / speed),
        attention=(FLASH_PASSES if job.flash else TRAINING_PASSES) * attention,
        elementwise=TRAINING_PASSES * elementwise,
        again=again,
    )


def _attention_peak(job: Job, hardware: Hardware) -> float:
    """Attention over the context runs in 16 bits where the other products run in fewer."""
    narrow = job.precision not in (*WIDE, "fp16", "bf16")
    return hardware.peak_flops("bf16" if narrow else job.precision)


def _stage_flops(job: Job, spread: Parallelism) -> tuple[Flops, float]:
    """Forward FLOPs of a micro-batch on one device: of its layers by component, and of the head and mixer."""
    one = forward_flops(job.shape, job.context, causal=job.flash)
    here = spread.micro_batch / (spread.tensor * spread.context)
    share = here * spread.stage_layers(job) / job.shape.layers
    layers = Flops(**{name: share * value for name, value in vars(replace(one, head=0.0, streams=0.0)).items()})
    return layers, here * (one.head + one.streams)


def _update_seconds(job: Job, spread: Parallelism, hardware: Hardware, factors: Mapping[str, float]) -> float:
    """The optimiser reads and writes its states once, where they are kept on the device."""
    if spread.optimizer_on != "device":
        return 0.0
    held, per = stage_parameters(job, spread, 0), job.bytes_per_parameter
    owned = held.plain / (spread.replicas if spread.zero else 1)
    owned += held.experts / (spread.replicas // spread.expert if spread.zero else 1)
    touched = 2 * per.optimizer + per.gradients + per.weights
    return owned * touched / (hardware.bandwidth * factors["memory"])
