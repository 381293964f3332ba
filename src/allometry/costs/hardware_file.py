"""Writing a hardware file: the same TOML that `read_hardware` reads."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from allometry.costs.hardware import Hardware


def hardware_text(hardware: Hardware) -> str:
    """A device as TOML; its name is not in it, for that is the file's.

    >>> from allometry.costs.hardware import find_hardware
    >>> hardware_text(find_hardware("h200")).splitlines()[0]
    'title = "NVIDIA H200 SXM 141 GB"'
    """
    plain = {f.name: getattr(hardware, f.name) for f in fields(Hardware)}
    tables: dict[str, Mapping[str, object]] = {"peak": plain.pop("peak")}
    price, factors = plain.pop("price"), plain.pop("factors")
    if price is not None:
        tables["price"] = {**price.as_json(), "date": price.date}
    tables |= {f"factors.{name}": factor.as_json() for name, factor in factors.items()}
    del plain["name"]
    first = {"title": plain.pop("title"), **plain}
    return (
        "\n".join(
            [
                *_entries(first),
                *(line for name, table in tables.items() for line in ("", f"[{name}]", *_entries(table))),
            ]
        )
        + "\n"
    )


def write_hardware(hardware: Hardware, path: Path) -> None:
    """Write a hardware file, whole or not at all."""
    partial = path.with_name(path.name + f".{os.getpid()}.partial")
    try:
        partial.write_text(hardware_text(hardware), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _entries(table: Mapping[str, object]) -> Iterator[str]:
    for name, value in table.items():
        if value is None or value == "":
            continue
        if isinstance(value, str):
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
        elif isinstance(value, Mapping):
            yield f"{name} = {{ {', '.join(_entries(value))} }}"
        elif isinstance(value, datetime.date):
            yield f"{name} = {value.isoformat()}"
        else:
            yield f"{name} = {value!r}"
