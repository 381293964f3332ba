"""`allometry decide grow`: stack-grow or from scratch."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json, Level, level_of, open_fit
from allometry.expressions import parse_number
from allometry.plans.questions import grow as grow_of


def grow(
    params: Annotated[str, typer.Option(help="Parameters of the grown model without embeddings, e.g. 7B.")],
    flops: Annotated[str, typer.Option(help="FLOPs of both phases together.")],
    factor: Annotated[int, typer.Option(help="How many times the layers are stacked.")] = 4,
    scratch: Annotated[str | None, typer.Option(metavar="FIT", help="A law of loss over flops fitted to runs from scratch.")] = None,
    grown: Annotated[str | None, typer.Option(metavar="FIT", help="The same of runs that grew, their FLOPs with the small model's.")] = None,
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """Stack a model from a smaller one or train it from scratch: when to stack, and what two fits say it saves."""
    fits = [None if name is None else open_fit(name) for name in (scratch, grown)]
    found = grow_of(parse_number(params, "--params"), parse_number(flops, "--flops"), factor=factor, scratch=fits[0], grown=fits[1],
                    level=None if level is None else level_of(level, 0.9))  # fmt: skip
    show(found, json)
