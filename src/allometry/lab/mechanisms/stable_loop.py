"""The stable loop: its state decays by itself, and what came before the loop is injected in each round."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from allometry.costs import Shape
from allometry.lab.mechanisms.looped import Loop
from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import Parts, Rotation, through

STEP = math.log(math.e - 1)  # softplus of it is 1, so that the state first decays by exp(-1), as published


class StableLoop(Loop):
    """h <- blocks(A h + B norm(e)), where e is what the loop is given and 0 < A < 1 for each channel.

    A = exp(-s exp(a)) and B = s b with a step s = softplus(`step`) > 0, a = `decay` and b = `inject` free: whatever is
    learned, the linear part contracts; plain addition of e would be A = 1.
    Assumed, not published: b starts as the identity, and h as e rather than as noise, so that with A = 1 and B = 0
    this is the loop without injection; the rounds are those of the shape, not drawn for each sequence.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        ones = torch.ones(shape.width)
        self.norm = nn.RMSNorm(shape.width)
        self.decay = nn.Parameter(0 * ones)
        self.step = nn.Parameter(STEP * ones)
        self.inject = nn.Parameter(ones.clone() if shape.injection == "diagonal" else torch.diag(ones))

    def kept(self) -> Tensor:
        """A: the share of each channel of the state that is kept in a round; below 1 where the loop is stable."""
        return torch.exp(-functional.softplus(self.step) * self.decay.exp())

    def injected(self, x: Tensor) -> Tensor:
        """B norm(e)."""
        given = self.norm(x)
        product = given * self.inject if self.inject.dim() == 1 else functional.linear(given, self.inject)
        return functional.softplus(self.step) * product

    def loop(self, x: Tensor, rotation: Rotation, core: nn.ModuleList) -> Tensor:
        kept, injected = self.kept(), self.injected(x)
        for _ in range(self.loops):
            x = through(core, kept * x + injected, rotation)
        return x


class Stable(Parts):
    def body(self) -> StableLoop:
        return StableLoop(self.shape)


stable_loop = Mechanism(
    title="looped blocks with constrained injection",
    source="Parcae, arXiv 2604.12946: h <- A h + B e + R(h, e), A = exp(-step exp(a)), B = step b",
    parts=Stable,
    uses=lambda shape: shape.loops > 1 and shape.injection != "none" and not shape.recursive,
    fields=("loops", "looped_layers", "injection"),
    example={"loops": 3, "looped_layers": 2, "injection": "dense"},
    parent="looped",
)
