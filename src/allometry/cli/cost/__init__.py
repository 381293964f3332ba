"""`allometry cost`: what training and serving cost. One file a command; a new one is a line in `COMMANDS`."""

from __future__ import annotations

import typer

from allometry.cli.cost import calibrate, request, serve, train
from allometry.cli.output import print_lines

COMMANDS = (train.train, request.request, serve.serve, calibrate.calibrate)


def build_cost() -> typer.Typer:
    """The commands under `allometry cost`."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_group)
    for command in COMMANDS:
        app.command()(command)
    return app


def _group(context: typer.Context) -> None:
    """What training and serving cost: FLOPs, memory, time, energy, money."""
    if context.invoked_subcommand is None:
        print_lines(context.get_help())
