"""Terms of the loss that pull weights towards each other; functions of named weights, so that they stack too."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from allometry.lab.techniques import check_period

# Matrices that are stored as one: how many, one below the other.
FUSED = {"attention.qkv.weight": 3, "feed_forward.up.weight": 2}


def loop_dissimilarity(weights: Mapping[str, Tensor], period: int) -> Tensor:
    """How far blocks `period` apart are from being one looped block: 0 where they are equal, 1 a matrix where unrelated.

    Use it, times a weight of yours, to give a model of all its own layers what looping teaches; not for models whose
    blocks are looped already. Add it to the loss in training.

    Arguments: `weights` by name, as of `model.named_parameters()`; `period` in layers, which it must divide and be less
    than. It is the sum over the kinds of matrices (queries, keys, values, outputs, gates and so on) of the mean over all
    pairs of blocks of 1 - cosine.
    Errors: `Refused` for a period that is not a part of the layers.
    Source: Saunshi et al. 2025, arXiv 2502.17416, the looping-inspired regulariser; its form and that it is a mean over
    pairs are recalled.
    """
    blocks = _matrices(weights)
    check_period(len(blocks), period)
    pairs = zip(blocks, blocks[period:], strict=False)
    each = [torch.stack([1 - functional.cosine_similarity(here[kind], there[kind], dim=0) for kind in here])
            for here, there in pairs]  # fmt: skip
    return torch.stack(each).mean(0).sum()


def _matrices(weights: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The matrices of each block as vectors, those that are stored as one apart."""
    blocks: dict[int, dict[str, Tensor]] = {}
    for name, weight in weights.items():
        if name.startswith("blocks.") and weight.dim() > 1:
            number, kind = name.removeprefix("blocks.").split(".", 1)
            parts = {f"{kind}/{i}": part.flatten() for i, part in enumerate(weight.chunk(FUSED.get(kind, 1)))}
            blocks.setdefault(int(number), {}).update(parts)
    return [blocks[number] for number in sorted(blocks)]
