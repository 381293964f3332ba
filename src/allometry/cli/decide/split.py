"""`allometry decide split`: one budget over items."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json
from allometry.expressions import parse_number
from allometry.notices import Refused
from allometry.plans.questions import split_budget


def split(
    item: Annotated[list[str], typer.Option(help="need,ease of one item, such as 3.0,1.2; its uncertainty is need / tokens**ease; repeatable.")],
    total: Annotated[str, typer.Option(help="Tokens in all, e.g. 4k.")],
    json: Json = False,
) -> None:  # fmt: skip
    """Split a token budget over sub-questions so that the least uncertainty is left, beside five schedules."""
    pairs = [[parse_number(value, "--item") for value in text.split(",")] for text in item]
    if any(len(pair) != 2 for pair in pairs):
        raise Refused("bad-option", "an item is two numbers", "--item", "write need,ease such as 3.0,1.2")
    amount = parse_number(total, "--total")
    if amount != round(amount):
        raise Refused("bad-value", f"{amount:g} tokens are not whole", "--total", "give a whole number")
    show(split_budget([need for need, _ in pairs], [ease for _, ease in pairs], int(amount)), json)
