"""One forecast of the board: the runs of a published table, what is held out, and the laws that apply."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from _report import published_table
from allometry.laws import Law, list_laws
from allometry.runs import Runs, read_runs, read_table
from allometry.runs.columns import Column

# papers of whose runs each source consists: a law that one of them proposed was made on that source
PAPERS: Mapping[str, tuple[str, ...]] = {
    "bnsl": ("2210.14891",),
    "data constrained": ("2305.16264",),
    "data mixing": ("2403.16952",),
    "gadre": ("2403.08540",),
    "hoffmann": ("2203.15556", "2404.10102"),
    "languini": ("2309.11197",),
    "misfitting": ("2502.18969",),
    "monkeys": ("2407.21787", "2502.17578"),
    "observational": ("2405.10938",),
    "parscale": ("2505.10475",),
    "porian": ("2406.19146",),
    "step law": ("2503.04715",),
    "vocabulary": ("2407.13623",),
    "xlstm": ("2510.02228",),
}
# the same family as another law under other names or units: its forecasts are that law's
TWINS: Mapping[str, str] = {
    "code_languages": "chinchilla",
    "translation_loss": "chinchilla",
    "correct_log_likelihood": "power",
    "diffusion": "power",
}


@dataclass(frozen=True, eq=False)
class Case:
    """Runs and their hold-out. `group` is the line of the board, `name` says which of its cases.

    `source` is who made the runs: two tables of one source are one piece of evidence. `metric` is the column that is
    forecast; `axes` those that laws may take; `holdout` a filter whose rows are held out, `held` the same in words;
    `along` the axis of the cuts below it. `nats`: the metric can be negative and its errors are differences.
    """

    group: str
    name: str
    table: str
    source: str
    runs: Runs
    metric: str
    axes: tuple[str, ...]
    holdout: str
    held: str
    along: str = "flops"
    nats: bool = False

    @property
    def below(self) -> Runs:
        """The runs that may be seen before the forecast."""
        return self.runs.keep(~self.runs.matches(self.holdout), "held out")

    @property
    def laws(self) -> tuple[Law, ...]:
        """Every law of the catalogue for this metric whose axes are all in the table and that asks for no more runs."""
        rows = len(self.below)
        return tuple(law for law in _for_metric(self.metric) if {*law.axes} <= {*self.axes} and law.min_runs <= rows)

    def strangers(self, laws: tuple[Law, ...]) -> tuple[Law, ...]:
        """The laws among these that were not made on runs of this source."""
        return tuple(law for law in laws if not made_on(law, self.source))


@lru_cache
def _for_metric(metric: str) -> tuple[Law, ...]:
    return tuple(law for law in list_laws() if law.metric == metric and law.name not in TWINS)


def made_on(law: Law, source: str) -> bool:
    """Whether a law's form or its published constants come from a paper of these runs, as its declaration says."""
    texts = (law.source, *(constants.source for constants in law.published.values()))
    named = {name for text in texts for name in re.findall(r"\d{4}\.\d{5}", text)}
    return not named.isdisjoint(PAPERS[source])


def columns_of(table: str) -> dict[str, Column]:
    """The columns of a published table, as given."""
    path = published_table(f"{table}.csv")
    if path is None:
        raise SystemExit(f"{table}.csv is not in the folder that ALLOMETRY_DATA names")
    return dict(read_table(str(path)).columns)


def runs_of(columns: Mapping[str, object], where: str | None = None) -> Runs:
    """Every row of the columns that a filter keeps."""
    return read_runs(dict(columns), where=where, rows="all")


def above(runs: Runs, axis: str, share: float) -> str:
    """The filter of the runs above that share of all, along an axis."""
    return f"{axis} > {float(np.quantile(np.asarray(runs.columns[axis], dtype=float), share))!r}"
