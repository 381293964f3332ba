"""The folder of a ladder: its one table, what it was measured with, and the checkpoints of runs that go on."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from allometry.inference.records.lock import take_lock
from allometry.lab.executors.protocol import checkpoint_of
from allometry.lab.jobs import Job
from allometry.lab.ladders.declaration import Ladder
from allometry.lab.rows import COLUMNS, EARLIER
from allometry.notices import Refused

FORMAT, VERSION = "allometry-ladder", 1


class Folder:
    """A ladder's folder. Only `opened` ones are written to, by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table, self.checkpoints, self.about = path / "runs.csv", path / "checkpoints", path / "ladder.json"

    @contextmanager
    def opened(self, ladder: Ladder) -> Iterator[Folder]:
        """Hold the folder for this ladder: new, or begun with the same settings; half-written rows are taken out.

        Errors: `Refused` where another process holds it or where its rows were measured with other settings.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = take_lock(self.path)
        try:
            self.check(ladder)
            if not self.about.exists():
                _write(self.about, json.dumps(_about(ladder), indent=1) + "\n")
            self._mend()
            yield self
        finally:
            os.close(lock)

    def check(self, ladder: Ladder) -> None:
        """Refuse a ladder whose settings are not those that this folder was begun with."""
        if not self.about.exists():
            if self.table.exists():
                raise Refused(
                    "other-table", "there is a runs.csv that no ladder wrote", str(self.path), "use an empty folder"
                )
            return
        try:
            kept = json.loads(self.about.read_text(encoding="utf-8"))
            settings = kept["settings"]
        except (ValueError, KeyError, TypeError):
            raise Refused(
                "bad-folder", "ladder.json is not what a ladder writes", str(self.about), "use another --out"
            ) from None
        if kept.get("fingerprint") != ladder.fingerprint:
            names = sorted({*settings, *ladder.settings})
            other = [name for name in names if settings.get(name) != json.loads(json.dumps(ladder.settings.get(name)))]
            raise Refused("other-settings", f"its runs were made with another {', '.join(other) or 'ladder'}", str(self.path),
                          "use another --out, or put the ladder file back")  # fmt: skip

    def finished(self) -> set[str]:
        """The runs whose last row is in the table."""
        return {row["run_id"] for row in self._rows() if _last(row)}

    def append(self, job: Job, rows: Iterable[dict[str, Any]]) -> None:
        """Add the rows of a run, on disk before this returns, and drop its checkpoint."""
        text = io.StringIO()
        writer: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        if not self.table.exists():
            writer.writeheader()
        writer.writerows(rows)
        with self.table.open("ab") as file:
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
        checkpoint_of(self.checkpoints, job).unlink(missing_ok=True)

    def _rows(self) -> list[dict[str, str]]:
        if not self.table.exists():
            return []
        return list(csv.DictReader(io.StringIO(_whole(self.table.read_text(encoding="utf-8")))))

    def _mend(self) -> None:
        """Take out rows of a run whose last row is not there whole: a kill tore them, and the run gives them again.

        A table of fewer columns, from before there were more, gets the others.
        """
        if not self.table.exists():
            return
        text = self.table.read_text(encoding="utf-8")
        whole = _whole(text)
        reader = csv.DictReader(io.StringIO(whole))
        rows, columns = list(reader), set(reader.fieldnames or ())
        ended = {row["run_id"] for row in rows if _last(row)}
        if whole == text and all(row["run_id"] in ended for row in rows) and set(COLUMNS) <= columns:
            return
        kept = io.StringIO()
        writer: csv.DictWriter[str] = csv.DictWriter(kept, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**EARLIER, **row} for row in rows if row["run_id"] in ended)
        _write(self.table, kept.getvalue())


def _whole(text: str) -> str:
    """The lines of a table that were written to their end."""
    return text[: text.rfind("\n") + 1]


def _last(row: dict[str, str]) -> bool:
    return row["step"] == row["steps"] or row["state"] == "diverged"


def _about(ladder: Ladder) -> dict[str, Any]:
    """Everything a reader needs to judge or repeat the measurement."""
    return {
        "format": FORMAT, "version": VERSION, "name": ladder.name, "fingerprint": ladder.fingerprint,
        "settings": dict(ladder.settings), "steps": [step.as_json() for step in ladder.steps],
        "python": sys.version, "torch": version("torch"),
        "machine": {"processor": platform.processor(), "cores": os.cpu_count(), "system": platform.platform()},
    }  # fmt: skip


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
