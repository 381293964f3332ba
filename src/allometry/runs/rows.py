"""The rows of one fit: axis columns, target, weights and clusters, with their fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Notice
from allometry.runs.columns import Floats, codes
from allometry.runs.reading import Reading


class Excluded(NamedTuple):
    """A row that is not used, by its number in the table as given, and why."""

    row: int
    reason: str


class Withheld(NamedTuple):
    """Rows that a fit was made from and that were not handed on: how many, and their fingerprint."""

    rows: int
    fingerprint: str


@dataclass(frozen=True, eq=False)
class Rows:
    """What a fit sees of a table; arrays have one entry a used row (n in all).

    `axes` name to floats (n,), `target` (n,) of the metric `metric`, `weights` (n,) or None,
    `cluster` group labels (n,) or None, `cluster_kind` what the labels are ("rows" for none,
    "runs", "repeats", or a column's name), `numbers` the rows' numbers counted from 0 in the
    table as given, which had `given` rows. `fingerprint` is the SHA-256 of all of these. `names` are the runs'
    names (n,), None where the table has none; `reading` says how the table was read. Where `withheld` is given the rows
    were not handed on: the arrays are empty, `count` and `fingerprint` are those of the rows that there were.

    >>> rows = Rows({"params": np.array([1e6, 1e7])}, np.array([3.0, 2.5]), "loss")
    >>> rows.numbers.tolist(), len(rows.fingerprint)
    ([0, 1], 64)
    """

    axes: Mapping[str, Floats]
    target: Floats
    metric: str
    weights: Floats | None = None
    cluster: NDArray[np.int64] | None = None
    cluster_kind: str = "rows"
    numbers: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    given: int = 0
    excluded: tuple[Excluded, ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
    names: tuple[str, ...] | None = None
    reading: Reading = field(default_factory=Reading)
    withheld: Withheld | None = None

    def __post_init__(self) -> None:
        if not self.numbers.size:
            object.__setattr__(self, "numbers", np.arange(len(self.target)))
        if not self.given:
            object.__setattr__(self, "given", len(self.target))

    def __len__(self) -> int:
        return len(self.target)

    @property
    def count(self) -> int:
        """How many rows were used, also of those that were withheld."""
        return len(self) if self.withheld is None else self.withheld.rows

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the names and values of the used columns and the row numbers."""
        if self.withheld is not None:
            return self.withheld.fingerprint
        digest = hashlib.sha256()
        used = {**self.axes, self.metric: self.target, "weights": self.weights, "cluster": self.cluster}
        for name, column in {**used, "row": self.numbers}.items():
            if column is not None:
                digest.update(f"{name}\0".encode())
                digest.update(np.ascontiguousarray(column, dtype="<f8").tobytes())
        return digest.hexdigest()

    def subset(self, keep: NDArray[np.bool_], reason: str = "left out of this fit") -> Rows:
        """The rows where `keep` (n,) holds; the others join `excluded` with `reason`."""
        left_out = tuple(Excluded(int(row), reason) for row in self.numbers[~keep])
        return replace(
            self,
            axes={name: column[keep] for name, column in self.axes.items()},
            target=self.target[keep],
            weights=None if self.weights is None else self.weights[keep],
            cluster=None if self.cluster is None else codes([self.cluster[keep]], int(keep.sum())),
            numbers=self.numbers[keep],
            names=None if self.names is None else tuple(n for n, kept in zip(self.names, keep, strict=True) if kept),
            excluded=tuple(sorted((*self.excluded, *left_out))),
        )

    def without_values(self) -> Rows:
        """What may be handed on where the rows may not: how many there were, their fingerprint and what they count."""
        left = Rows.empty(self.axes, self.metric, self.conventions)
        return replace(
            left, given=self.given, cluster_kind=self.cluster_kind, derived=self.derived, notices=self.notices,
            reading=self.reading, withheld=Withheld(self.count, self.fingerprint),
        )  # fmt: skip

    @classmethod
    def empty(cls, axes: Iterable[str], metric: str, conventions: Mapping[str, str]) -> Rows:
        """No rows, for constants that were published without them."""
        return cls({name: np.zeros(0) for name in axes}, np.zeros(0), metric, conventions=conventions)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, every float in full."""
        arrays = {"target": self.target, "weights": self.weights, "cluster": self.cluster, "numbers": self.numbers}
        return {
            "metric": self.metric, "axes": {name: column.tolist() for name, column in self.axes.items()},
            **{name: None if column is None else column.tolist() for name, column in arrays.items()},
            "cluster_kind": self.cluster_kind, "given": self.given,
            "excluded": [left_out._asdict() for left_out in self.excluded], "conventions": dict(self.conventions),
            "derived": list(self.derived), "notices": [asdict(notice) for notice in self.notices],
            "names": None if self.names is None else list(self.names), "reading": self.reading.as_dict(),
            "withheld": None if self.withheld is None else self.withheld.rows, "fingerprint": self.fingerprint,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, contents: Mapping[str, Any]) -> Rows:
        """The rows that `as_dict` described; ValueError when they are not those of its fingerprint."""
        rows = cls(
            axes={name: np.array(column, dtype=np.float64) for name, column in contents["axes"].items()},
            target=np.array(contents["target"], dtype=np.float64),
            metric=contents["metric"],
            weights=None if contents["weights"] is None else np.array(contents["weights"], dtype=np.float64),
            cluster=None if contents["cluster"] is None else np.array(contents["cluster"], dtype=np.int64),
            cluster_kind=contents["cluster_kind"],
            numbers=np.array(contents["numbers"], dtype=np.int64),
            given=contents["given"],
            excluded=tuple(Excluded(**left_out) for left_out in contents["excluded"]),
            conventions=contents["conventions"],
            derived=tuple(contents["derived"]),
            notices=tuple(Notice(**notice) for notice in contents["notices"]),
            names=None if contents["names"] is None else tuple(map(str, contents["names"])),
            reading=Reading(**contents["reading"]),
            withheld=None
            if contents["withheld"] is None
            else Withheld(int(contents["withheld"]), str(contents["fingerprint"])),
        )
        if rows.names is not None and len(rows.names) != len(rows):
            raise ValueError("it does not name every row")
        if rows.withheld is not None and len(rows):
            raise ValueError("its rows are said to be withheld and are there")
        if rows.fingerprint != contents["fingerprint"]:
            raise ValueError("its rows are not those of its fingerprint")
        return rows
