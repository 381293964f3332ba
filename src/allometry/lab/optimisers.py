"""Optimisers by name; all take the rate that the schedule sets at each step. A new one is a class and its name below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from allometry.lab.tables import check_above_zero, check_share
from allometry.notices import Refused

if TYPE_CHECKING:
    import torch
    from torch import nn

_WHERE = "[optimiser]"


class Optimiser(Protocol):
    """What training asks of an optimiser's declaration."""

    def check(self) -> None:
        """Refuse what the installed torch cannot do."""

    def build(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        """torch's optimisers of all parameters of a model, each of them in one."""


@dataclass(frozen=True)
class AdamW:
    """AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101); vectors have no weight decay."""

    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95

    def __post_init__(self) -> None:
        _check(self.weight_decay, self.beta1, self.beta2)

    def check(self) -> None:
        """Every torch has it."""

    def build(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        return [_adamw(list(model.parameters()), self)]


@dataclass(frozen=True)
class Muon:
    """Muon (Jordan et al. 2024) for matrices of the blocks, AdamW for embeddings, the head and everything else.

    Updates are scaled to the size of AdamW's (0.2 sqrt(max(rows, columns)), Liu et al. 2025, arXiv 2502.16982), so that
    one learning rate serves both. Experts held as one array of three axes are left to AdamW, which is all that
    torch's Muon allows.
    """

    weight_decay: float = 0.1
    momentum: float = 0.95
    beta1: float = 0.9
    beta2: float = 0.95

    def __post_init__(self) -> None:
        _check(self.weight_decay, self.beta1, self.beta2)
        check_share("momentum", self.momentum, _WHERE)

    def check(self) -> None:
        import torch

        if not hasattr(torch.optim, "Muon"):
            raise Refused("no-muon", f"torch {torch.__version__} has no Muon", _WHERE, "install torch 2.9 or later, or use adamw")  # fmt: skip

    def build(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        import torch
        from torch import nn

        ends = {id(p) for module in model.modules() if isinstance(module, nn.Embedding) for p in module.parameters()}
        ends |= {id(p) for name, p in model.named_parameters() if name.split(".")[0] == "head"}
        matrices = [p for p in model.parameters() if p.dim() == 2 and id(p) not in ends]
        own = {id(p) for p in matrices}
        muon = torch.optim.Muon(
            matrices, weight_decay=self.weight_decay, momentum=self.momentum, adjust_lr_fn="match_rms_adamw"
        )
        return [muon, _adamw([p for p in model.parameters() if id(p) not in own], self)]


def _adamw(parameters: list[nn.Parameter], declared: AdamW | Muon) -> torch.optim.Optimizer:
    import torch

    groups = [
        {"params": [p for p in parameters if p.dim() >= 2], "weight_decay": declared.weight_decay},
        {"params": [p for p in parameters if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(declared.beta1, declared.beta2), fused=True)


def _check(weight_decay: float, beta1: float, beta2: float) -> None:
    check_above_zero("weight_decay", weight_decay, _WHERE, zero=True)
    check_share("beta1", beta1, _WHERE)
    check_share("beta2", beta2, _WHERE)


OPTIMISERS: Mapping[str, type[Optimiser]] = MappingProxyType({"adamw": AdamW, "muon": Muon})
