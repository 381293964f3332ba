"""What the commands of the lab share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from allometry.notices import Refused

LadderFile: TypeAlias = Annotated[Path, typer.Argument(metavar="LADDER", help="TOML file that declares the ladder.")]
Workers: TypeAlias = Annotated[int | None, typer.Option(help="Runs at the same time; by default one a GPU, or one a core.", min=1)]  # fmt: skip


def need_torch() -> None:
    """Refuse where the lab cannot train."""
    if importlib.util.find_spec("torch") is None:
        raise Refused("no-torch", "the lab trains with torch, which is not installed", "the lab", "install allometry[lab]")  # fmt: skip
