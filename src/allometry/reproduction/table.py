"""Published tables: where each comes from, and whether a file is it. A table itself is never part of the package."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
from allometry.notices import Refused

_FOLDER = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class Table:
    """A published table: its source to the commit, and the SHA-256 of its CSV file, byte for byte.

    >>> find_table("parscale").rows
    48
    """

    name: str
    title: str
    paper: str
    repository: str
    commit: str
    files: tuple[str, ...]
    licence: str
    rows: int
    sha256: str
    notes: str

    def path(self, folder: Path) -> Path:
        return folder / f"{self.name}.csv"

    def missing(self, folder: Path) -> str:
        """Why the folder's file cannot be checked against; empty where it is the published table."""
        path = self.path(folder)
        if not path.is_file():
            return f"{path.name} is not in {folder}; {self.recipe}"
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != self.sha256:
            return f"{path} is another table: its sha256 is {found}, the published one is {self.sha256}; {self.recipe}"
        return ""

    @property
    def recipe(self) -> str:
        """How anyone makes the file."""
        return f"make it from {self.repository} at commit {self.commit}: allometry reproduce {self.name} --from CHECKOUT --data DIR"


@cache
def table_names() -> tuple[str, ...]:
    """Every published table, by name."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def find_table(name: str) -> Table:
    """The table of that name; `Refused` with the nearest names where there is none."""
    if name not in table_names():
        near = ", ".join(nearest_names(name, table_names()))
        raise Refused("unknown-table", f"no published table is called {name!r}", mend=f"the nearest are {near}")
    content: dict[str, Any] = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    content = {**content, "name": name, "files": tuple(content["files"]), "notes": content["notes"].strip()}
    return Table(**{field.name: content[field.name] for field in fields(Table)})
