"""`allometry decide compound`: compound scaling of image models."""

from __future__ import annotations

from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json
from allometry.costs import Convolutional
from allometry.expressions import parse_number
from allometry.notices import Refused
from allometry.plans.questions import NETWORKS
from allometry.plans.questions import compound as compound_of

FORM = "write 'depths=1,2,7,12 widths=32,64,160,384 groups=16,16,16,16 resolution=224'"


def compound(
    base: Annotated[str, typer.Option(help=f"A name ({', '.join(NETWORKS)}), or 'depths=... widths=... groups=... resolution=...'.")],
    times: Annotated[float, typer.Option(help="How many times the FLOPs.")],
    alpha: Annotated[list[float] | None, typer.Option(help="Width's part of the scaling, 0 to 1; 0.8 is fast scaling; repeatable.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Scale a convolutional network to so many times its FLOPs: splits between depth, width and resolution compared."""
    found = compound_of(_network(base), times, alpha) if alpha else compound_of(_network(base), times)
    show(found, json)


def _network(text: str) -> Convolutional:
    if text in NETWORKS:
        return NETWORKS[text]
    parts = dict(pair.partition("=")[::2] for pair in text.split())
    known = {"depths", "widths", "groups", "resolution"}
    if not known - {"resolution"} <= parts.keys() <= known:
        raise Refused("bad-shape", f"{text!r} is no network", "--base", f"use {', '.join(NETWORKS)}, or {FORM}")
    depths, widths, groups = (
        tuple(int(parse_number(v, "--base")) for v in parts[name].split(",")) for name in ("depths", "widths", "groups")
    )
    return Convolutional(depths, widths, groups, int(parse_number(parts.get("resolution", "224"), "--base")))
