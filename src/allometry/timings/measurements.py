"""Measured times: a table of what was run and how many seconds it took."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from allometry.axes import nearest_names
from allometry.costs import Execution, Hardware, Request, Shape, Work, find_shape, request_works, terms, time_of
from allometry.costs.training import FACTORS, Job, Parallelism, step_seconds, training_cost
from allometry.notices import Interval, Refused
from allometry.runs import read_table

PHASES = ("request", "prefill", "step", "train")
REQUIRED = ("batch", "prompt", "generated", "seconds")
OPTIONAL = ("samples", "shape", "phase")
TRAINING_TERMS = ("products", "attention_products", "elementwise", "optimizer", "launches")
"""Parts of a step of training whose factors are one: seconds at the device's peaks, and layers started."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measured time.

    `phase` says of what: "request", `batch` requests from start to end; "prefill", the pass over their prompts; "step",
    the mean step of decoding `generated` tokens behind the prompt; "train", a forward and backward pass over `batch`
    sequences of `prompt` tokens and its update. `row` is its number in the table, counted from 0.

    Errors: `Refused` for an unknown phase, seconds that are not positive, and what no request can be.
    """

    shape: Shape
    batch: int
    prompt: int
    generated: int
    seconds: float
    samples: int = 1
    phase: str = "request"
    row: int = 0

    def __post_init__(self) -> None:
        where = f"row {self.row}"
        if self.phase not in PHASES:
            raise Refused(
                "unknown-phase", f"no phase is called {self.phase!r}", where, f"use one of {', '.join(PHASES)}"
            )
        if not (np.isfinite(self.seconds) and self.seconds > 0):
            raise Refused("bad-value", f"seconds must be a positive number, not {self.seconds!r}", where,
                          "remove rows that did not run")  # fmt: skip
        if self.batch < 1 or (self.phase == "step" and self.generated < 1):
            raise Refused(
                "bad-value", "a batch, and the tokens of a step, start at 1", where, "give whole numbers from 1"
            )
        if self.phase == "train":
            Job(shape=self.shape, batch=self.batch, context=self.prompt)
        else:
            Request(prompt=self.prompt, generated=self.generated, samples=self.samples)

    @property
    def trains(self) -> bool:
        return self.phase == "train"

    @property
    def extent(self) -> dict[str, float]:
        """How large it is: sequences together, tokens of the longest, parameters of the model."""
        return {
            "sequences": self.batch * self.samples,
            "context": self.prompt + (0 if self.trains else self.generated),
            "parameters": self.shape.parameters().total,
        }

    def predicted(self, hardware: Hardware, how: Execution) -> Interval:
        """Seconds by the roofline with the device's factors."""
        if self.trains:
            job = self._job(how)
            return training_cost(job, job.tokens, hardware, Parallelism(micro_batch=self.batch)).seconds_per_step
        found = time_of(self._works(hardware, how), hardware, how.precision).seconds
        value, low, high = (end / self._times for end in (found.value, found.low, found.high) if end is not None)
        return Interval(value, low, high)

    def _job(self, how: Execution) -> Job:
        return Job(shape=self.shape, batch=self.batch, context=self.prompt, precision=how.precision, flash=how.flash,
                   fused=how.fused)  # fmt: skip

    def terms(self, hardware: Hardware, how: Execution) -> dict[str, float]:
        """The terms of the roofline's formula: seconds at the device's peaks, and counts."""
        if self.trains:
            return self._training_terms(hardware, how)
        found = terms(sum(self._works(hardware, how), Work()), hardware, how.precision)
        return {name: value / self._times for name, value in found.items()}

    @property
    def _times(self) -> int:
        """How often the measured thing is done by the request that holds it."""
        return self.generated if self.phase == "step" else 1

    def _works(self, hardware: Hardware, how: Execution) -> list[Work]:
        prompt, decoding = request_works(self.shape, self._request(), hardware, replace(how, batch=self.batch))
        return {"request": [prompt, decoding], "prefill": [prompt], "step": [decoding]}[self.phase]

    def _request(self) -> Request:
        """A request of this phase; a step of decoding counts its tokens as steps behind the prompt."""
        generated = self.generated + (self.phase == "step" and self.prompt > 0)
        return Request(prompt=self.prompt, generated=generated, samples=self.samples)

    def _training_terms(self, hardware: Hardware, how: Execution) -> dict[str, float]:
        found = step_seconds(self._job(how), Parallelism(micro_batch=self.batch), hardware, dict.fromkeys(FACTORS, 1.0))
        return dict(zip(TRAINING_TERMS, (found.products, found.attention, found.elementwise, found.optimizer,
                                         found.launches), strict=True))  # fmt: skip


