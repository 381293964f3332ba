"""The rows of a fit as a part of its artifact, and a part of them for a refit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from allometry.notices import Notice
from allometry.runs import Excluded, Rows


def subset(rows: Rows, keep: np.ndarray) -> Rows:
    """The rows where `keep` (n,) is true."""
    return replace(
        rows, axes={name: column[keep] for name, column in rows.axes.items()}, target=rows.target[keep],
        weights=None if rows.weights is None else rows.weights[keep],
        cluster=None if rows.cluster is None else rows.cluster[keep], numbers=rows.numbers[keep],
    )  # fmt: skip


def rows_to_dict(rows: Rows) -> dict[str, Any]:
    """All of the rows as plain JSON values, with their fingerprint."""
    return {
        "axes": {name: column.tolist() for name, column in rows.axes.items()}, "target": rows.target.tolist(),
        "metric": rows.metric, "weights": None if rows.weights is None else rows.weights.tolist(),
        "cluster": None if rows.cluster is None else rows.cluster.tolist(), "cluster_kind": rows.cluster_kind,
        "numbers": rows.numbers.tolist(), "given": rows.given, "excluded": [list(e) for e in rows.excluded],
        "conventions": dict(rows.conventions), "derived": list(rows.derived),
        "notices": [[n.code, n.message] for n in rows.notices], "fingerprint": rows.fingerprint,
    }  # fmt: skip


def rows_from_dict(contents: Mapping[str, Any]) -> Rows:
    """The rows that `rows_to_dict` wrote; a fingerprint that does not match is a `ValueError`."""
    rows = Rows(
        axes={name: np.array(column, dtype=float) for name, column in contents["axes"].items()},
        target=np.array(contents["target"], dtype=float), metric=contents["metric"],
        weights=None if contents["weights"] is None else np.array(contents["weights"], dtype=float),
        cluster=None if contents["cluster"] is None else np.array(contents["cluster"], dtype=np.int64),
        cluster_kind=contents["cluster_kind"], numbers=np.array(contents["numbers"], dtype=np.int64), given=contents["given"],
        excluded=tuple(Excluded(*e) for e in contents["excluded"]), conventions=contents["conventions"],
        derived=tuple(contents["derived"]), notices=tuple(Notice(*n) for n in contents["notices"]),
    )  # fmt: skip
    if rows.fingerprint != contents["fingerprint"]:
        raise ValueError("the rows do not match their fingerprint")
    return rows
