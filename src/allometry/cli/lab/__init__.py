"""`allometry lab`: ladders of small real runs. One file a command; a new one is a name in `COMMANDS`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from allometry.cli.loading import load
from allometry.cli.output import print_lines

COMMANDS = ("plan", "run", "show")


def build(words: Sequence[str] = ()) -> typer.Typer:
    """The commands under `allometry lab`; of `words` that name one only that."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_group)
    for name in words[:1] if words and words[0] in COMMANDS else COMMANDS:
        app.command(name)(load(f"allometry.cli.lab.{name}", name))
    return app


def _group(context: typer.Context) -> None:
    """Train a ladder of small models and measure it: a table that fit, compare and arms read."""
    if context.invoked_subcommand is None:
        print_lines(context.get_help())
