"""Where two systems cross, on each class of machine: hours, tokens, steps and money at the crossing and at each budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allometry.costs import tokens_in
from allometry.fits import Fit
from allometry.notices import Notice, Refused, Step
from allometry.plans.chain import fitted_mark, one_line, shown
from allometry.plans.crossover import Crossovers, crossover
from allometry.plans.questions.answer import Answer

HOURS = "accelerator_hours"
CLASSES = (6.0, 12.0, 24.0, 48.0, 96.0)
"""Compute classes in hours of the reference machine (Stanic et al. 2023, arXiv 2309.11197)."""


@dataclass(frozen=True)
class Machine:
    """A machine with its measured throughput of either system in tokens a second, and its price of an hour (None unknown)."""

    name: str
    first: float
    second: float
    price: float | None = None

    def __post_init__(self) -> None:
        for value in (self.first, self.second, *(() if self.price is None else (self.price,))):
            if not (math.isfinite(value) and value > 0):
                raise Refused("bad-value", f"{self.name} cannot have {value:g}", "--machine",
                              "write NAME=FIRST,SECOND[,PRICE]: tokens a second of both systems and money an hour")  # fmt: skip

    def hours(self, tokens: float, second: bool) -> float:
        return tokens / (3600 * (self.second if second else self.first))


def machines(
    first: Fit, second: Fit, reference: Machine, others: Sequence[Machine] = (), *, low: float = CLASSES[0], high: float = 1e6,
    classes: Sequence[float] = CLASSES, level: float | None = None,
) -> Answer:  # fmt: skip
    """Where the second system overtakes the first in hours of the reference machine, and what that takes elsewhere.

    Use it with a law of loss over accelerator hours (`accelerator_hours`) fitted to each of two systems that were
    trained for equal hours at their own best throughput. On other machines each system is given the same tokens: one that
    suits a machine badly pays for that there, and the order can turn. Not across data or tokenizers.
    Arguments: `reference` is the machine that hours are of; `low` and `high` the range that is searched; `classes` the
    budgets to compare. Errors: those of `crossover`, and `Refused` for throughputs and prices that cannot be.
    Source: Stanic et al. 2023, arXiv 2309.11197; crossings with intervals are ours.
    """
    found = crossover(first, second, HOURS, {}, low, high, level=level)
    everyone = (reference, *others)
    named = [machine.name for machine in everyone]
    if len(set(named)) < len(named):
        raise Refused(
            "bad-value",
            f"two machines are called {max(named, key=named.count)}",
            "--machine",
            "give each a name of its own",
        )
    rows = [row for hours in classes for row in _rows(first, second, reference, everyone, hours)]
    crossings = {f"crossing {i + 1}, hours": one.at for i, one in enumerate(found.crossings)}
    money = {
        f"crossing {i + 1}, money on {machine.name}, {which}": price * machine.hours(_tokens(reference, one.at.value, second), second)
        for i, one in enumerate(found.crossings) for machine in everyone if (price := machine.price) is not None
        for which, second in (("first", False), ("second", True)) if one.at.value is not None
    }  # fmt: skip
    return Answer(
        question="crossover of two systems by class of machine", sentence=found.sentence, rows=tuple(rows),
        figures={**crossings, **money, "share of draws that cross": found.share},
        steps=(
            *(Step(f"{name} system", f"{fit.law.name}: {one_line(fit.law.formula.text)} ({fit.status})", fitted_mark(fit))
              for name, fit in (("first", first), ("second", second))),
            Step("crossing", f"searched from {low:g} to {high:g} hours of {reference.name}; intervals hold {found.interval}", "fitted"),
            Step("machines", "each system has the tokens of the reference machine's hours, at the throughput measured on each "
                 "(Stanic et al. 2023, arXiv 2309.11197)", "measured"),
        ),
        notices=(*_open_notices(found), *_distance_notices(found, {"first": first, "second": second})),
    )  # fmt: skip


def _tokens(reference: Machine, hours: float | None, second: bool) -> float:
    return tokens_in(hours or 0.0, reference.second if second else reference.first)


def _rows(
    first: Fit, second: Fit, reference: Machine, everyone: Sequence[Machine], hours: float
) -> list[Mapping[str, float | str | None]]:  # fmt: skip
    """For each machine and system: tokens, loss, hours and money of one budget on the reference machine."""
    rows: list[Mapping[str, float | str | None]] = []
    for machine in everyone:
        for which, fit, is_second in (("first", first, False), ("second", second, True)):
            tokens = _tokens(reference, hours, is_second)
            taken = machine.hours(tokens, is_second)
            rows.append({"class": hours, "machine": machine.name, "system": which, fit.law.metric: float(fit.predict({HOURS: np.array([hours])})[0]),
                         "tokens": tokens, "hours": taken, "money": None if machine.price is None else taken * machine.price})  # fmt: skip
    return rows


def _distance_notices(found: Crossovers, fits: Mapping[str, Fit]) -> Iterator[Notice]:
    """Crossings beyond the runs of either system: their intervals do not hold how far a law misses there."""
    for name, fit in fits.items():
        most = float(fit.rows.axes[HOURS].max()) if len(fit.rows) else math.inf
        for one in found.crossings:
            if one.at.value is not None and one.at.value > most:
                yield Notice("crossing-beyond-runs", f"the crossing at {shown(one.at)} hours lies {math.log10(one.at.value / most):.2g} decades "
                             f"beyond the longest run of the {name} system ({most:g} hours): its interval holds fit noise only, not how "
                             "far the law misses there")  # fmt: skip


def _open_notices(found: Crossovers) -> tuple[Notice, ...]:
    if found.share is None or not found.crossings:
        return ()
    open_ended = [one.at for one in found.crossings if one.at.low is None or one.at.high is None]
    return tuple(
        Notice("crossing-uncertain", f"the crossing at {shown(at)} hours has no interval: {at.why}")
        for at in open_ended
    )
