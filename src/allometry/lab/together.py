"""Several runs of one shape at once: their weights stacked, one pass for all.

It is for GPUs, where the kernels of small models wait for one another. On a CPU it gains little (benchmarks/
lab_throughput.py): there runs go side by side in processes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from allometry.lab.loop import Loop


def update_together(loops: Sequence[Loop]) -> list[float]:
    """One step of every loop, as each would take it alone up to rounding; their training losses.

    Use it for loops of one shape, batch, loss, penalty, precision and device; steps, rates, data, clipping and
    optimisers are each loop's own, and so is its state, which goes on alone as well. Not for models whose passes depend
    on data, such as mixtures of experts (`Mechanism.dense`).
    """
    began = time.perf_counter()
    first, batches = loops[0], torch.stack([loop.begin() for loop in loops])
    weights = _stacked(loops)

    def one(own: dict[str, Tensor], batch: Tensor) -> tuple[Tensor, Tensor]:
        return first.total(partial(functional_call, first.model, own), own, batch)

    with first.casting(), _attention(first.device):
        losses, totals = vmap(one)(weights, batches)
    totals.sum().backward()
    means = losses.detach().flatten(1).mean(1).cpu() if losses.dim() > 1 else losses.detach().cpu()
    each = (time.perf_counter() - began) / len(loops)
    return [_end(loop, losses[i].detach() if losses.dim() > 1 else means[i], each) for i, loop in enumerate(loops)]


def _stacked(loops: Sequence[Loop]) -> dict[str, Tensor]:
    """Weights by name (runs, ...), through which gradients reach each run's own."""
    names = [dict(loop.model.named_parameters()) for loop in loops]
    return {name: torch.stack([own[name] for own in names]) for name in names[0]}


def _attention(device: str) -> contextlib.AbstractContextManager[Any]:
    """On a CPU the fused attention has no batched form and would be run in a loop."""
    return sdpa_kernel(SDPBackend.MATH) if torch.device(device).type == "cpu" else contextlib.nullcontext()


def _end(loop: Loop, losses: Tensor, seconds: float) -> float:
    began = time.perf_counter()
    loop.descend()
    return loop.end(losses, seconds + time.perf_counter() - began)
