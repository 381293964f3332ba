"""`allometry decide machines`: where two systems cross, and what that costs on each class of machine."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json, Level, level_of, open_fit
from allometry.expressions import parse_number
from allometry.notices import Refused
from allometry.plans.questions import Machine
from allometry.plans.questions import machines as machines_of

FORM = "write NAME=FIRST,SECOND or NAME=FIRST,SECOND,PRICE: tokens a second of both systems, money an hour"


def machines(
    first: Annotated[str, typer.Argument(metavar="FIRST", help="A law of loss over accelerator_hours fitted to one system.")],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="The same of the other.")],
    machine: Annotated[list[str], typer.Option(help="NAME=FIRST,SECOND[,PRICE]: measured tokens a second of both systems, and money an hour; the first given is the one that hours are of; repeatable.")],
    low: Annotated[float, typer.Option(help="Hours from which a crossing is searched.")] = 6.0,
    high: Annotated[float, typer.Option(help="Hours up to which.")] = 1e6,
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """Where the second system overtakes the first in machine hours, and hours and money on every class of machine."""
    known = [_machine(text) for text in machine]
    found = machines_of(open_fit(first), open_fit(second), known[0], known[1:], low=low, high=high,
                        level=None if level is None else level_of(level, 0.9))  # fmt: skip
    show(found, json)


def _machine(text: str) -> Machine:
    name, equals, values = text.partition("=")
    numbers = [parse_number(value, "--machine") for value in values.split(",")] if equals else []
    if len(numbers) not in (2, 3) or not name.strip():
        raise Refused("bad-option", f"{text!r} is no machine", "--machine", FORM)
    return Machine(name.strip(), *numbers)
