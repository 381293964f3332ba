"""Making a published table from a checkout of its source."""

from __future__ import annotations

import hashlib
import os
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from allometry.notices import Refused
from allometry.reproduction.sources import csv_bytes
from allometry.reproduction.table import find_table


class Made(NamedTuple):
    """A table that was written: its name, path and SHA-256, and whether that is the published table's."""

    name: str
    path: Path
    sha256: str
    same: bool


def make_table(name: str, checkout: Path | str, folder: Path | str) -> Made:
    """Write the tidy table `name` into `folder` from a checkout of its source, whole or not at all.

    Use it to get a table this package may not carry. Nothing of the checkout is run.
    Arguments: `checkout` is the folder of the repository that the table names, best at its commit.
    Errors: `Refused` for an unknown table, a checkout without the files or with others, a folder that cannot be
    written.
    """
    table, checkout, folder = find_table(name), Path(checkout), Path(folder)
    if not checkout.is_dir():
        raise Refused("no-folder", f"{checkout} is no folder", "--from", f"check out {table.repository} there")
    converter = import_module(f"allometry.reproduction.converters.{name}")
    try:
        contents = csv_bytes(converter.convert(checkout))
    except Refused:
        raise
    except Exception as error:  # whatever a reader raises, it is the files that are not as expected
        message = f"the files are not those of commit {table.commit} ({type(error).__name__}: {error})"
        raise Refused("not-the-source", message, str(checkout), f"check out {table.repository} at it") from None
    path = table.path(folder)
    _write(path, contents)
    sha256 = hashlib.sha256(contents).hexdigest()
    return Made(name, path, sha256, sha256 == table.sha256)


def _write(path: Path, contents: bytes) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(contents)
        partial.replace(path)
    except OSError as error:
        message = f"the table cannot be written: {error.strerror}"
        raise Refused("cannot-write", message, str(path), "choose a folder that exists") from None
