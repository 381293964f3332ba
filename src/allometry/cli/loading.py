"""Commands loaded when they are asked for: each brings its own rooms, and some of those take long."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from importlib import import_module
from typing import Any


def load(module: str, name: str) -> Callable[..., Any]:
    """A module's function of that name; one that Python keeps for itself has an underscore behind it."""
    found: Callable[..., Any] = getattr(import_module(module), f"{name}_" if keyword.iskeyword(name) else name)
    return found
