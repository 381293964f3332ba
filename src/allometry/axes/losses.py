"""What unit a loss is in, and the exact conversions between units.

Per-token units become per-byte units only where bytes per token is known; it is never assumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from allometry.axes.hints import nearest_names
from allometry.notices import Refused

_LN2 = math.log(2)


@dataclass(frozen=True)
class LossUnit:
    """A unit of loss: nats in one of it, whether it is per token, whether it is exponentiated."""

    name: str
    nats: float
    token: bool
    exponential: bool = False


LOSS_UNITS: Mapping[str, LossUnit] = MappingProxyType(
    {
        unit.name: unit
        for unit in (
            LossUnit("nats per token", 1.0, token=True),
            LossUnit("bits per token", _LN2, token=True),
            LossUnit("perplexity", 1.0, token=True, exponential=True),
            LossUnit("nats per byte", 1.0, token=False),
            LossUnit("bits per byte", _LN2, token=False),
        )
    }
)


def loss_unit(name: str) -> LossUnit:
    """The loss unit of that name; Refused (unknown-loss-unit) with the names there are.

    >>> loss_unit("bits per byte").token
    False
    """
    if name in LOSS_UNITS:
        return LOSS_UNITS[name]
    near = ", ".join(f'"{other}"' for other in nearest_names(name, LOSS_UNITS, len(LOSS_UNITS)))
    raise Refused("unknown-loss-unit", f'"{name}" is not a unit of loss', mend=f"use one of {near}")


def per_token(name: str) -> bool:
    """Whether that unit counts per token, so that losses under two tokenizers do not compare.

    >>> per_token("perplexity")
    True
    """
    return loss_unit(name).token


def convert_loss(value: float, source: str, target: str, bytes_per_token: float | None = None) -> float:
    """One loss in another unit, exactly.

    Perplexity = exp(nats per token); bits = nats / ln 2; per byte = per token / bytes per token.
    `bytes_per_token` is that of the tokenizer on the evaluation set; it is needed between
    a per-token and a per-byte unit and refused as missing there (bytes-per-token-needed).
    A perplexity that is not positive is refused (not-a-perplexity).

    >>> convert_loss(2.0, "nats per token", "bits per byte", bytes_per_token=4.0)
    0.7213475204444817
    >>> convert_loss(1.0, "bits per token", "perplexity")
    2.0
    """
    given, wanted = loss_unit(source), loss_unit(target)
    if given == wanted:
        return value
    nats = _nats(value, given) * _tokens_to(given, wanted, bytes_per_token)
    return math.exp(nats) if wanted.exponential else nats / wanted.nats


def _nats(value: float, unit: LossUnit) -> float:
    if not unit.exponential:
        return value * unit.nats
    if not value > 0:
        raise Refused("not-a-perplexity", f"a perplexity of {value} does not exist", mend="a perplexity is above 0")
    return math.log(value)


def _tokens_to(given: LossUnit, wanted: LossUnit, bytes_per_token: float | None) -> float:
    if given.token == wanted.token:
        return 1.0
    if bytes_per_token is None or not bytes_per_token > 0 or math.isinf(bytes_per_token):
        raise Refused(
            "bytes-per-token-needed",
            f"{given.name} is not {wanted.name} without the bytes of a token",
            mend="give a `bytes_per_token` column, or bytes_per_token, measured on the evaluation set",
        )
    return 1 / bytes_per_token if given.token else bytes_per_token
