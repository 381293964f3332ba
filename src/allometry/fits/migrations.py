"""Saved fits of earlier versions brought to the present one: a pure function a version, each with a fixture in the tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Contents = Mapping[str, Any]
VERSION = 2


def migrated(contents: Contents) -> Contents:
    """The contents as this version writes them; KeyError or TypeError where an earlier version's part is missing.

    >>> migrated({"version": VERSION, "law": {}})
    {'version': 2, 'law': {}}
    """
    while contents["version"] < VERSION:
        contents = _STEPS[contents["version"]](contents)
    return contents


def _from_1(contents: Contents) -> Contents:
    """Version 1 did not keep the runs' names nor how the table was read, and always held its rows."""
    reading: dict[str, Any] = {
        "source": "",
        "map": {},
        "where": None,
        "rows": None,
        "conventions": {},
        "drop_invalid": False,
    }
    return {**contents, "version": 2, "rows": {**contents["rows"], "names": None, "reading": reading, "withheld": None}}


_STEPS: Mapping[int, Callable[[Contents], Contents]] = {1: _from_1}
