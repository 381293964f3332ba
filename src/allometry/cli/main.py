"""Run a command; turn refusals into one sentence and status 2, faults of ours into status 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from allometry.cli import (
    advise,
    arms,
    checking,
    compare,
    cost,
    decide,
    demo,
    explain,
    fitting,
    importing,
    laws,
    next_runs,
    plans,
    reproduce,
    sharing,
    tables,
    watch,
)
from allometry.cli.output import print_error
from allometry.notices import Refused

REFUSED, FAULT, INTERRUPTED = 2, 1, 130
# Newer typer carries its own click, so the base of its public error is the only common way to the class.
UsageError: type[Exception] = typer.BadParameter.__base__ or typer.BadParameter


def build_app() -> typer.Typer:
    """All commands, in the order a newcomer meets them."""
    app = typer.Typer(
        add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False,
        help="From a table of training runs to a plan you can trust. Start with: allometry demo",
    )  # fmt: skip
    for command in (
        demo.demo, importing.import_, tables.runs, advise.advise, fitting.fit, plans.forecast, plans.plan, plans.isoflop, compare.compare, arms.arms, next_runs.next, watch.watch,
        explain.inspect, sharing.diff, checking.check, sharing.share, laws.laws, laws.evaluate, explain.report, reproduce.reproduce,
    ):  # fmt: skip
        app.command(command.__name__.rstrip("_"))(command)
    app.add_typer(cost.build_cost(), name="cost")
    app.add_typer(decide.build_decide(), name="decide")
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `allometry` command."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(words or ["--help"]))


def _run(words: list[str]) -> int:
    as_json = "--json" in words
    try:
        result = build_app()(words, standalone_mode=False, prog_name="allometry")
        return result if isinstance(result, int) else 0
    except Refused as refused:
        print_error(refused.code, refused.message, refused.where, refused.mend, as_json=as_json)
        return REFUSED
    except UsageError as wrong:
        message = str(getattr(wrong, "format_message", wrong.__str__)())
        print_error("usage", message, "the command line", "see allometry COMMAND --help", as_json=as_json)
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
