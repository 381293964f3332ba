"""`allometry decide choose`: one option for each stage under a budget."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json
from allometry.expressions import parse_number
from allometry.notices import Refused
from allometry.plans.questions import Option
from allometry.plans.questions import choose as choose_of
from allometry.runs import read_table

COLUMNS = ("stage", "option", "cost", "value")


def choose(
    options: Annotated[str, typer.Argument(metavar="OPTIONS", help="Table with the columns stage, option, cost, value.")],
    budget: Annotated[str, typer.Option(help="The sum of costs allowed, in the unit of the column.")],
    json: Json = False,
) -> None:  # fmt: skip
    """Choose one option of each stage (a model and its samples, a processor of a document) under one budget, exactly."""
    columns = read_table(options).columns
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise Refused(
            "missing-column", f"the table has no column {missing[0]!r}", options, f"give {', '.join(COLUMNS)}"
        )
    try:
        rows = [Option(str(stage), str(name), float(cost), float(value))
                for stage, name, cost, value in zip(*(columns[name] for name in COLUMNS), strict=True)]  # fmt: skip
    except (TypeError, ValueError):
        raise Refused("not-numbers", "a cost or a value is no number", options, "give plain numbers") from None
    show(choose_of(rows, parse_number(budget, "--budget")), json)
