"""Options that the cost commands share, and how their texts are read."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from allometry.cli.output import number
from allometry.costs import Hardware, Price, find_price
from allometry.notices import Interval, Notice

ShapeText: TypeAlias = Annotated[
    str,
    typer.Option(
        "--shape",
        help="A name (qwen3-8b), a Hugging Face config.json, numbers ('layers=36 width=4096 heads=32 ffn=12288 vocab=151936'), or a search ('params=7e9 vocab=32000').",
    ),
]
HardwareText: TypeAlias = Annotated[
    str,
    typer.Option("--hardware", help="A name (h200), a .toml file, or either with changes ('h200 host_memory=256e9')."),
]
Prices: TypeAlias = Annotated[Path | None, typer.Option(help="TOML file of prices; it wins over all others.")]


def price_of(hardware: Hardware, prices: Path | None) -> Price | None:
    """The price of this hardware: the user's file first."""
    return find_price(hardware.name, prices, hardware.price)


def price_notices(price: Price | None) -> tuple[Notice, ...]:
    """What is to be said of a price today."""
    return () if price is None else price.notices(datetime.date.today())


def span(found: Interval) -> str:
    """An interval as people read it; why it is empty where it is."""
    if found.value is None:
        return f"- ({found.why})" if found.why else "-"
    if found.low is None or found.high is None:
        return number(found.value)
    return f"{number(found.value)} [{number(found.low)} to {number(found.high)}]"


def gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size < 1e12 else f"{size / 1e12:.2f} TB"
