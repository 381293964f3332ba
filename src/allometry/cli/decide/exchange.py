"""`allometry decide exchange`: train bigger or think longer."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json, Level, level_of, open_fit
from allometry.expressions import parse_number
from allometry.plans.questions import bigger_or_longer


def exchange(
    small: Annotated[str, typer.Argument(metavar="SMALL", help="A law of test-time compute fitted to the smaller model.")],
    large: Annotated[str, typer.Argument(metavar="LARGE", help="The same law fitted to the larger model.")],
    larger: Annotated[float, typer.Option(help="The larger's parameters over the smaller's.")],
    tokens: Annotated[str, typer.Option(help="Tokens that both are trained on, e.g. 1T.")],
    inference_tokens: Annotated[str, typer.Option("--inference-tokens", help="Tokens that the larger serves over its life, e.g. 2T.")],
    at: Annotated[float, typer.Option(help="Samples (or thinking tokens) of the larger for one answer.")] = 1.0,
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """Train bigger or think longer: what the smaller needs, what it may spend, and up to which volume that is cheaper."""
    one, other = open_fit(small), open_fit(large)
    found = bigger_or_longer(
        one, other, larger=larger, tokens=parse_number(tokens, "--tokens"), at=at,
        inference_tokens=parse_number(inference_tokens, "--inference-tokens"),
        level=None if level is None else level_of(level, 0.9),
    )  # fmt: skip
    show(found, json)
