"""What the metrics of classifiers share: the probabilities of the classes and the true one, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from allometry.data.pools import Batch
from allometry.notices import Refused

PROBABILITIES = "probabilities of the classes (classes,), or of several models (models, classes)"
LABEL = "the true class, counted from 0"
_SLACK = 1e-3  # by which probabilities of one example may miss a sum of 1: those saved in half precision do


def truth(batch: Batch) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities (rows, models, classes) and the true class (rows,) of a batch."""
    found = np.asarray(batch["probabilities"], dtype=np.float64)
    found = found[:, None] if found.ndim == 2 else found
    if found.ndim != 3:
        message = f"`probabilities` has {found.ndim - 1} dimensions an example"
        raise Refused("bad-probabilities", message, "the pool", "give one number a class")
    wrong = np.flatnonzero((found.min(axis=(1, 2)) < 0) | (np.abs(found.sum(axis=2) - 1).max(axis=1) > _SLACK))
    if len(wrong):
        message = f"`probabilities` of row {batch.start + wrong[0]} are below 0 or do not sum to 1"
        raise Refused("bad-probabilities", message, "the pool", "give probabilities; of logits take the softmax")
    return found, _classes(batch, found.shape[2])


def _classes(batch: Batch, count: int) -> NDArray[np.int64]:
    given = batch["label"]
    if given.ndim != 1:
        raise Refused("bad-label", "`label` is a list, not one class", "the pool", "give one number an example")
    classes = given.astype(np.int64)
    wrong = np.flatnonzero((classes != given) | (classes < 0) | (classes >= count))
    if len(wrong):
        message = f"`label` is {given[wrong[0]]} in row {batch.start + wrong[0]}, and there are {count} classes"
        raise Refused("bad-label", message, "the pool", f"number the classes from 0 to {count - 1}")
    return classes


def flags(batch: Batch, name: str) -> NDArray[np.bool_]:
    """A column (rows, times) of zeros and ones as booleans."""
    given = batch[name]
    if given.ndim != 2 or given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
        mend = "give a list of zeros and ones a row, all of one length"
        raise Refused("bad-flags", f"`{name}` is no list of zeros and ones near row {batch.start}", "the pool", mend)
    return given.astype(bool)
