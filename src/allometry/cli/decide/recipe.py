"""`allometry decide recipe`: learning rate and batch."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json
from allometry.expressions import parse_number
from allometry.plans.questions import recipe as recipe_of


def recipe(
    params: Annotated[str, typer.Option(help="Parameters without embeddings, e.g. 7B.")],
    tokens: Annotated[str, typer.Option(help="Tokens to train on, e.g. 2T.")],
    json: Json = False,
) -> None:  # fmt: skip
    """Peak learning rate and batch for a size and its tokens, by every published law of them."""
    show(recipe_of(parse_number(params, "--params"), parse_number(tokens, "--tokens")), json)
