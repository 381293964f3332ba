"""The ladder that comes with the package, as runs."""

from __future__ import annotations

from allometry.runs.embedded import EMBEDDED
from allometry.runs.read import read_runs
from allometry.runs.runs import Runs


def embedded_ladder(*, where: str | None = None, rows: str | None = None) -> Runs:
    """The runs of the embedded ladder, with the conventions that its provenance states.

    Use it to try the tool or as a table whose every number can be measured again; not as
    evidence about large models. `where` and `rows` as in `read_runs`, of which this is
    `read_runs("embedded")`; commands take `embedded` in the place of a table too. Losses are
    measured in nats per byte (one token is one byte), FLOPs are 6 x params x tokens.

    >>> embedded_ladder().conventions["loss_unit"]
    'nats per byte'
    """
    return read_runs(EMBEDDED, where=where, rows=rows)
