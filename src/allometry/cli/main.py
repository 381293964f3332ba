"""Run a command; turn refusals into one sentence and status 2, faults of ours into status 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from allometry.cli.loading import load
from allometry.cli.output import print_error
from allometry.notices import Refused

REFUSED, FAULT, INTERRUPTED = 2, 1, 130
# Newer typer carries its own click, so the base of its public error is the only common way to the class.
UsageError: type[Exception] = typer.BadParameter.__base__ or typer.BadParameter


# In the order a newcomer meets them: a command, and the module of its function of that name.
COMMANDS = {
    "demo": "demo", "import": "importing", "runs": "tables", "advise": "advise", "fit": "fitting", "forecast": "plans",
    "plan": "plans", "isoflop": "plans", "compare": "compare", "arms": "arms", "next": "next_runs", "watch": "watch",
    "inspect": "explain", "diff": "sharing", "check": "checking", "share": "sharing", "laws": "laws", "evaluate": "laws",
    "report": "explain", "reproduce": "reproduce", "sweep": "sweeping.sweep", "solve": "sweeping.solve",
    "serve": "serve", "coverage": "coverage",
}  # fmt: skip
GROUPS = {"decide": "decide", "cost": "cost", "lab": "lab", "data": "data", "records": "records"}


def build_app(words: Sequence[str] = ()) -> typer.Typer:
    """The commands; of `words` that name one only that, for loading all takes a second."""
    app = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
        help="From a table of training runs to a plan you can trust. Start with: allometry demo",
    )  # fmt: skip
    app.callback()(_all)
    asked = words[0] if words and words[0] in {**COMMANDS, **GROUPS} else None
    for name, module in COMMANDS.items():
        if asked in (None, name):
            app.command(name)(load(f"allometry.cli.{module}", name))
    for name, module in GROUPS.items():
        if asked in (None, name):
            app.add_typer(load(f"allometry.cli.{module}", "build")(words[1:]), name=name)
    return app


def _all() -> None:
    """With a single command registered it would be the app itself, and its name an argument."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `allometry` command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words or ["--help"]))


def _run(words: list[str]) -> int:
    as_json = "--json" in words
    try:
        result = build_app(words)(words, standalone_mode=False, prog_name="allometry")
        return result if isinstance(result, int) else 0
    except Refused as refused:
        print_error(refused.code, refused.message, refused.where, refused.mend, as_json=as_json)
        return REFUSED
    except UsageError as wrong:
        message = str(getattr(wrong, "format_message", wrong.__str__)()).removesuffix(".")
        command = getattr(getattr(wrong, "ctx", None), "command_path", "allometry")
        print_error("usage", message, "the command line", f"see {command} --help", as_json=as_json)
        return REFUSED
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as fault:
        if os.environ.get("ALLOMETRY_DEBUG"):
            raise
        message = f"this is a fault of allometry: {type(fault).__name__}: {fault}"
        print_error("fault", message, "", "set ALLOMETRY_DEBUG=1 for the traceback and report it", as_json=as_json)
        return FAULT
