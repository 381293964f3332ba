"""Every run of an import as rows, and what is to be told of all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from allometry.notices import Notice
from allometry.runs.imports.choosing import Chosen
from allometry.runs.imports.collect import Tick
from allometry.runs.imports.joining import Group, load_series
from allometry.runs.imports.rows import RunRows, run_rows

UNKNOWN = "not said"


class Making:
    """Goes through the runs once; `runs`, `states` and `notices` are complete when all rows were taken."""

    def __init__(self, groups: Sequence[Group], chosen: Chosen, step: str | None) -> None:
        self._groups, self._chosen, self._step = groups, chosen, step
        self._single: list[Notice] = []
        self._without: list[str] = []
        self._early: list[str] = []
        self._uncounted: dict[str, list[str]] = {}
        self._apart: Counter[str] = Counter()
        self.runs = 0
        self.states: Counter[str] = Counter()

    def each(self, tick: Tick) -> Iterator[RunRows]:
        """The rows of each run that has any."""
        for group in self._groups:
            series, notices = load_series(group, self._step)
            made = run_rows(group.run_id, group.about, series, self._chosen)
            self._single += [*group.about.notices, *notices]
            self._note(made)
            if len(made):
                yield made
            tick(1)

    def _note(self, made: RunRows) -> None:
        if not len(made):
            self._without.append(made.run_id)
            return
        self.runs += 1
        self.states[made.state or UNKNOWN] += 1
        self._apart.update(made.apart)
        if made.early:
            self._early.append(made.run_id)
        for name in (*self._chosen.totals, *(("tokens",) if self._chosen.batch else ())):
            if np.isnan(made.numbers[name]).all():
                self._uncounted.setdefault(name, []).append(made.run_id)

    def notices(self) -> list[Notice]:
        """What is to be told, once for all runs where it is of several."""
        found = list(self._single)
        if self._without:
            found.append(Notice("no-rows", f"{_some(self._without)} logged nothing of what was asked for: left out"))
        for name, runs in self._uncounted.items():
            why = "a setting is missing, or the run did not finish and its planned `steps` are not mapped"
            found.append(Notice("not-counted", f"`{name}` of {_some(runs)} is empty: {why}"))
        for name, count in self._apart.items():
            if count:
                why = f"`{self._chosen.metrics[0]}`, named first, gives the rows"
                found.append(Notice("not-in-rows", f"{count} values of `{name}` were logged at other steps: {why}"))
        if self._early:
            message = f"{_some(self._early)} finished before 99% of the planned steps by what the source says"
            found.append(Notice("stopped-early", message))
        if self.states[UNKNOWN]:
            message = f"how {self.states[UNKNOWN]} of {self.runs} runs ended is not said; they count as finished"
            found.append(Notice("state-unknown", f"{message}; --map steps=SETTING (the planned steps) would tell"))
        return found


def _some(runs: Sequence[str]) -> str:
    """One run by its name, several by their number and the first.

    >>> _some(["a"]), _some(["a", "b"])
    ('run `a`', '2 runs (such as `a`)')
    """
    return f"run `{runs[0]}`" if len(runs) == 1 else f"{len(runs)} runs (such as `{runs[0]}`)"
