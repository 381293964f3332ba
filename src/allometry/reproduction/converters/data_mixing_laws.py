"""Validation losses of the mixtures of Ye et al.: one row for each line of the authors' evaluation logs.

A line is the checkpoint's path, the validation file's path and the loss, with tabs between. All steps of the two- and
three-domain suites are kept, of the others every ten thousandth and the last; of lines that say the same only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from allometry.reproduction.sources import Columns, file_in

SUITES = {
    "2Mix": ("160M", "70M"),
    "3Mix": ("160M", "410M", "70M"),
    "5Mix": ("160M", "1B", "305M", "410M", "70M"),
    "RedPajama": ("160M", "1B", "305M", "410M", "70M"),
    "ct": ("70M",),
}
WHOLE = ("2Mix", "3Mix")
EVERY = 10_000
_MIXTURE = re.compile(r"_\d+-([\d.]+(?:-[\d.]+)+)$")


class Row(NamedTuple):
    """One evaluation; `step` is -1 and `mixture` None where the checkpoint's path does not say them."""

    suite: str
    model_size: str
    run: str
    step: int
    valid_domain: str
    loss: float
    mixture: str | None


def convert(checkout: Path) -> Columns:
    rows = [row for suite, sizes in SUITES.items() for size in sizes for row in _chosen(checkout, suite, size)]
    return dict(zip(Row._fields, zip(*dict.fromkeys(rows), strict=True), strict=True))


def _chosen(checkout: Path, suite: str, size: str) -> Iterator[Row]:
    text = file_in(checkout, f"data/{suite}/{size}.txt").read_text(encoding="utf-8")
    rows = [_row(suite, size, *line.split("\t")) for line in text.splitlines()]
    last: dict[str, int] = {}
    for row in rows:
        last[row.run] = max(row.step, last.get(row.run, -1))
    return (row for row in rows if suite in WHOLE or row.step % EVERY == 0 or row.step == last[row.run])


def _row(suite: str, size: str, checkpoint: str, validation: str, loss: str) -> Row:
    *_, run, step = checkpoint.split("/")
    if not step.isdigit():
        run, step = step, "-1"
    domain = validation.rsplit("/", 1)[1].removesuffix(".bin").removeprefix("pythia-pile.valid.")
    mixture = _MIXTURE.search(run)
    return Row(suite, size, run, int(step), domain, float(loss), mixture and mixture[1])
