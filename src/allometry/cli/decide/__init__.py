"""`allometry decide`: single questions of planning. Each file here is a command of its own name; nothing lists them."""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence

import typer

from allometry.cli.loading import load
from allometry.cli.output import print_lines


def build(words: Sequence[str] = ()) -> typer.Typer:
    """The commands under `allometry decide`; of `words` that name one only that."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_group)
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    for name in words[:1] if words and words[0] in names else names:
        app.command(name)(load(f"{__name__}.{name}", name))
    return app


def _group(context: typer.Context) -> None:
    """Answer one question of planning, with the chain of steps it stands on."""
    if context.invoked_subcommand is None:
        print_lines(context.get_help())
