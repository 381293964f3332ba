"""What a plan of test time is made from: grades and costs of every cell on the same problems, oracles left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.costs import Price
from allometry.inference.calls import NUMBERS, digest
from allometry.inference.sweeps import Outcome
from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
LEAST = 20
"""Problems (or groups of them) below which nothing is planned: intervals over fewer say nothing."""
NOTHING = "none"
"""The selector of strategies that choose nothing: they may stand beside those of any one kind."""


@dataclass(frozen=True)
class Cell:
    """A strategy on an engine at a budget; `identity` is the strategy with all of its arguments."""

    strategy: str
    identity: str
    engine: str
    budget: str
    selector: str
    selector_kind: str

    @property
    def name(self) -> str:
        """What people read, the engine apart."""
        return f"{self.strategy} at {self.budget or 'no budget'}"


@dataclass(frozen=True)
class Ended:
    """Of one cell, how many answers were cut off, could not be afforded, or failed; of so many."""

    truncated: int
    unaffordable: int
    failed: int
    answers: int


@dataclass(frozen=True)
class Table:
    """Cells (C), problems (N) and seeds (S), all cells on the same problems; what a cell lacks is NaN.

    `grades` and each of `meters` are (C, N, S); `seen` is the weight of the leading answer over the samples, NaN where
    nothing was voted on. Failed and cut-off answers are not right: to whoever asked they would not have been. `left_out`
    says what was not used, and why.
    """

    cells: tuple[Cell, ...]
    problems: tuple[str, ...]
    groups: tuple[str, ...]
    grades: Array
    meters: Mapping[str, Array]
    seen: Array
    ended: tuple[Ended, ...]
    scorer: str
    scorer_kind: str
    kind: str
    fingerprint: str
    left_out: tuple[str, ...] = ()

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """The group of each problem as a number."""
        return np.unique(np.asarray(self.groups), return_inverse=True)[1]

    @property
    def seeds(self) -> int:
        return self.grades.shape[2]


def make_table(
    outcomes: Sequence[Outcome], *, scorer: str | None = None, kind: str | None = None, price: Price | None = None
) -> Table:
    """The outcomes of one or several sweeps as a table to plan from.

    Cells whose selector saw the answers are left out: they are bounds, and nobody can run them. Selectors of one
    `kind` only stand in one table, beside strategies that choose nothing.
    Errors: `Refused` for several scorers or kinds where none is named, for too few problems in common, and where
    nothing was scored.
    """
    scored = _of_scorer([o for o in outcomes if o.scorer], scorer)
    oracles = sorted({o.strategy for o in scored if o.oracle})
    usable = _of_kind([o for o in scored if not o.oracle], kind)
    cells: dict[Cell, list[Outcome]] = {}
    for o in usable:
        cells.setdefault(Cell(o.strategy, o.identity, o.engine, o.budget, o.selector, o.selector_kind), []).append(o)
    dead = [cell for cell, of_it in cells.items() if all(o.state == "failed" for o in of_it)]
    for cell in dead:
        del cells[cell]
    again = _again(cells)
    for cell in again:
        del cells[cell]
    left = [f"{name}: its selector sees the answers, a bound and no method" for name in oracles]
    left += [f"{cell.name}: every call failed" for cell in dead]
    for kept in dict.fromkeys(again.values()):
        budgets = ", ".join(cell.budget for cell, one in again.items() if one is kept)
        left.append(f"{kept.strategy} at {budgets}: the same answers as at {kept.budget}")
    return _table(cells, price, left)


def _again(cells: Mapping[Cell, Sequence[Outcome]]) -> dict[Cell, Cell]:
    """Cells that did the very same as one at a smaller budget, which had enough, with that one: no more can be told of them."""
    first: dict[tuple[object, ...], Cell] = {}
    rising = sorted(cells, key=lambda cell: cells[cell][0].limit)
    for cell in rising:
        first.setdefault(_done(cell, cells[cell]), cell)
    kept = {cell: first[_done(cell, cells[cell])] for cell in cells}
    return {cell: one for cell, one in kept.items() if one is not cell}


def _done(cell: Cell, outcomes: Sequence[Outcome]) -> tuple[object, ...]:
    told = sorted(
        (o.problem, o.seed, o.grade or 0.0, o.state, o.meter.calls, o.meter.generated_tokens, o.answer)
        for o in outcomes
    )
    return (cell.identity, cell.engine, *told)


def kinds_of(outcomes: Sequence[Outcome], scorer: str | None = None) -> tuple[str, ...]:
    """The kinds of selectors that a plan can be made for, each apart."""
    scored = _of_scorer([o for o in outcomes if o.scorer], scorer)
    found = dict.fromkeys(o.selector_kind for o in scored if not o.oracle and o.selector != NOTHING)
    return tuple(found) or ("rule",)


def _of_scorer(scored: Sequence[Outcome], scorer: str | None) -> list[Outcome]:
    names = list(dict.fromkeys(o.scorer for o in scored))
    if not names:
        raise Refused("no-scorer", "nothing scored these answers", "the sweep", "sweep with --grader")
    if scorer is None and len(names) > 1:
        raise Refused("several-scorers", f"answers are scored by {', '.join(names)}, which are not one accuracy", "--scorer",
                      f"name one, such as --scorer '{names[0]}'")  # fmt: skip
    if scorer is not None and scorer not in names:
        raise Refused("unknown-scorer", f"nothing is scored by {scorer!r}", "--scorer", f"name {' or '.join(names)}")
    return [o for o in scored if o.scorer == (scorer or names[0])]


def _of_kind(usable: Sequence[Outcome], kind: str | None) -> list[Outcome]:
    kinds = list(dict.fromkeys(o.selector_kind for o in usable if o.selector != NOTHING))
    if kind is None and len(kinds) > 1:
        raise Refused("several-kinds", f"selectors are of the kinds {', '.join(kinds)}, which are never mixed", "--selects",
                      f"name the kind that you will have when you serve, such as --selects '{kinds[0]}'")  # fmt: skip
    if kind is not None and kind not in kinds and not (kind == "rule" and usable):
        raise Refused(
            "unknown-kind", f"no selector is of the kind {kind!r}", "--selects", f"name {' or '.join(kinds) or 'rule'}"
        )
    wanted = kind or (kinds[0] if kinds else "rule")
    return [o for o in usable if o.selector == NOTHING or o.selector_kind == wanted]


def _table(cells: Mapping[Cell, Sequence[Outcome]], price: Price | None, left: list[str]) -> Table:
    if not cells:
        raise Refused("nothing-to-plan", "no strategy is left that could be run: " + "; ".join(left or ["none ran"]),
                      "the sweep", "sweep a strategy whose selector sees no answer")  # fmt: skip
    own = [dict.fromkeys(o.problem for o in of_it) for of_it in cells.values()]
    problems = tuple(problem for problem in own[0] if all(problem in of_it for of_it in own))
    groups = {o.problem: o.group or o.problem for of_it in cells.values() for o in of_it}
    count = len({groups[problem] for problem in problems})
    if count < LEAST:
        fewest = min(zip(cells, own, strict=True), key=lambda pair: len(pair[1]))
        raise Refused("few-problems", f"all cells have {count} problems or groups of them in common, the fewest being those "
                      f"of {fewest[0].name}: {len(fewest[1])}", "the sweep",
                      f"run all strategies on the same {LEAST} problems or more")  # fmt: skip
    most = max(map(len, own))
    if most > len(problems):
        left.append(f"{most - len(problems)} problems that not all cells ran on")
    seeds = sorted({o.seed for of_it in cells.values() for o in of_it})
    place = {problem: i for i, problem in enumerate(problems)}

    def filled(value: Callable[[Outcome], float | None]) -> Array:
        held = np.full((len(cells), len(problems), len(seeds)), np.nan)
        for c, of_it in enumerate(cells.values()):
            for o in of_it:
                if o.problem in place and (number := value(o)) is not None:
                    held[c, place[o.problem], seeds.index(o.seed)] = number
        return held

    meters = {name: filled(lambda o, name=name: getattr(o.meter, name)) for name in NUMBERS}  # type: ignore[misc]
    if price is not None:
        meters["money"] = filled(lambda o: _money(o, price))
    used = [o for of_it in cells.values() for o in of_it if o.problem in place]
    first = used[0]
    return Table(
        tuple(cells), problems, tuple(groups[problem] for problem in problems), filled(lambda o: o.grade or 0.0), meters,
        filled(lambda o: o.votes[0] / o.samples if o.votes and o.samples else None),
        tuple(_ended([o for o in of_it if o.problem in place]) for of_it in cells.values()),
        first.scorer, first.scorer_kind, next((c.selector_kind for c in cells if c.selector != NOTHING), "rule"),
        fingerprint_of(used), tuple(left),
    )  # fmt: skip


def fingerprint_of(outcomes: Sequence[Outcome]) -> str:
    """What tells the outcomes that a plan was made from apart from others, whatever order they come in."""
    lines = [f"{o.problem}\n{o.identity}\n{o.engine}\n{o.budget}\n{o.seed}\n{o.grade}\n{o.meter}" for o in outcomes]
    return digest(*sorted(lines)).hex()[:32]


def _money(outcome: Outcome, price: Price) -> float | None:
    meter = outcome.meter
    return price.of_tokens(
        prompt=meter.prompt_tokens - meter.cached_tokens, cached=meter.cached_tokens, generated=meter.generated_tokens
    )


def _ended(outcomes: Sequence[Outcome]) -> Ended:
    states = Counter(o.state for o in outcomes)
    return Ended(states["truncated"], states["unaffordable"], states["failed"], len(outcomes))