def read_measurements(
    source: object, shape: Shape | None = None, *, phase: str = "request", map: Mapping[str, str] | None = None
) -> tuple[Measurement, ...]:
    """The measurements of a table: CSV, Parquet, JSON lines, a dict of columns or a dataframe.

    Columns: batch, prompt, generated, seconds; and where they differ between rows samples, shape (a text that
    `find_shape` reads) and phase. Arguments: `shape` and `phase` of rows that do not say; `map` is {name: the table's
    column}.
    Errors: `Refused` with the row for what cannot be, and with the nearest column for one that is missing.

    >>> table = {"batch": [1, 8], "prompt": [128, 128], "generated": [1, 1], "seconds": [0.012, 0.05]}
    >>> len(read_measurements(table, find_shape("qwen3-8b"), phase="prefill"))
    2
    """
    table = read_table(source)
    columns = {name: _column(table.columns, (map or {}).get(name, name), name, table.where) for name in REQUIRED}
    columns |= {
        name: table.columns[(map or {}).get(name, name)]
        for name in OPTIONAL
        if (map or {}).get(name, name) in table.columns
    }
    if "shape" not in columns and shape is None:
        raise Refused(
            "missing-shape", "the table has no column of shapes and none is given", table.where, "give --shape"
        )
    shapes: dict[str, Shape] = {}
    found = []
    for row in range(table.height):
        values = {name: column[row] for name, column in columns.items()}
        found.append(_measurement(values, row, shape, phase, shapes))
    if not found:
        raise Refused("no-rows", "the table has no rows", table.where, "give measured times")
    return tuple(found)


def write_measurements(measurements: Sequence[Measurement], path: Path) -> None:
    """Measurements as a CSV that `read_measurements` reads, each with its shape, whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    names = (*REQUIRED, "samples", "phase")
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow((*names, "shape"))
            writer.writerows(
                [*(getattr(measurement, name) for name in names), measurement.shape.as_text()]
                for measurement in measurements
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _column(columns: Mapping[str, Any], name: str, wanted: str, where: str) -> Any:
    if name not in columns:
        near = ", ".join(nearest_names(name, columns)) or "none"
        raise Refused("missing-column", f"the table has no column {name!r}", where,
                      f"the nearest are {near}; say which with --map {wanted}=COLUMN")  # fmt: skip
    return columns[name]


def _measurement(
    values: Mapping[str, Any], row: int, shape: Shape | None, phase: str, shapes: dict[str, Shape]
) -> Measurement:
    where = f"row {row}"
    text = values.get("shape")
    if text:
        shapes.setdefault(text, find_shape(str(text)))
        shape = shapes[text]
    if shape is None:
        raise Refused("missing-shape", "the row has no shape and none is given", where, "give --shape")
    numbers = {
        name: _whole(values[name], name, where)
        for name in ("batch", "prompt", "generated", "samples")
        if name in values
    }
    return Measurement(
        shape=shape,
        phase=str(values.get("phase") or phase),
        row=row,
        seconds=_number(values["seconds"], "seconds", where),
        **numbers,
    )


def _whole(value: Any, name: str, where: str) -> int:
    number = _number(value, name, where)
    if number != int(number):
        raise Refused("bad-count", f"{name} must be a whole number, not {value}", where, f"give {name}={round(number)}")
    return int(number)


def _number(value: Any, name: str, where: str) -> float:
    if not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise Refused("bad-value", f"{name} is not a number: {value!r}", where, "remove rows that did not run")
    return float(value)
