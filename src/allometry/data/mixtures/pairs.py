"""How much one domain helps another, from a table of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from allometry.data.mixtures.simplex import Array
from allometry.notices import Refused
from allometry.runs import read_table

COLUMNS = ("target", "helper", "transfer")


def read_transfer(source: object, domains: Sequence[str]) -> Array:
    """The matrix (k, k) of transfer from columns `target`, `helper` and `transfer`: row helped by column.

    Use it for laws with an axis `synergy`; a pair that is not in the table counts as zero, and so does a domain with itself.
    Errors: `Refused` for a missing column, a domain that is not of the mixtures, a pair given twice.

    >>> read_transfer({"target": ["java"], "helper": ["python"], "transfer": [0.06]}, ["python", "java"]).tolist()
    [[0.0, 0.0], [0.06, 0.0]]
    """
    table = read_table(source)
    for name in COLUMNS:
        if name not in table.columns:
            raise Refused("no-column", f"no column {name!r}", table.where, f"give {', '.join(COLUMNS)}")
    place, found = {name: i for i, name in enumerate(domains)}, np.zeros((len(domains), len(domains)))
    seen = set[tuple[str, str]]()
    for row, (target, helper, value) in enumerate(
        zip(*(table.columns[name].tolist() for name in COLUMNS), strict=True)
    ):
        for name in (target, helper):
            if name not in place:
                raise Refused(
                    "unknown-domain",
                    f"row {row} names {name}, which is no training domain",
                    table.where,
                    f"there are {', '.join(domains)}",
                )
        if (target, helper) in seen:
            raise Refused(
                "pair-twice", f"row {row} gives {target} helped by {helper} again", table.where, "give each pair once"
            )
        if isinstance(value, str) or not np.isfinite(value):
            raise Refused(
                "not-numbers", f"the transfer of row {row} is not a number", table.where, "give shares such as 0.06"
            )
        seen.add((target, helper))
        found[place[target], place[helper]] = value if target != helper else 0.0
    return found
