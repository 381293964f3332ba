"""`allometry records`: what a sweep kept, erasing of it, and handing it on without texts."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from allometry.cli.options import Json
from allometry.cli.output import print_json, print_lines, print_table, working
from allometry.inference import records
from allometry.notices import Refused

Folder: TypeAlias = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of records that a sweep wrote.")]


def build(words: Sequence[str] = ()) -> typer.Typer:
    """The commands under `allometry records`."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_group)
    for command in (show, scrub, export):
        app.command()(command)
    return app


def _group(context: typer.Context) -> None:
    """What a sweep kept of its calls: look at it, erase of it, hand it on without texts."""
    if context.invoked_subcommand is None:
        print_lines(context.get_help())


def show(folder: Folder, json: Json = False) -> None:
    """Count what is kept: engines, strategies, problems, answers, outcomes, bytes, what of the texts. It shows no text.

    Nothing is locked, so it may be asked while a sweep runs.
    """
    with working("reading records"):
        found = records.describe(folder)
    if json:
        print_json({"records": found.as_json(), "complete": True})
    else:
        _show(found)


def _show(found: records.Described) -> None:
    lines = found.lines
    print_lines(
        f"{lines.get('sample', 0)} answers and {lines.get('episode', 0)} outcomes on {found.problems} problems, "
        f"{found.bytes / 1e6:.3g} MB in {found.folder}"
    )
    engines = [(e.engine, e.samples, e.prompt_tokens, e.generated_tokens) for e in found.engines]
    print_table("engines", ("engine", "answers", "prompt tokens", "generated tokens"), engines)
    strategies = [(s.strategy, s.samples, s.episodes) for s in found.strategies]
    print_table("strategies", ("strategy", "answers", "outcomes"), strategies)
    others = {"effect": "results of tools", "prompt": "prompts", "failure": "failed calls", "probe": "probes"}
    print_lines(
        "also kept: "
        + (", ".join(f"{lines[kind]} {name}" for kind, name in others.items() if kind in lines) or "nothing")
    )
    print_lines("of texts: " + (", ".join(f"{count} as {_KEEP[how]}" for how, count in found.keep.items()) or "none"))
    if found.lost:
        print_lines(f"{found.lost} calls were begun and gave nothing; they may have been paid for")
    if found.live:
        print_lines(f"{found.live} live files: a sweep runs, or was ended; the next one makes one file of them")
    if found.torn:
        print_lines(f"{found.torn} lines were being written when their sweep was ended; they never count")
    if found.broken:
        print_lines(
            f"{found.broken} lines are damaged and cannot be read: a sweep will refuse this folder and say which"
        )


_KEEP = {"text": "they are", "redacted": "the hook left them", "hashes": "hashes", "meters": "nothing but numbers"}


def scrub(
    folder: Folder,
    where: Annotated[str, typer.Option(help="Erase lines where this holds, e.g. 'problem == \"7\"' or 'engine == \"old\" and kind == \"sample\"'.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")] = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Erase what was kept, for good: the files are written anew without it.

    The condition is of columns: kind (sample, effect, episode, failure, probe), problem, strategy, engine, seed, turn,
    content, generated_tokens, kept and the others of the format. Prompts go when nothing is left that they were asked
    for. A sweep that goes on asks again for answers that are gone. Copies elsewhere, and in backups, stay.
    """
    with working("reading records"):
        picked = records.pick(folder, where)
        goes = Counter(line["kind"] for line in records.to_scrub(folder, picked))
    if not json:
        print_lines(f"{_counted(goes)} {'would go' if dry_run else 'go'} from {folder}")
    removed = 0
    if not dry_run and goes:
        _confirm(yes, json, folder)
        removed = records.scrub(folder, picked)
    if json:
        print_json(
            {"removed": removed, "matched": sum(goes.values()), "kinds": goes, "dry_run": dry_run, "complete": True}
        )
    elif removed:
        print_lines(f"{removed} lines erased")


_KINDS = {"sample": "answers", "episode": "outcomes", "prompt": "prompts", "effect": "results of tools",
          "failure": "failed calls", "sent": "marks of calls", "probe": "probes"}  # fmt: skip


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {_KINDS.get(kind, kind)}" for kind, count in kinds.items()) or "no lines"


def _confirm(yes: bool, json: bool, folder: Path) -> None:
    """Ask a person; refuse where there is none to ask."""
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise Refused("not-confirmed", "erasing cannot be undone", str(folder), "say --yes, or --dry-run to only look")
    typer.confirm("Erase them for good?", abort=True)


def export(
    folder: Folder,
    without_text: Annotated[Path, typer.Option("--without-text", metavar="OUT", help="New or empty folder for the copy.")],
    keep: Annotated[str, typer.Option(help="What stands for a text: hashes, or meters for nothing at all.")] = "hashes",
    json: Json = False,
) -> None:  # fmt: skip
    """Copy records without prompts, answers, reasoning and tool calls, to hand on what was measured.

    Numbers, times and outcomes stay, and so do the ids of problems, the names of engines and the arguments of
    strategies: look whether those may be seen. A short text can be guessed from its hash: take --keep meters then.
    """
    with working("copying records"):
        count = records.export(folder, without_text, records.check_keep(keep))
    if json:
        print_json({"out": f"{without_text}", "lines": count, "keep": keep, "complete": True})
    else:
        print_lines(f"{count} lines without texts ({keep}) written to {without_text}")
