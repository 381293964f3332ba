"""`allometry decide filtering`: repeat or filter data at this compute."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import FitName, Json, Level, level_of, open_fit
from allometry.expressions import parse_number
from allometry.plans.questions import filtering as filtering_of


def filtering(
    fit: FitName,
    pool: Annotated[str, typer.Option(help="Different examples in one pool, e.g. 12.8M.")],
    examples: Annotated[str, typer.Option(help="Examples seen in all, repeats counted: one or several, e.g. 32M,128M.")],
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """Repeat the best data or take worse ones too: how many pools, best first, to train on at each compute."""
    budgets = [parse_number(text, "--examples") for text in examples.split(",")]
    found = filtering_of(
        open_fit(fit), parse_number(pool, "--pool"), budgets, level=None if level is None else level_of(level, 0.9)
    )
    show(found, json)
