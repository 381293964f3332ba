"""How a table was read: kept with the rows, so that a longer table can be read the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reading:
    """The arguments of `read_runs` that gave these rows.

    `source` says where the table was, in words or as a path; `map` is {standard name: the table's column}; `where` the
    filter; `rows` which rows of a run; `conventions` what was stated of the numbers; `drop_invalid` whether rows with
    values that cannot be used were left out.

    >>> Reading("runs.csv", {"params": "n"}, where="n > 1e6").words
    'map params=n, where `n > 1e6`'
    """

    source: str = ""
    map: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None
    rows: str | None = None
    conventions: Mapping[str, str] = field(default_factory=dict)
    drop_invalid: bool = False

    @property
    def words(self) -> str:
        """All but the source, in words; empty where nothing was asked."""
        said = [f"map {axis}={column}" for axis, column in self.map.items()]
        said += [f"where `{self.where}`"] if self.where else []
        said += [f"rows {self.rows}"] if self.rows else []
        said += [f"{name}: {meaning}" for name, meaning in self.conventions.items()]
        return ", ".join([*said, *(["invalid rows left out"] if self.drop_invalid else [])])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "map": dict(self.map), "conventions": dict(self.conventions)}
