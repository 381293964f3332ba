"""What a pruning metric is, and the metrics there are: one file each in `metrics/`, which nothing lists."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.axes import nearest_names
from allometry.data.pools import Batch, Pool
from allometry.notices import Refused

Array: TypeAlias = NDArray[np.floating[Any]]
State: TypeAlias = Mapping[str, Array]


@dataclass(frozen=True)
class ScoreSettings:
    """What a metric may be told: the `seed`, how many `clusters` (None: by the pool's height), rows of the `sample`."""

    seed: int = 0
    clusters: int | None = None
    sample: int = 500_000


@dataclass(frozen=True)
class Metric:
    """A measure of difficulty, one number an example: the higher, the harder, for every metric.

    `score` maps a batch to its scores, given what `prepare` learned of the whole pool. It sees one batch at a time and
    gives the same scores however the pool is cut.

    `does` is one sentence, `columns` what it needs of a pool and what each must hold, `source` where it is defined.
    """

    does: str
    columns: Mapping[str, str]
    source: str
    score: Callable[[Batch, State, ScoreSettings], Array]
    prepare: Callable[[Pool, ScoreSettings], State] | None = None


def list_metrics() -> list[str]:
    """The names of all metrics.

    >>> "el2n" in list_metrics()
    True
    """
    from allometry.data.pruning import metrics

    return sorted(found.name for found in pkgutil.iter_modules(metrics.__path__))


def find_metric(name: str) -> Metric:
    """The metric of a name.

    >>> dict(find_metric("loss").columns)
    {'loss': "each example's loss"}
    """
    known = list_metrics()
    if name not in known:
        near = ", ".join(nearest_names(name, known, len(known)))
        raise Refused("unknown-metric", f"there is no metric `{name}`", "--metric", f"choose one of {near}")
    found: Metric = import_module(f"allometry.data.pruning.metrics.{name}").METRIC
    return found
