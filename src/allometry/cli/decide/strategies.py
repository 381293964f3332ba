"""`allometry decide strategies`: two test-time strategies at equal budgets."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json, Level, level_of
from allometry.notices import Refused
from allometry.plans.questions import Measured, compare_strategies
from allometry.runs import read_table


def strategies(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Table with the columns strategy, budget, accuracy: two strategies.")],
    problems: Annotated[int, typer.Option(help="Problems that each accuracy is over.", min=1)],
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """Which of two strategies is better at an equal budget, with intervals of the gap, and where that turns."""
    columns = read_table(table).columns
    for name in ("strategy", "budget", "accuracy"):
        if name not in columns:
            raise Refused(
                "missing-column", f"the table has no column {name!r}", table, "give strategy, budget, accuracy"
            )
    try:
        rows = [
            (str(who), float(budget), float(share))
            for who, budget, share in zip(columns["strategy"], columns["budget"], columns["accuracy"], strict=True)
        ]
    except (TypeError, ValueError):
        raise Refused("not-numbers", "a budget or an accuracy is no number", table, "give plain numbers") from None
    names = list(dict.fromkeys(who for who, _, _ in rows))
    if len(names) != 2:
        raise Refused("bad-table", f"the table has {len(names)} strategies", table, "keep the two to compare")
    both = []
    for name in names:
        own = sorted((budget, share) for who, budget, share in rows if who == name)
        both.append(Measured(name, tuple(b for b, _ in own), tuple(s for _, s in own), problems))
    show(compare_strategies(both[0], both[1], level=level_of(level, 0.9)), json)
