"""Targets of right answers by a table or by a pilot, and what they will take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allometry.cli.output import progress, working
from allometry.cli.sweeping.posing import Posed
from allometry.data.sampling.rejection import (
    RULES,
    Query,
    Sampled,
    Sampling,
    TrialForecast,
    Vanilla,
    expected_rates,
    forecast_trials,
    mean_difficulty,
    pilot,
    vanilla_of_counts,
)
from allometry.data.sampling.rejection.targets import Array, Counts
from allometry.notices import Refused
from allometry.runs import count_samples


@dataclass(frozen=True, eq=False)
class Asked:
    """What the options say of targets, checked."""

    rule: str
    correct: int
    cap: int
    level: float
    seed: int


@dataclass(frozen=True, eq=False)
class Planned:
    """Queries (n,) with `successes` of `trials`, the targets made of them and what these will take.

    `begun` says that the trials are a pilot's, the first of those that are drawn.
    """

    names: tuple[str, ...]
    successes: Array
    trials: Array
    targets: Counts
    forecast: TrialForecast
    begun: bool

    @property
    def rates(self) -> Array:
        """The share of each query's trials that was right, as counted."""
        return _shares(self.successes, self.trials)

    def made(self, query: Query) -> int:
        """The trials of a query, with those of the pilot behind its last right answer."""
        return max(query.trials, int(self.trials.max())) if self.begun else query.trials

    def spread_evenly(self, each: float, asked: Asked) -> Vanilla:
        """What `each` trials of every query would give instead."""
        return vanilla_of_counts(self.successes, self.trials, each, seed=asked.seed)

    def difficulty_of(self, queries: Sequence[Query], asked: Asked) -> float:
        """The mean fail rate of the answers that are kept, by all trials that there are of each query."""
        right = np.array([len(query.right) for query in queries], dtype=float)
        drawn = np.array([query.trials for query in queries], dtype=float)
        kept = np.minimum(right, [query.target for query in queries])
        if self.begun:  # the longer of the two begins with the other
            further = drawn >= self.trials
            right, drawn = np.where(further, right, self.successes), np.maximum(drawn, self.trials)
        else:
            right, drawn = right + self.successes, drawn + self.trials
        return mean_difficulty(kept, expected_rates(right, drawn, seed=asked.seed))


def by_table(table: str, trials: str | None, asked: Asked, problems: Sequence[str] | None = None) -> Planned:
    """Targets of the queries of a table, and the forecast of all of them or of `problems` in their order."""
    counts = count_samples(table, trials=trials)
    targets = _targets(counts.successes, counts.trials, asked)
    names = counts.problems if problems is None else tuple(problems)
    at = {name: i for i, name in enumerate(counts.problems)}
    lacks = [name for name in names if name not in at]
    if lacks:
        raise Refused("no-rate", f"the table has no row of problem {lacks[0]!r}", table, "measure it, or leave it out")
    order = [at[name] for name in names]
    return _planned(names, counts.successes[order], counts.trials[order], targets[order], asked, begun=False)


def plan_targets(
    posed: Posed, how: Sampling, rates: str | None, trials: str | None, first: int, asked: Asked
) -> tuple[Planned, Sampled | None]:
    """Targets by a table or a pilot; with the pilot where the limit ended that."""
    if rates is not None:
        return by_table(rates, trials, asked, [problem.id for problem in posed.problems]), None
    with progress("queries, pilot", len(posed.problems)) as tick:
        piloted = pilot(posed.problems, first, how, tick)
    names = tuple(query.problem.id for query in piloted.queries)
    right = np.array([len(query.right) for query in piloted.queries], dtype=float)
    drawn = np.array([query.trials for query in piloted.queries], dtype=float)
    planned = _planned(names, right, drawn, _targets(right, drawn, asked), asked, begun=True)
    if piloted.complete:
        return planned, None
    pairs = zip(piloted.queries, planned.targets.tolist(), strict=True)
    return planned, replace(piloted, queries=tuple(replace(query, target=target) for query, target in pairs))


def _planned(
    names: tuple[str, ...], successes: Array, trials: Array, targets: Counts, asked: Asked, *, begun: bool
) -> Planned:
    with working("simulating what it takes"):
        told = forecast_trials(
            targets, asked.cap, successes=successes, trials=trials, begun=begun, level=asked.level, seed=asked.seed
        )  # fmt: skip
    return Planned(names, successes, trials, targets, told, begun)


def _targets(successes: Array, trials: Array, asked: Asked) -> Counts:
    return RULES[asked.rule](_shares(successes, trials), asked.correct)


def _shares(successes: Array, trials: Array) -> Array:
    return successes / np.maximum(trials, 1)
