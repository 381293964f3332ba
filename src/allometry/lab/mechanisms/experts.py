"""A mixture of experts: a router sends each token to a few of many feed-forwards."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import Auxiliary, Parts

# Published: the weight of load balance that Fedus et al. 2021 (arXiv 2101.03961, section 2.2) chose of 0.1 to 1e-5.
BALANCE = 0.01


class Mixture(nn.Module):
    """The sum of the `active` experts with the largest router probabilities, each times its own, and of the shared ones.

    Probabilities are not made to sum to one again, so that the router learns from a single expert too.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        shape = parts.shape
        self.active, self.auxiliary = shape.active_experts, parts.auxiliary
        self.router = nn.Linear(shape.width, shape.experts, bias=False)
        self.experts = nn.ModuleList(parts.feed_forward(shape.expert_ffn) for _ in range(shape.experts))
        self.shared = nn.ModuleList(parts.feed_forward(shape.expert_ffn) for _ in range(shape.shared_experts))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        probability = self.router(flat).softmax(-1)
        share, chosen = probability.topk(self.active, dim=-1)
        report(self.auxiliary, probability, chosen)
        mixed = torch.zeros_like(flat)
        for shared in self.shared:
            mixed = mixed + shared(flat)
        for number, expert in enumerate(self.experts):
            token, slot = torch.where(chosen == number)
            mixed = mixed.index_add(0, token, expert(flat[token]) * share[token, slot, None])
        return mixed.view_as(x)


class Experts(Parts):
    def mixture(self, layer: int) -> nn.Module:
        return super().mixture(layer) if layer < self.shape.dense_layers else Mixture(self)


def report(auxiliary: Auxiliary, probability: Tensor, chosen: Tensor) -> None:
    """Add the weighted imbalance of one call to the terms of the loss, where there will be a gradient."""
    if torch.is_grad_enabled():
        auxiliary.append(BALANCE * imbalance(probability, chosen))


def imbalance(probability: Tensor, chosen: Tensor) -> Tensor:
    """E sum_e f_e P_e: shares of the tokens sent to each expert times its mean probability; 1 where all are equal.

    Arguments: `probability` (tokens, experts); `chosen` (tokens, active) numbers of experts.
    Source: Fedus et al. 2021, arXiv 2101.03961, eq. 4, f over all places of a token.
    """
    experts = probability.shape[-1]
    sent = torch.bincount(chosen.flatten(), minlength=experts) / chosen.numel()
    return experts * (sent * probability.mean(0)).sum()


experts = Mechanism(
    title="mixture of experts, token choice",
    source="Shazeer et al. 2017, arXiv 1701.06538; load balance: Fedus et al. 2021, arXiv 2101.03961",
    parts=Experts,
    uses=lambda shape: shape.experts > 0,
    fields=("experts", "active_experts", "shared_experts", "granularity", "dense_layers"),
    example={"experts": 4, "active_experts": 2, "shared_experts": 1, "granularity": 2, "dense_layers": 1},
    dense=False,
)
