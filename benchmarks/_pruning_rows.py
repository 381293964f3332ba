"""The rows of the pruning campaigns: appended as runs end, and read again without what trained them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "campaign"
KEPT = (0.25, 0.5, 0.75, 0.9)
COLUMNS = ("metric", "kept", "examples", "error", "seed", "pool")
TEXT, IMAGES = "pruning_text", "pruning_images"


class Rows:
    """The table of a campaign: a row is appended as its run ends, and a run that has one is not trained again."""

    def __init__(self, name: str, extra: Sequence[str] = ()) -> None:
        self.path, self.columns = FOLDER / f"{name}.csv", (*COLUMNS, *extra)

    def read(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        return [{key: value if key == "metric" else float(value) for key, value in row.items()} for row in found]

    def done(self) -> set[tuple[str, float, int, int]]:
        return {(row["metric"], row["kept"], int(row["seed"]), int(row["pool"])) for row in self.read()}

    def missing(self, metrics: Sequence[str], seed: int, pool: int) -> list[tuple[str, float]]:
        """Metric and kept share of the runs of a seed and a pool that have no row; first the whole pool."""
        done = self.done()
        wanted = [("random", 1.0), *((metric, kept) for metric in metrics for kept in KEPT)]
        return [each for each in wanted if (*each, seed, pool) not in done]

    def add(self, **row: Any) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, lineterminator="\n")
            if not file.tell():
                writer.writeheader()
            writer.writerow({key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()})
