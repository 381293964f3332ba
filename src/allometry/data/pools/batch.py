"""A run of rows of a pool, and the checks that every number read from one passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Column: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows `start` and on of a pool: each column (rows,) or, of vectors, (rows, width)."""

    start: int
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]


def numbers(values: Column, name: str, start: int, where: str, holds: str = "numbers") -> Column:
    """The values, refused with the first row that is none where a number is needed: text, or a number among text."""
    if values.dtype.kind in "biuf":
        return values
    wrong = next((place for place in np.ndindex(values.shape) if not _is_number(values[place])), (0,) * values.ndim)
    message = f"`{name}` is text, such as {str(values[wrong])[:40]!r} in row {start + wrong[0]}"
    raise Refused("not-numbers", message, where, f"give {holds}")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def checked(values: Column, name: str, start: int, where: str) -> Column:
    """The values, refused with the row where a number is missing or not finite."""
    if values.dtype.kind != "f":
        return values
    finite = np.isfinite(values)
    if finite.all():
        return values
    place = np.argwhere(~finite)[0]
    row, at = start + int(place[0]), "" if len(place) == 1 else f" at place {', '.join(map(str, place[1:]))}"
    found = values[tuple(place)]
    mend = "leave that row out, or compute its value again"
    raise Refused("not-finite", f"`{name}` is {found} in row {row}{at}", where, mend)
