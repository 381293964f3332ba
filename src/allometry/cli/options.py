"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from allometry.expressions import parse_number
from allometry.notices import Refused

if TYPE_CHECKING:  # costs need no fit, and fits take long to load
    from allometry.fits import Fit
    from allometry.laws import Law
    from allometry.runs import Runs

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seed of all random numbers.", min=0)]
Starts: TypeAlias = Annotated[int | None, typer.Option(help="Starting points.", min=1)]
Level: TypeAlias = Annotated[float | None, typer.Option(help="Level of intervals, such as 0.9.")]
Table: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="Table of runs: CSV, Parquet or JSON lines; or embedded, for the one that comes with the package."
    ),
]
FitName: TypeAlias = Annotated[
    str, typer.Argument(metavar="FIT", help="A saved fit, or LAW@KEY for published constants.")
]
Map: TypeAlias = Annotated[list[str] | None, typer.Option("--map", help="axis=column; repeatable.")]
MapFile: TypeAlias = Annotated[Path | None, typer.Option("--map-file", help="TOML file with a [map] table.")]
Where: TypeAlias = Annotated[
    str | None, typer.Option(help="Keep rows where this holds, e.g. 'params > 100M and state == \"finished\"'.")
]
RowsRule: TypeAlias = Annotated[
    str | None, typer.Option("--rows", help="final (default), all, or after:FRACTION of each run.")
]
Convention: TypeAlias = Annotated[
    list[str] | None, typer.Option("--convention", help="What a column counts, e.g. params=non-embedding; repeatable.")
]

PlanFlops: TypeAlias = Annotated[str | None, typer.Option(help="Budget of a plan: FLOPs in the fit's own convention.")]
PlanLoss: TypeAlias = Annotated[str | None, typer.Option(help="Plan the least FLOPs that reach this loss.")]
Fix: TypeAlias = Annotated[list[str] | None, typer.Option(help="axis=value, e.g. params=70e9; repeatable.")]
AtMost: TypeAlias = Annotated[
    list[str] | None, typer.Option("--at-most", help="axis=value, e.g. tokens=12e12; repeatable.")
]
AtLeast: TypeAlias = Annotated[list[str] | None, typer.Option("--at-least", help="axis=value; repeatable.")]
Among: TypeAlias = Annotated[list[str] | None, typer.Option(help="axis=value,value,... to choose from; repeatable.")]


def read_table(
    table: str, mapping: list[str] | None, map_file: Path | None, where: str | None, rows: str | None,
    conventions: list[str] | None = None,
) -> Runs:  # fmt: skip
    """The runs of a table by the shared options."""
    from allometry.runs import read_runs

    return read_runs(
        table,
        map=mapping_of(mapping, map_file),
        where=where,
        rows=rows,
        conventions=assignments(conventions, "--convention"),
    )


def mapping_of(mapping: list[str] | None, map_file: Path | None) -> dict[str, str]:
    """The column of each axis by --map-file and, before it, --map."""
    return {**_mapping_file(map_file), **assignments(mapping, "--map")}


def _mapping_file(path: Path | None) -> dict[str, str]:
    import tomllib

    if path is None:
        return {}
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(
            "bad-map-file", f"the mapping cannot be read: {error}", str(path), "give a TOML file with a [map] table"
        ) from None
    table = contents.get("map", {})
    if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
        raise Refused(
            "bad-map-file",
            "the [map] table must give a column name for each axis",
            str(path),
            'write lines such as params = "n_params"',
        )
    return table


def assignments(texts: Iterable[str] | None, option: str) -> dict[str, str]:
    """name=value texts as a mapping."""
    result = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise Refused("bad-option", f"{text!r} is not name=value", option, f"write {option} name=value")
        result[name.strip()] = value.strip()
    return result


def quantities(texts: Iterable[str] | None, option: str) -> dict[str, float]:
    """name=number texts; numbers may end in k, M, B or T."""
    return {name: parse_number(value, option) for name, value in assignments(texts, option).items()}


def lists(texts: Iterable[str] | None, option: str) -> dict[str, list[float]]:
    """name=number,number,... texts."""
    return {
        name: [parse_number(value, option) for value in values.split(",")]
        for name, values in assignments(texts, option).items()
    }


def point(text: str, option: str = "--at") -> dict[str, float]:
    """`params=7e9 tokens=2e12` as numbers by axis."""
    return quantities(text.replace(",", " ").split(), option)


def point_of(text: str, laws: Sequence[Law], option: str) -> dict[str, float]:
    """A point that gives every axis of the laws a value it can have, and nothing else."""
    at = point(text, option)
    known = {name: law for law in laws for name in law.axes}
    unknown = [name for name in at if name not in known]
    missing = [name for name in known if name not in at]
    if unknown:
        who = f"{laws[0].name} has no axis" if len(laws) == 1 else "no law has an axis"
        raise Refused("unknown-axis", f"{who} {unknown[0]}", option, f"give {', '.join(known)}")
    if missing:
        name = missing[0]
        raise Refused("missing-axis", f"{known[name].name} needs {name} as well", option, f"give {', '.join(known)}")
    for name, value in at.items():
        positive = known[name].axis(name).positive
        if not math.isfinite(value) or (positive and value <= 0):
            raise Refused("bad-value", f"{name} cannot be {value:g}", option, "give a positive number")
    return at


def open_fit(name: str) -> Fit:
    """A saved fit by its path, or published constants by LAW@KEY."""
    from allometry.fits import load_fit, published_fit

    if "@" in name and not os.path.exists(name):
        return published_fit(name)
    return load_fit(name)


def check_out(out: Path, option: str = "--out") -> None:
    """Refuse an output file that cannot be, before anything is spent on it."""
    if not out.absolute().parent.is_dir():
        raise Refused(
            "no-folder", f"the folder {out.parent} does not exist", option, "make it first, or choose another"
        )
    if out.is_dir():
        raise Refused("is-folder", f"{out} is a folder", option, "name a file in it")


def check_page(figure: Path | None, option: str = "--figure") -> None:
    """Refuse a figure's page that cannot be, before anything is spent on it; None asks for none."""
    if figure is None:
        return
    check_out(figure, option)
    if figure.suffix not in (".html", ".htm"):
        raise Refused("bad-format", f"a page is not written as {figure.suffix or 'a file without suffix'}",
                      option, "name a file that ends in .html")  # fmt: skip


def refuse_twice(*files: Path | None) -> None:
    """Refuse, before anything is spent, two answers that would be written to one file; None asks for none."""
    named = [file.resolve() for file in files if file is not None]
    for file in named:
        if named.count(file) > 1:
            raise Refused("written-twice", "two answers would be written to one file", str(file), "give each its own")


def level_of(value: float | None, default: float) -> float:
    level = default if value is None else value
    if not 0 < level < 1:
        raise Refused("bad-level", f"the level {level:g} is not between 0 and 1", "--level", "write 0.9 for 90%")
    return level


def notices_json(notices: Iterable[object]) -> list[Mapping[str, str]]:
    return [{"code": str(getattr(n, "code", "")), "message": str(getattr(n, "message", ""))} for n in notices]
