"""Axes that follow from others: FLOPs from parameters and tokens, tokens from FLOPs, epochs, bytes.

FLOPs are never derived from total parameters where experts, active parameters or loops
are present: a token does not pass through them once each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from allometry.runs.columns import Column, is_number

# Kaplan et al. 2020 (arXiv 2001.08361), sec. 2.1: two FLOPs a parameter forward, four backward.
FLOPS_PER_PARAM_TOKEN = 6.0

_ROUTED = ("experts", "loops")


@dataclass(frozen=True)
class Derived:
    """`axis` was computed from the columns `needs`; `text` is the formula.

    >>> str(Derived("flops", ("params", "tokens"), "6 x params x tokens"))
    'flops = 6 x params x tokens (derived)'
    """

    axis: str
    needs: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.axis} = {self.text} (derived)"


class _Rule(NamedTuple):
    axis: str
    needs: tuple[str, ...]
    text: str
    compute: Callable[..., Column]


def derive_axes(columns: Mapping[str, Column]) -> tuple[dict[str, Column], dict[str, Derived]]:
    """The columns with every axis that follows from others, and how each that was added was computed."""
    known, derived = dict(columns), dict[str, Derived]()
    for rule in _rules(known):
        if rule.axis not in known and all(name in known and is_number(known[name]) for name in rule.needs):
            with np.errstate(all="ignore"):
                known[rule.axis] = rule.compute(*(known[name] for name in rule.needs))
            derived[rule.axis] = Derived(rule.axis, rule.needs, rule.text)
    return known, derived


def counted_params(columns: Mapping[str, Column]) -> str | None:
    """The column whose parameters a token passes through once; None where the table does not say."""
    if "active_params" in columns:
        return "active_params"
    if any(name in columns for name in _ROUTED):
        return None
    return next((name for name in ("params", "non_embedding_params") if name in columns), None)


def why_not_derived(name: str, columns: Mapping[str, Column]) -> str | None:
    """Why `flops` or `tokens` does not follow from total parameters in this table, where that is the reason."""
    routed = [f"`{column}`" for column in _ROUTED if column in columns]
    if name not in ("flops", "tokens") or "active_params" in columns or "params" not in columns or not routed:
        return None
    return f"`{name}` is not derived from total `params` in a table with {' and '.join(routed)}"


def _rules(columns: Mapping[str, Column]) -> list[_Rule]:
    counted = counted_params(columns)
    of_params = [] if counted is None else [
        _Rule("flops", (counted, "tokens"), f"6 x {counted} x tokens", lambda n, d: FLOPS_PER_PARAM_TOKEN * n * d),
        _Rule("tokens", (counted, "flops"), f"flops / (6 x {counted})", lambda n, c: c / (FLOPS_PER_PARAM_TOKEN * n)),
    ]  # fmt: skip
    return [
        _Rule("tokens", ("bytes", "bytes_per_token"), "bytes / bytes_per_token", lambda y, b: y / b),
        *of_params,
        _Rule("bytes", ("tokens", "bytes_per_token"), "tokens x bytes_per_token", lambda d, b: d * b),
        _Rule("epochs", ("tokens", "unique_tokens"), "tokens / unique_tokens", lambda d, u: d / u),
        _Rule("unique_tokens", ("tokens", "epochs"), "tokens / epochs", lambda d, e: d / e),
    ]
