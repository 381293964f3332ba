"""The training loop: a model, a source of batches, a loss, optimisers and a schedule, and what a kill must not lose.

It knows nothing of corpora, ladders or files. Replay and sample pruning are sources that look at losses; reinforcement
learning is a source that draws from the model and a loss that weighs what was drawn; branches start from a
checkpoint's weights; growth is a function called after steps that puts another model in.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from allometry.lab.batches import Source
from allometry.lab.losses import Loss, next_token

# Of the running mean of training losses that is reported: the newest step counts for so much.
NEWEST = 0.05


@dataclass
class Loop:
    """One run as it goes on, step by step.

    Arguments: `rate(step)` is the learning rate of a step, counted from 1; `optimisers(model)` makes torch's optimisers
    of a model; `penalty(model)` is added to the loss in training and not reported, as a model's own auxiliary losses
    are; `clip` is the most that the norm of the gradient may be; `after` are called after each step with the loop;
    `weights` to start from in the place of the model's own; `precision` "float32" or "bfloat16" (products in 16 bits,
    weights in 32); `device` where all of it lives.
    """

    model: nn.Module
    source: Source
    rate: Callable[[int], float]
    optimisers: Callable[[nn.Module], list[torch.optim.Optimizer]]
    loss: Loss = next_token
    penalty: Callable[[nn.Module], Tensor | None] = lambda model: None
    clip: float = 1.0
    after: Sequence[Callable[[Loop], None]] = ()
    weights: Mapping[str, Tensor] | None = None
    precision: str = "float32"
    device: str = "cpu"
    step: int = field(default=0, init=False)
    recent: float = field(default=0.0, init=False)
    seconds: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        if self.weights is not None:
            self.model.load_state_dict(self.weights)
        self.put(self.model)

    def put(self, model: nn.Module) -> None:
        """Train this model from now on, its optimisers new."""
        self.model = model.to(self.device)
        self._optimisers = self.optimisers(self.model)

    def update(self) -> float:
        """One step; its training loss, auxiliary losses left out."""
        began = time.perf_counter()
        self.step += 1
        self._set_rate(self.rate(self.step))
        batch = moved(self.source.batch(self.step), self.device)
        with self.casting():
            losses = self.loss(self.model, batch)
            value = losses.mean() if losses.dim() else losses
            extras = (getattr(self.model, "auxiliary_loss", _none)(), self.penalty(self.model))
        self._descend(sum((extra for extra in extras if extra is not None), value))
        self.source.see(self.step, losses.detach())
        told = float(value.detach())
        self.recent = told if self.step == 1 else (1 - NEWEST) * self.recent + NEWEST * told
        for call in self.after:
            call(self)
        self.seconds += time.perf_counter() - began
        return told

    def casting(self) -> contextlib.AbstractContextManager[Any]:
        """The context that products are computed in."""
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, dtype=torch.bfloat16)

    def _set_rate(self, rate: float) -> None:
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate

    def _descend(self, value: Tensor) -> None:
        for optimiser in self._optimisers:
            optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        for optimiser in self._optimisers:
            optimiser.step()

    def state(self) -> dict[str, Any]:
        """All that the loop goes on from to the same losses: weights, optimisers, random numbers, data, step."""
        return {
            "model": self.model.state_dict(), "optimisers": [o.state_dict() for o in self._optimisers],
            "source": self.source.state(), "random": _random_state(self.device),
            "step": self.step, "recent": self.recent, "seconds": self.seconds,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state. A model that grew must have been put in before."""
        self.model.load_state_dict(state["model"])
        for optimiser, kept in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        self.source.restore(state["source"])
        self.step, self.recent, self.seconds = state["step"], state["recent"], state["seconds"]
        _set_random_state(state["random"], self.device)


def moved(batch: Any, device: str) -> Any:
    """A batch on a device: a tensor, or tensors in a tuple."""
    if isinstance(batch, tuple):
        return tuple(moved(part, device) for part in batch)
    return batch.to(device) if isinstance(batch, Tensor) else batch


def seed_everything(seed: int) -> None:
    """Seed torch's and Python's generators, whose state a checkpoint keeps; a source keeps any other of its own."""
    torch.manual_seed(seed)
    random.seed(seed)


def _random_state(device: str) -> dict[str, Any]:
    found: dict[str, Any] = {"torch": torch.get_rng_state(), "python": random.getstate()}
    if torch.device(device).type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(device)
    return found


def _set_random_state(state: Mapping[str, Any], device: str) -> None:
    torch.set_rng_state(state["torch"])
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def _none() -> None:
    return None
