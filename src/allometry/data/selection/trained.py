"""Mixtures of the sources that were trained: their distance to the target, the law over it, and how it does unseen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allometry.data.mixtures.table import SHARES, whole_shares
from allometry.data.selection.choose import Mixtures
from allometry.data.selection.projection import Projection, project
from allometry.data.selection.transport import Array
from allometry.fits import Settings, fit
from allometry.laws import Law, law_from_table
from allometry.notices import Refused
from allometry.runs import read_runs

FEWEST = 3  # mixtures of which one can be left out and a line be drawn through the others
Columns = dict[str, Array]


@dataclass(frozen=True)
class Trained:
    """The law of accuracy over distance and size, fitted to `mixtures` (n, k) at `rows` of a table.

    `held_out` and `size_alone` are the mean errors of accuracy of mixtures left out in turn: of the law, and of a line
    in the logarithm of the size that knows of no distance; None of fewer than three mixtures.
    """

    projection: Projection
    mixtures: Array
    columns: Columns
    held_out: float | None
    size_alone: float | None
    given: int

    @property
    def count(self) -> int:
        """How many different mixtures were trained."""
        return len(np.unique(self.mixtures, axis=0))


def read_trained(
    source: object, mixtures: Mixtures, *, where: str | None = None, settings: Settings | None = None
) -> Trained:
    """The law fitted to a table of trained mixtures: a column share_NAME for each source, `examples` and `accuracy`.

    Use it to see what nearness to the target is worth, before the nearest mixture is bought. Train at two sizes or more.
    Errors: `Refused` for a source without its column, shares that do not sum to one, and as `project`.
    """
    runs = read_runs(source, rows="all", where=where)
    columns = [f"{SHARES}{name}" for name in mixtures.names]
    lacks = [name for name in columns if name not in runs.columns]
    if lacks:
        raise Refused("no-share", f"there is no column {lacks[0]}", runs.source,
                      "give every source the column of its share, 0 where it was left out")  # fmt: skip
    rows = runs.rows_for([*columns, "examples"], "accuracy", logs={"examples"})
    shares = whole_shares(rows, columns, runs.source)
    if len(np.unique(rows.axes["examples"])) < 2:
        raise Refused("one-size", "all mixtures were trained at one size", runs.source,
                      "train some at another size: what size adds is not told by one")  # fmt: skip
    each, place = np.unique(shares, axis=0, return_inverse=True)
    away = np.array([mixtures.distance(one).value for one in each])[place.ravel()]
    table = {"examples": rows.axes["examples"], "transport_distance": away, "accuracy": rows.target}
    held = _held_out(table, settings or Settings())
    return Trained(project(table, settings=settings), shares, table, *held, runs.given)


def _held_out(table: Columns, settings: Settings) -> tuple[float | None, float | None]:
    away = table["transport_distance"]
    if len(np.unique(away)) < FEWEST:
        return None, None
    plain, missed = replace(settings, bootstrap=0), list[tuple[float, float]]()
    for distance in np.unique(away):
        others = {name: column[away != distance] for name, column in table.items()}
        if len(np.unique(others["examples"])) < 2:
            return None, None
        own = {name: column[away == distance] for name, column in table.items()}
        accuracy = own.pop("accuracy")
        by_law, by_size = project(others, settings=plain).fit, fit(read_runs(others, rows="all"), _size_alone(), plain)
        missed += zip(np.abs(by_law.predict(own) - accuracy),
                      np.abs(by_size.predict({"examples": own["examples"]}) - accuracy), strict=True)  # fmt: skip
    of_law, of_size = np.mean(missed, axis=0)
    return float(of_law), float(of_size)


def _size_alone() -> Law:
    formula, free = "c + d * log(examples / 1000)", {"free": True}
    return law_from_table(
        {"name": "size_alone", "formula": formula, "axes": ["examples"], "metric": "accuracy", "space": "identity",
         "parameters": {"c": free, "d": free}}, "size_alone",
    )  # fmt: skip
