"""Pruners by name, with their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from allometry.axes import nearest_names
from allometry.data.sampling.pruners.infobatch import InfoBatch
from allometry.data.sampling.pruners.pruner import Pruner
from allometry.data.sampling.pruners.random import Random
from allometry.data.sampling.pruners.seta import SeTa
from allometry.data.sampling.pruners.static import Static
from allometry.notices import Refused

PRUNERS: Mapping[str, type[Pruner]] = MappingProxyType(
    {"random": Random, "static": Static, "infobatch": InfoBatch, "seta": SeTa}
)


def find_pruner(name: str, **settings: Any) -> Pruner:
    """The pruner of a name.

    Errors: `Refused` for other names and settings.

    >>> find_pruner("infobatch", ratio=0.4)
    InfoBatch(ratio=0.4, annealing=0.125)
    """
    if name not in PRUNERS:
        near = ", ".join(nearest_names(name, PRUNERS))
        raise Refused("unknown-pruner", f"no pruner is called {name!r}", "method", f"the nearest are {near}")
    kind = PRUNERS[name]
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for setting in settings:
        if setting not in known:
            raise Refused("unknown-setting", f"{name} has no {setting!r}", "the pruner", f"it has {', '.join(known)}")
    return kind(**settings)
