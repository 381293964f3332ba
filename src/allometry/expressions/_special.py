"""SciPy's special functions, loaded when the first is used: costs and laws that need none do not wait for them."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    from scipy import special

    return globals().setdefault(name, getattr(special, name))
