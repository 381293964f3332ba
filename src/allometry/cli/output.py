"""What commands print: one strict JSON object, or tables a person reads; progress goes to stderr."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from allometry.fits import Tick
from allometry.notices import Interval, Notice


def print_json(contents: Mapping[str, Any]) -> None:
    """Exactly one strict JSON object on stdout."""
    print(json.dumps(strict(contents), allow_nan=False, ensure_ascii=False))  # noqa: T201


def strict(value: Any) -> Any:
    """The value with numbers that JSON lacks (infinite, not a number) as null."""
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    number = float(value)
    return number if math.isfinite(number) else None


def print_error(code: str, message: str, where: str, mend: str, *, as_json: bool) -> None:
    """One error: JSON on stdout where that was asked for, else a sentence on stderr."""
    if as_json:
        print_json({"error": {"code": code, "message": message, "where": where, "mend": mend}})
        return
    place = f" ({where})" if where else ""
    Console(stderr=True, highlight=False, soft_wrap=True, emoji=False).print(
        f"allometry: {escape(message)}{escape(place)}" + (f": {escape(mend)}" if mend else "")
    )


class _Pipe(Console):
    """A console that leaves it to the command to end when nobody reads on: rich would end with status 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console() -> Console:
    return _Pipe(highlight=False, soft_wrap=True, emoji=False)  # topk:B:16 would lose its B


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, prose: bool = False) -> None:
    """A table of texts that may come from anywhere: markup in them is shown, not obeyed.

    `prose` sets columns of words, not numbers: to the left, lines broken between words.
    """
    table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        table.add_column(escape(column), justify="left" if i == 0 or prose else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console().print(table)


def print_lines(*lines: str) -> None:
    for line in lines:
        console().print(escape(line))


def print_notices(notices: Iterable[Notice]) -> None:
    for notice in notices:
        console().print(f"[yellow]warning[/yellow] {escape(notice.code)}: {escape(notice.message)}")


def number(value: float | None) -> str:
    """A number as people write it: 4 digits, thousands by letters from a million on."""
    if value is None or not math.isfinite(value):
        return "-"
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if size <= abs(value) < size * 1e3:
            return f"{value / size:.4g} {letter}"
    return f"{value:.4g}"


def interval_cells(interval: Interval) -> tuple[str, str, str, str]:
    """Value, low, high, and why an end is missing."""
    return number(interval.value), number(interval.low), number(interval.high), interval.why


@contextmanager
def working(what: str) -> Iterator[None]:
    """A moving sign on stderr while something runs that cannot say how far it is."""
    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield
        return
    with terminal.status(escape(what)):
        yield


@contextmanager
def progress(what: str, total: int) -> Iterator[Tick]:
    """A bar on stderr that a function may advance by calling what this yields."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    terminal = Console(stderr=True)
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as bar:
        task = bar.add_task(escape(what), total=total)
        yield lambda done: bar.advance(task, done)
