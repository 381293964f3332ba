"""What the values of a strategy's arguments may be, told by their annotations and checked before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import Parameter
from typing import Any, TypeAlias

from allometry.notices import Refused

Positive: TypeAlias = int
"""A whole number from 1 upwards: samples, tokens."""
Natural: TypeAlias = int
"""A whole number from 0 upwards."""
Temperature: TypeAlias = float
"""A number from 0 upwards."""


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "Positive": ("a whole number from 1 upwards", lambda value: _whole(value) and value >= 1),
    "Natural": ("a whole number from 0 upwards", lambda value: _whole(value) and value >= 0),
    "Temperature": ("a number from 0 upwards", lambda value: _number(value) and value >= 0),
    "int": ("a whole number", _whole),
    "float": ("a number", _number),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "str": ("a text", lambda value: isinstance(value, str)),
    "None": ("none", lambda value: value is None),
}


def check_argument(strategy: str, parameter: Parameter, value: Any) -> None:
    """Refuse a value that an argument cannot have; annotations that are not of these kinds are not looked at.

    Use the names of this file, or int, float, bool and str, in the signature of a strategy of one's own.

    >>> check_argument("mine", Parameter("width", Parameter.KEYWORD_ONLY, annotation="Positive | None"), 3)
    """
    kinds = [word.strip() for word in str(parameter.annotation).split("|")]
    if not all(kind in _KINDS for kind in kinds) or any(_KINDS[kind][1](value) for kind in kinds):
        return
    wanted = " or ".join(_KINDS[kind][0] for kind in kinds)
    raise Refused("bad-argument", f"{strategy} cannot have {parameter.name}={value!r:.60}", "--strategy",
                  f"give {parameter.name} as {wanted}")  # fmt: skip
