"""Samples of sources from files: features in a column of vectors or in columns of numbers, perhaps labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from allometry.axes import nearest_names
from allometry.data.pools import EMBEDDINGS, Pool, open_pool
from allometry.data.selection.sources import Pilot, pilot
from allometry.notices import Refused


@dataclass(frozen=True)
class Samples:
    """Pilots of `sources` by name and of the `target`; `given` rows of each file, of which pilots are drawn, target last."""

    sources: Mapping[str, Pilot]
    target: Pilot
    given: tuple[int, ...]


def read_samples(
    sources: Mapping[str, str | Path],
    target: str | Path,
    *,
    features: Sequence[str] = (EMBEDDINGS,),
    label: str | None = None,
    rows: int = 300,
    seed: int = 0,
) -> Samples:
    """Pilots of so many rows at most, drawn without replacement from files that are read by the batch.

    Arguments: `features` a column of vectors, or several of numbers; of a .npy file its array; `label` the column of
    classes, for all files or for none.
    Errors: `Refused` for files and columns that are not there, and by row for features that are not finite or ragged.
    """
    pools = {name: open_pool(path) for name, path in sources.items()}
    goal = open_pool(target)
    return Samples(
        {name: _pilot(pool, name, features, label, rows, seed) for name, pool in pools.items()},
        _pilot(goal, "the target", features, label, rows, seed),
        (*(pool.height for pool in pools.values()), goal.height),
    )


def _pilot(pool: Pool, name: str, features: Sequence[str], label: str | None, rows: int, seed: int) -> Pilot:
    for column, option in (*((one, "--features") for one in features), *([(label, "--label")] if label else [])):
        if not pool.has(str(column)):
            near = ", ".join(f"`{other}`" for other in nearest_names(str(column), pool.names))
            raise Refused("no-column", f"{name} has no column `{column}`", pool.where,
                          f"name the column that holds it ({option}); nearest: {near}")  # fmt: skip
    parts = [pool.sample(one, rows, seed) for one in features]
    for one, part in zip(features, parts, strict=True):
        if part.dtype.kind not in "biuf":
            raise Refused("not-numbers", f"`{one}` of {name} holds text", pool.where, "give features as numbers")
    columns = [part[:, None] if part.ndim == 1 else part for part in parts]
    labels = None if label is None else pool.sample(label, rows, seed)
    return pilot(np.concatenate(columns, axis=1), labels, name=name)
