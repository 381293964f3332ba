"""Times of iterations from a table that was measured on the engine itself."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from allometry.axes import nearest_names
from allometry.costs.serving.step_times import Pace, Prefill
from allometry.notices import Notice, Refused

COLUMNS = ("prefill", "batch", "context", "seconds")


@dataclass(frozen=True)
class _Line:
    """Straight pieces through measured points; the last one goes on beyond them, the first below them."""

    at: tuple[float, ...]
    values: tuple[float, ...]

    def piece(self, x: float) -> tuple[float, float, float]:
        """The value at x, the slope there, and where the piece ends."""
        i = min(max(bisect_right(self.at, x), 1), len(self.at) - 1)
        slope = (self.values[i] - self.values[i - 1]) / (self.at[i] - self.at[i - 1])
        value = max(0.0, self.values[i - 1] + slope * (x - self.at[i - 1]))
        return value, slope, self.at[i] if i < len(self.at) - 1 else math.inf


class MeasuredSteps:
    """Times of iterations by straight lines through measured ones, in place of a `Roofline`.

    Use it when the engine can be timed: it holds for the model, devices, tensor and pipeline it was measured with, and
    no other. Between batch sizes it takes the mean of the two curves; beyond the table the last piece goes on, which
    `notices` tells, and where noise makes a longer one shorter the longest so far stands. An iteration of prompts and sequences together takes as long as a prompt pass of all its tokens,
    plus what attention to the cache adds to decoding.
    """

    def __init__(self, prompts: _Line, decoding: Mapping[int, _Line], where: str) -> None:
        self.prompts, self.where = prompts, where
        self.sizes = sorted(decoding)
        self.decoding = decoding
        self.curves: dict[float, _Line] = {}
        self.most = {"prefill": 0.0, "batch": 0.0, "context": 0.0}

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        """Seconds of an iteration: see `StepTimes`."""
        if not prefill.tokens:
            return self.pace(batch, attended).seconds
        tokens, read = prefill.tokens + batch, max(prefill.read, prefill.tokens) + batch
        self._see("prefill", tokens)
        prompts = max(self._prompt(tokens), self._prompt(read) - self._prompt(read - tokens))
        if not batch:
            return prompts
        decoding = self.pace(batch, attended).seconds
        return max(decoding, prompts + decoding - self.pace(batch, 0.0).seconds)

    def pace(self, batch: float, attended: float) -> Pace:
        """The piece along which decoding slows as the cache grows: see `StepTimes`."""
        curve = self.curves.get(batch) or self.curves.setdefault(batch, self._curve(batch))
        self._see("batch", batch)
        self._see("context", attended / batch)
        value, slope, end = curve.piece(attended / batch)
        return Pace(value, slope / batch, end * batch)

    def notices(self) -> tuple[Notice, ...]:
        """What was asked for beyond the table so far."""
        measured = {"prefill": self.prompts.at[-1], "batch": self.sizes[-1],
                    "context": max(line.at[-1] for line in self.decoding.values())}  # fmt: skip
        beyond = [f"{name} up to {self.most[name]:.0f}, measured to {most:.0f}" for name, most in measured.items()
                  if self.most[name] > most]  # fmt: skip
        if not beyond:
            return ()
        message = f"iterations lie beyond the measured ones ({'; '.join(beyond)}); the last piece was taken to go on"
        return (Notice("beyond-table", message),)

    def _see(self, name: str, value: float) -> None:
        if value > self.most[name]:
            self.most[name] = value

    def _prompt(self, tokens: float) -> float:
        return self.prompts.piece(max(tokens, self.prompts.at[0]))[0]

    def _curve(self, batch: float) -> _Line:
        """The curve over context at a batch size, by weights of the nearest measured sizes."""
        i = min(max(bisect_right(self.sizes, batch), 1), len(self.sizes) - 1)
        low, high = self.sizes[i - 1], self.sizes[i]
        share = max(0.0, (batch - low) / (high - low))
        first, second = self.decoding[low], self.decoding[high]
        knots = tuple(sorted({*first.at, *second.at}))
        values = ((1 - share) * first.piece(x)[0] + share * second.piece(x)[0] for x in knots)
        return _Line(knots, tuple(accumulate(values, max)))


def read_step_times(columns: Mapping[str, Any], where: str) -> MeasuredSteps:
    """Times of iterations from a table's columns.

    Arguments: `columns` has `prefill`, `batch`, `context` and `seconds`. A row with `prefill` tokens and a batch of 0
    is a prompt pass from an empty cache; one with `prefill` 0 is an iteration in which `batch` sequences generate a
    token each, with `context` tokens in the cache on average. Repeated rows are averaged.
    Errors: `Refused` for missing columns and numbers that cannot be, with the row, and for fewer than two prompt
    lengths, two batch sizes, or two contexts of a batch size: what lies between could not be told.

    >>> table = {"prefill": [128, 1024, 0, 0, 0, 0], "batch": [0, 0, 1, 1, 64, 64],
    ...          "context": [0, 0, 100, 1100, 100, 1100], "seconds": [0.01, 0.08, 0.010, 0.011, 0.014, 0.020]}
    >>> round(read_step_times(table, "mine").pace(1, 600).seconds, 6)
    0.0105
    """
    prompts: dict[float, list[float]] = defaultdict(list)
    decoding: dict[int, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(columns, where):
        if row["prefill"]:
            prompts[row["prefill"]].append(row["seconds"])
        else:
            decoding[int(row["batch"])][row["context"]].append(row["seconds"])
    lines = {batch: _line(points, f"contexts of batch {batch}", where) for batch, points in decoding.items()}
    if len(lines) < 2:
        raise Refused(
            "thin-table", f"{len(lines)} batch size was measured", where, "measure at least two, such as 1 and 64"
        )
    return MeasuredSteps(_line(prompts, "prompt lengths (rows with prefill)", where), lines, where)


def _rows(columns: Mapping[str, Any], where: str) -> list[dict[str, float]]:
    for name in COLUMNS:
        if name not in columns:
            near = ", ".join(nearest_names(name, columns))
            raise Refused(
                "missing-column",
                f"the table has no column {name}",
                where,
                f"it has {near}, and needs {', '.join(COLUMNS)}",
            )
    rows = [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*(columns[name] for name in COLUMNS), strict=True)
    ]
    for i, row in enumerate(rows):
        for name, value in row.items():
            if not isinstance(value, int | float | np.number) or not np.isfinite(value) or value < 0:
                raise Refused("bad-value", f"{name} is {value!r} in row {i}", where, "give a number from 0")
        if not row["seconds"] or bool(row["prefill"]) == bool(row["batch"]):
            message = (
                f"row {i} is neither a prompt pass nor a step of a batch" if row["seconds"] else f"row {i} took no time"
            )
            raise Refused("bad-row", message, where, "give prefill tokens with batch 0, or a batch with prefill 0")
    return rows


def _line(points: Mapping[float, Sequence[float]], what: str, where: str) -> _Line:
    if len(points) < 2:
        raise Refused("thin-table", f"fewer than two {what} were measured", where, "measure at least two")
    at = tuple(float(x) for x in sorted(points))
    return _Line(at, tuple(accumulate((float(np.mean(points[x])) for x in at), max)))
