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


class Excluded(NamedTuple):
    """A row that is not used, by its number in the table as given, and why."""

    row: int
    reason: str


@dataclass(frozen=True, eq=False)
class Rows:
    """What a fit sees of a table; arrays have one entry a used row (n in all).

    `axes` name to floats (n,), `target` (n,) of the metric `metric`, `weights` (n,) or None,
    `cluster` group labels (n,) or None, `cluster_kind` what the labels are ("rows" for none,
    "runs", "repeats", or a column's name), `numbers` the rows' numbers counted from 0 in the
    table as given, which had `given` rows. `fingerprint` is the SHA-256 of all of these.

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

    def __post_init__(self) -> None:
        if not self.numbers.size:
            object.__setattr__(self, "numbers", np.arange(len(self.target)))
        if not self.given:
            object.__setattr__(self, "given", len(self.target))

    def __len__(self) -> int:
        return len(self.target)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the names and values of the used columns and the row numbers."""
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
            excluded=tuple(sorted((*self.excluded, *left_out))),
        )

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
            "fingerprint": self.fingerprint,
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
        )
        if rows.fingerprint != contents["fingerprint"]:
            raise ValueError("its rows are not those of its fingerprint")
        return rows
