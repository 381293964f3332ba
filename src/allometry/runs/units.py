"""The losses of a table in one unit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allometry.axes import convert_loss, loss_unit
from allometry.notices import Refused
from allometry.runs.columns import Column, is_number
from allometry.runs.conventions import NOT_STATED


def converted_loss(
    columns: Mapping[str, Column], stated: str, target: str, bytes_per_token: float | None, where: str
) -> Column:
    """The `loss` column in the unit `target`, each row from its own unit by its own bytes per token."""
    loss_unit(target)
    height = len(next(iter(columns.values())))
    if "loss" not in columns or not is_number(columns["loss"]):
        raise Refused("no-loss", "there is no column `loss` of numbers to convert", where, "map it: --map loss=COLUMN")
    units = columns["loss_unit"].tolist() if "loss_unit" in columns else [stated] * height
    if None in units or NOT_STATED in units:
        mend = "state it: --convention 'loss_unit=nats per token', or a column `loss_unit`"
        raise Refused("unit-not-stated", "the unit of the loss is not stated", where, mend)
    sizes = _sizes(columns, bytes_per_token, height)
    values = zip(columns["loss"].tolist(), units, sizes, strict=True)
    return np.array([convert_loss(value, unit, target, size) for value, unit, size in values], dtype=np.float64)


def _sizes(columns: Mapping[str, Column], bytes_per_token: float | None, height: int) -> list[float | None]:
    if bytes_per_token is None and "bytes_per_token" in columns:
        return [None if size != size else size for size in columns["bytes_per_token"].tolist()]
    return [bytes_per_token] * height
