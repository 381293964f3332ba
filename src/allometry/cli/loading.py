"""Commands loaded when they are asked for: each brings its own rooms, and some of those take long."""

from __future__ import annotations

import keyword
import pkgutil
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import typer

from allometry.cli.output import print_lines


def load(module: str, name: str) -> Callable[..., Any]:
    """A module's function of that name; one that Python keeps for itself has an underscore behind it."""
    found: Callable[..., Any] = getattr(import_module(module), f"{name}_" if keyword.iskeyword(name) else name)
    return found


def group(package: str, about: str, names: Sequence[str]) -> Callable[[Sequence[str]], typer.Typer]:
    """A function that makes the commands of a package, one file each; of words that name one only that."""

    def show(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            print_lines(context.get_help())

    def build(words: Sequence[str] = ()) -> typer.Typer:
        app = typer.Typer(rich_markup_mode=None, help=about)
        app.callback(invoke_without_command=True, help=about)(show)
        for name in words[:1] if words and words[0] in names else names:
            app.command(name)(load(f"{package}.{name}", name))
        return app

    return build


def files_of(path: Sequence[str]) -> list[str]:
    """The commands of a package that lists none: its files, those with an underscore left out."""
    return sorted(found.name for found in pkgutil.iter_modules(path) if not found.name.startswith("_"))
