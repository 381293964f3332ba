"""Forecasts and plans kept in the ledger beside a saved fit, without ever failing the command that made them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import typer

from allometry.cli.output import print_lines
from allometry.history import Said, append, ledger_path
from allometry.notices import Refused

Record: TypeAlias = Annotated[
    bool, typer.Option("--record/--no-record", help="Keep this in the ledger beside the fit, for allometry check.")
]
MOST_AT_ONCE = 100  # points of one command: a table of many more is a curve to draw, not runs to be made


class Recorded(NamedTuple):
    """Where it was kept, how many entries are new, why it was not kept, and whether that is to be told."""

    path: Path | None
    new: int
    why: str
    told: bool = True

    def as_json(self) -> dict[str, Any]:
        return {"path": None if self.path is None else str(self.path), "new": self.new, "why": self.why}


def record(fit: str, wanted: bool, count: int, say: Callable[[datetime], tuple[Said, ...]]) -> Recorded:
    """Keep what `say` gives for the present time; what stands in the way is told and no error."""
    if not wanted:
        return Recorded(None, 0, "not asked for", told=False)
    if not os.path.exists(fit):
        return Recorded(None, 0, "published constants have no ledger", told=False)
    if count > MOST_AT_ONCE:
        return Recorded(
            None, 0, f"{count} points at once are not kept, only up to {MOST_AT_ONCE}: ask for those that will be built"
        )
    said, path = say(datetime.now(UTC)), ledger_path(fit)
    if not said:
        return Recorded(None, 0, "there is no value to keep")
    try:
        return Recorded(path, append(path, said), "")
    except OSError as error:
        return Recorded(None, 0, f"the ledger cannot be written: {error.strerror}")
    except Refused as refused:
        return Recorded(None, 0, str(refused))


def show_recorded(kept: Recorded) -> None:
    """One line on what was kept, or why not; none where nothing was to be kept."""
    if kept.path is not None:
        told = f"kept in {kept.path} for allometry check" if kept.new else f"kept in {kept.path} before"
        print_lines(f"{told} (--no-record leaves no trace)")
    elif kept.told:
        print_lines(f"not kept: {kept.why}")
