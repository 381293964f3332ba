"""`allometry decide`: single questions of planning. Each file here is a command of its own name; nothing lists them."""

from __future__ import annotations

import importlib
import pkgutil

import typer

from allometry.cli.output import print_lines


def build_decide() -> typer.Typer:
    """The commands under `allometry decide`."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_group)
    for name in sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")):
        app.command()(getattr(importlib.import_module(f"{__name__}.{name}"), name))
    return app


def _group(context: typer.Context) -> None:
    """Answer one question of planning, with the chain of steps it stands on."""
    if context.invoked_subcommand is None:
        print_lines(context.get_help())
