"""The mapping of an import as a small TOML file, which every command that reads a table takes with --map-file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_KEY_MARKS = "-_"


def mapping_path(out: Path) -> Path:
    """Where the mapping of a table is kept.

    >>> str(mapping_path(Path("ladder/runs.parquet")))
    'ladder/runs.map.toml'
    """
    return out.with_suffix(".map.toml")


def write_mapping(path: Path, mapping: Mapping[str, str], about: Mapping[str, str]) -> None:
    """Which column is which standard name, and how the table was made; whole or not at all."""
    lines = ["# Which column of the table is which standard name: allometry fit TABLE --map-file THIS", "[map]"]
    lines += [f"{_key(name)} = {_quoted(column)}" for name, column in mapping.items()]
    lines += ["", "[import]", *(f"{_key(name)} = {_quoted(text)}" for name, text in about.items())]
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    partial.replace(path)


def _key(name: str) -> str:
    plain = name.isascii() and all(mark.isalnum() or mark in _KEY_MARKS for mark in name)
    return name if name and plain else _quoted(name)


def _quoted(text: str) -> str:
    """A basic string of TOML: as JSON writes it, but for the one control character that JSON leaves as it is.

    >>> _quoted('eval/"loss"')
    '"eval/\\\\"loss\\\\""'
    """
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
