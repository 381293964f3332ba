"""What a simulated service stands on: named statements, each measured, published or assumed."""

from __future__ import annotations

from collections.abc import Iterable

from allometry.costs.factors import FACTOR_UNITS
from allometry.costs.serving.deployments import Deployment
from allometry.costs.serving.measured import MeasuredSteps
from allometry.costs.serving.replica import WATERMARK
from allometry.costs.serving.roofline import factor_names
from allometry.notices import Step


def grounds(deployment: Deployment, measured: MeasuredSteps | None = None) -> Iterable[Step]:
    """The statements behind a simulation of this deployment; `measured` where its times come from a table."""
    hardware = deployment.hardware
    yield Step(
        "hardware", f"{hardware.title or hardware.name}: {hardware.source}", "published" if hardware.date else "assumed"
    )
    if measured is not None:
        yield Step("times of iterations", f"straight lines through the table {measured.where}", "measured")
    else:
        yield Step("times of iterations", "the roofline of requests; prompts and sequences of one iteration read the "
                     "weights once", "published")  # fmt: skip
        for name in factor_names(deployment):
            factor = hardware.factor(name)
            unit = f" {FACTOR_UNITS[name]}" if name in FACTOR_UNITS else ""
            yield Step(f"factor {name}", f"{factor.value:.3g} [{factor.low:.3g}, {factor.high:.3g}]{unit}, {factor.source}",
                         factor.provenance)  # fmt: skip
    yield Step("batching", "iteration by iteration (Orca), first come first served, prompts in chunks (Sarathi-Serve) or "
                 "whole before the rest; a full cache preempts the request admitted last, which is computed again, and "
                 f"{WATERMARK:.0%} of it stays free at admission (vLLM)", "published")  # fmt: skip
    yield Step("memory", f"{deployment.memory_share:.0%} of each device less a GiB for the program; the rest is for "
                 "activations", "published")  # fmt: skip
    if deployment.replicas > 1:
        yield Step("routing", "jobs go to the replicas in turn, whatever these have to do", "assumed")
    if deployment.pipeline > 1 and measured is None:
        yield Step("pipeline", "kept full: sequences split evenly into as many micro-batches as stages", "assumed")
    yield Step("left out", "the network to the user, tokenizing, prefixes that requests share without saying so, "
                 "cache blocks that are not full, uneven use of experts", "assumed")  # fmt: skip
