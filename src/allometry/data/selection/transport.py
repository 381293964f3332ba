"""Exact optimal transport with its dual potentials, by the library POT."""

from __future__ import annotations

import os
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
_STEPS = 1_000_000  # of the network simplex: its default of 100,000 is short for some thousands of rows


class Transport(NamedTuple):
    """The least cost, and the potentials (n,) and (m,): how the cost changes with the mass of each row and column."""

    distance: float
    rows: Array
    columns: Array


def transport(cost: Array, rows: Array, columns: Array) -> Transport:
    """The least cost of moving masses (n,) onto masses (m,), each summing to one, at a cost (n, m).

    Rows without mass have a potential too: what it would cost to begin to use them.
    Errors: `Refused` where POT is missing or stops before the optimum.
    Source: Bonneel et al. 2011 (network simplex), in POT.

    >>> transport(np.array([[1.0, 3.0]]), np.ones(1), np.array([0.5, 0.5])).distance
    2.0
    """
    used = rows > 0
    found, log = _library().emd2(rows[used], columns, cost[used], numItermax=_STEPS, log=True)
    if log["warning"] is not None:
        raise Refused("not-settled", "optimal transport stopped before its optimum", "POT", "give fewer samples")
    other = np.asarray(log["v"], dtype=np.float64)
    # the largest potentials that the columns' allow: those of the optimum on rows with mass, and defined on all
    return Transport(float(found), np.asarray((cost - other).min(axis=1)), other)


def check_library() -> None:
    """Refuse where POT is missing, before anything is read."""
    _library()


def _library() -> Any:
    for framework in ("PYTORCH", "JAX", "TENSORFLOW", "CUPY"):  # which POT would load wherever they are installed
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{framework}", "1")
    try:
        import ot
    except ImportError:
        raise Refused("no-pot", "optimal transport needs the library POT", "allometry.data.selection",
                      "pip install 'allometry[selection]'") from None  # fmt: skip
    return ot
