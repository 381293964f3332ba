"""Any sequence of values as one of two kinds of column: floats, or text with None where it is missing.

Numbers become floats before any arithmetic: 6 x params x tokens overflows 64-bit integers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

if TYPE_CHECKING:
    import polars

Column = NDArray[Any]
Floats = NDArray[np.float64]

_MISSING_WORDS = ("NA", "N/A", "NaN", "nan", "null", "None")
_TRUTH = {"true": 1.0, "True": 1.0, "TRUE": 1.0, "false": 0.0, "False": 0.0, "FALSE": 0.0}
_MISSING_TYPES = ("NoneType", "NAType", "NaTType")


def is_number(column: Column) -> bool:
    """Whether the column holds floats (text otherwise)."""
    return column.dtype.kind == "f"


def as_column(name: str, values: object) -> Column:
    """A column from an array or a sequence of Python values; a mixture with text is text."""
    if isinstance(values, np.ndarray):
        return _from_array(name, values)
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise Refused("not-a-column", f"`{name}` is one value, not a column", mend="give a list or an array of values")
    return _from_objects(list(values))


def _from_array(name: str, values: NDArray[Any]) -> Column:
    if values.ndim != 1:
        raise Refused("not-a-column", f"`{name}` has {values.ndim} dimensions", mend="give one value a row")
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind in "mM":
        values = values.astype(str)
    return _from_objects(values.tolist())


def _from_objects(values: Sequence[object]) -> Column:
    if {type(value) for value in values} <= {float, int, bool}:
        return _floats(values)
    plain = [None if _missing(value) else value for value in values]
    if all(value is None or isinstance(value, (float, int, np.number, np.bool_)) for value in plain):
        return _floats([np.nan if value is None else value for value in plain])
    return _objects([value if value is None or isinstance(value, str) else _written(value) for value in plain])


def _floats(values: Sequence[object]) -> Floats:
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        return np.array([float(str(value)) for value in values], dtype=np.float64)


def _objects(values: Sequence[str | None]) -> Column:
    return np.fromiter((value or None for value in values), dtype=object, count=len(values))


def _missing(value: object) -> bool:
    return type(value).__name__ in _MISSING_TYPES or (isinstance(value, (float, np.floating)) and bool(value != value))


def _written(value: object) -> str:
    return str(value) if isinstance(value, (float, int, np.number)) else json.dumps(value, default=str)


def from_text(series: polars.Series) -> Column:
    """A column from the cells of a text file: floats where every cell that is not missing is a number."""
    import polars as pl

    given = series.set(series.is_in(_MISSING_WORDS), None)
    given = given.set(given.str.strip_chars() == "", None)
    numbers = given.str.strip_chars().cast(pl.Float64, strict=False)
    if numbers.null_count() == given.null_count():
        return _nan_for_null(numbers)
    truth = given.replace_strict(_TRUTH, default=None, return_dtype=pl.Float64)
    if truth.null_count() == given.null_count():
        return _nan_for_null(truth)
    return _objects(series.to_list())


def from_series(series: polars.Series) -> Column:
    """A column from a typed one; dates become ISO text, nested values JSON text."""
    import polars as pl

    kind = series.dtype
    if kind.is_numeric() or kind in (pl.Boolean, pl.Null):
        return _nan_for_null(series.cast(pl.Float64))
    if kind.is_nested() or kind == pl.Object:
        return _from_objects(series.to_list())
    if kind == pl.Binary:
        return _from_objects([None if value is None else value.hex() for value in series])
    return _texts(series.cast(pl.String))


def _texts(series: polars.Series) -> Column:
    """Text, each different one held once: a run's id stands in thousands of rows."""
    import polars as pl

    kinds = series.drop_nulls().unique(maintain_order=True)
    values = np.array([*(text or None for text in kinds), None], dtype=object)
    places = series.cast(pl.Enum(kinds)).to_physical().cast(pl.Int64).fill_null(len(kinds))
    return values[places.to_numpy()]


def _nan_for_null(series: polars.Series) -> Floats:
    values: Floats = series.fill_null(float("nan")).to_numpy(writable=True)
    return values


def codes(columns: Iterable[Column], height: int) -> NDArray[np.int64]:
    """Group labels 0, 1, ...: one label for rows that agree in every column (missing agrees with missing).

    >>> codes([np.array([2.0, 1.0, 2.0]), np.array(["a", "a", "a"], dtype=object)], 3).tolist()
    [1, 0, 1]
    """
    labels = np.zeros(height, dtype=np.int64)
    for column in columns:
        own = _text_codes(column) if column.dtype.kind == "O" else np.unique(column, return_inverse=True)[1]
        labels = np.unique(labels * (int(own.max(initial=0)) + 1) + own, return_inverse=True)[1].astype(np.int64)
    return labels


def _text_codes(column: Column) -> NDArray[np.int64]:
    seen: dict[str | None, int] = {}
    return np.fromiter((seen.setdefault(value, len(seen)) for value in column), dtype=np.int64, count=len(column))
