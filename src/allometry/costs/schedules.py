"""The size of a model whose parameters change while it trains: pruned, grown, or neither."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from allometry.notices import Refused

RAMP_PIECES = 1_000  # the mean over a ramp is then within a millionth of its integral


def _cubic(sparsity: float, done: float) -> float:
    return sparsity * (1 - (1 - done) ** 3)


def _geometric(sparsity: float, done: float) -> float:
    return 1 - (1 - sparsity) ** done


RAMPS: Mapping[str, Callable[[float, float], float]] = MappingProxyType({"cubic": _cubic, "geometric": _geometric})


def average_params(schedule: Iterable[tuple[float, float]]) -> float:
    """Parameters that are not zero, averaged over the tokens of training.

    Use it for the axis of the law `average_params`, and for the compute of such a run, `rule_flops(average, tokens)`.
    It is not what the model serves with: that is the last piece.

    Arguments: `schedule` holds pieces of (tokens, parameters), in order or not; tokens may be shares.
    Errors: `Refused` for no piece, tokens or parameters below zero or not finite, and tokens that sum to zero.
    Source: Jin et al. 2025, arXiv 2501.12486, the mean of N over the tokens.

    >>> average_params([(0.25, 1e9), (0.5, 7e8), (0.25, 4e8)])
    700000000.0
    """
    pieces = list(schedule)
    for i, piece in enumerate(pieces):
        if not all(math.isfinite(value) and value >= 0 for value in piece):
            message = f"tokens and parameters must be numbers from 0, not {piece[0]:g} and {piece[1]:g}"
            raise Refused("bad-schedule", message, f"piece {i}")
    tokens = math.fsum(piece[0] for piece in pieces)
    if not tokens:
        raise Refused("bad-schedule", "the schedule has no tokens", mend="give pieces of (tokens, parameters)")
    return math.fsum(share * params for share, params in pieces) / tokens


def pruning_schedule(
    params: float, sparsity: float, *, start: float = 0.25, end: float = 0.75, ramp: str = "cubic"
) -> tuple[tuple[float, float], ...]:
    """Pieces of (share of tokens, parameters) of a run that is dense, then pruned step by step, then left to recover.

    Use it with `average_params` for gradual pruning. Not for pruning all at once: write the two pieces down.

    Arguments: `params` of the dense model; `sparsity` is the share pruned in the end; pruning lasts from the share
    `start` of the tokens to the share `end` (the defaults are the authors' near-optimal ones, in compute). `ramp` is
    "cubic", sparsity * (1 - (1 - u)**3), or "geometric", 1 - (1 - sparsity)**u, which prunes the same share of what is
    left each time; u goes from 0 to 1. The mean sizes on the cards of the authors' pruned 1B models are those of the
    geometric ramp.
    Errors: `Refused` for a sparsity outside [0, 1), times out of order, and another ramp.
    Source: Jin et al. 2025, arXiv 2501.12486.

    >>> pieces = pruning_schedule(1e9, 0.4)
    >>> pieces[0], pieces[-1], round(average_params(pieces) / 1e6, 3)
    ((0.25, 1000000000.0), (0.25, 600000000.0), 750.0)
    """
    if ramp not in RAMPS:
        raise Refused("unknown-ramp", f"no ramp is called {ramp!r}", mend=f"use one of {', '.join(RAMPS)}")
    if not 0 <= sparsity < 1:
        raise Refused("bad-schedule", f"the sparsity must be from 0 to below 1, not {sparsity:g}")
    if not 0 <= start <= end <= 1:
        raise Refused(
            "bad-schedule", f"pruning cannot last from {start:g} to {end:g}", mend="give 0 <= start <= end <= 1"
        )
    step = (end - start) / RAMP_PIECES
    middles = ((i + 0.5) / RAMP_PIECES for i in range(RAMP_PIECES))
    pruned = ((step, params * (1 - RAMPS[ramp](sparsity, done))) for done in middles)
    return ((start, params), *pruned, (1 - end, params * (1 - sparsity)))
