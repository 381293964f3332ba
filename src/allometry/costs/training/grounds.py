"""What a cost stands on: named statements, each measured, published or assumed."""

from __future__ import annotations

from collections.abc import Iterable

from allometry.costs.hardware import Hardware
from allometry.costs.training.job import Job
from allometry.costs.training.parallel import Parallelism
from allometry.costs.training.steps import FACTORS
from allometry.notices import Step


def grounds(job: Job, spread: Parallelism, hardware: Hardware) -> Iterable[Step]:
    """The statements behind the cost of a job on this hardware in this spread."""
    yield Step("counts", "parameters and multiply-adds of every matrix and of attention over the context, counted by "
                 "component; norms, softmax and activations are counted as traffic, not as FLOPs", "published")  # fmt: skip
    yield Step("states", f"{job.states}: {job.bytes_per_parameter.source}", "published")
    yield Step("activations", "what each operation keeps for its backward pass (Korthikanti et al. 2022), in "
                 f"{job.activation_bytes} bytes each" + (", attention without its square" if job.flash else "") +
                 (", norms, activations and loss fused" if job.fused else ", in plain PyTorch under autocast"), "published")  # fmt: skip
    yield from hardware_steps(hardware, needed_factors(spread))
    yield Step("left out", "failures and restarts, evaluation, loading of data, stragglers, latency of small messages, "
                 "fragmentation of memory", "assumed")  # fmt: skip


def hardware_steps(hardware: Hardware, factors: Iterable[str]) -> Iterable[Step]:
    """Where the hardware's figures and its efficiency factors come from."""
    yield Step("hardware", f"{hardware.title or hardware.name}: {hardware.source}" +
                 (f" ({hardware.date.isoformat()})" if hardware.date else ""), "published" if hardware.date else "assumed")  # fmt: skip
    for name in factors:
        factor = hardware.factor(name)
        yield Step(
            f"factor {name}", f"{factor.value:g} [{factor.low:g}, {factor.high:g}], {factor.source}", factor.provenance
        )


def needed_factors(spread: Parallelism) -> tuple[str, ...]:
    """The factors that a spread's time depends on."""
    away = {spread.weights_on, spread.optimizer_on, spread.activations_on} - {"device"}
    used = {"compute", "attention", "memory", "layer", *(("link", "network", "overlap") if spread.devices > 1 else ())}
    used |= {"host", "overlap"} if away else set()
    used |= {"disk"} if "disk" in away else set()
    return tuple(name for name in FACTORS if name in used)
