"""`Runs`: the validated table of measurements that fits, forecasts and reports read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from allometry.expressions import parse_filter
from allometry.notices import Notice, Refused
from allometry.runs.columns import Column, is_number
from allometry.runs.conventions import NOT_STATED, convention_notices, find_conventions
from allometry.runs.derive import Derived
from allometry.runs.mapping import unknown_column
from allometry.runs.reading import Reading
from allometry.runs.rows import Excluded, Rows
from allometry.runs.schedules import History, is_schedule_axis, schedule_axes
from allometry.runs.units import converted_loss
from allometry.runs.validate import build_rows
from allometry.showing import Shown, pandas_frame

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped, unused-ignore]
    import polars

_REASONS_SHOWN = 3
_CONVERTED = "loss-converted"


@dataclass(frozen=True, eq=False)
class Runs(Shown):
    """The rows in use of a table, and what is known of the rest. Made by `read_runs`.

    `columns` name to an array (n,), floats or text (None where missing); `row_numbers` (n,)
    count from 0 in the table as given; `reasons` has one entry a given row, None where it
    is in use; `states` counts the given rows by state where a column says it; `filter` and
    `rule` are what was asked of rows and of checkpoints, None for nothing. Methods
    return new `Runs`; nothing is changed in place.

    >>> from allometry.runs import read_runs
    >>> runs = read_runs({"params": [1e6, 2e6, 4e6], "tokens": [1e8, 1e8, 1e8], "loss": [4.0, 3.5, 3.2]})
    >>> runs.where("params > 1M").usage
    '2 of 3 rows used (1 not in the filter `params > 1M`)'
    >>> runs.derived
    ('flops = 6 x params x tokens (derived)',)
    """

    columns: Mapping[str, Column]
    row_numbers: NDArray[np.int64]
    reasons: NDArray[np.object_]
    source: str
    declared: Mapping[str, str]
    mapping: Mapping[str, str]
    formulas: Mapping[str, Derived]
    run_labels: NDArray[np.int64] | None
    states: Mapping[str, int]
    remarks: tuple[Notice, ...]
    drop_invalid: bool
    history: History
    filter: str | None = None
    rule: str | None = None

    def __len__(self) -> int:
        return len(self.row_numbers)

    @property
    def given(self) -> int:
        """Rows of the table as given."""
        return len(self.reasons)

    @property
    def usage(self) -> str:
        """How many rows are used of those given, in words, and the commonest reasons for leaving rows out."""
        counts = Counter(str(reason) for reason in self.reasons if reason is not None).most_common()
        why = [f"{count} {reason}" for reason, count in counts[:_REASONS_SHOWN]]
        rest = sum(count for _, count in counts[_REASONS_SHOWN:])
        listed = "; ".join([*why, *([f"{rest} for other reasons"] if rest else [])])
        return f"{len(self)} of {self.given} rows used" + (f" ({listed})" if listed else "")

    @cached_property
    def excluded(self) -> tuple[Excluded, ...]:
        """The rows that are not used, and why."""
        return tuple(Excluded(row, str(reason)) for row, reason in enumerate(self.reasons) if reason is not None)

    @cached_property
    def conventions(self) -> Mapping[str, str]:
        """What the numbers count: params, flops, loss_unit, tokenizer, evaluation, where known or stated."""
        return find_conventions(self.columns, self.declared, self.mapping, self.formulas)

    @property
    def derived(self) -> tuple[str, ...]:
        """One sentence for each axis that was computed from others."""
        return tuple(str(formula) for formula in self.formulas.values())

    @property
    def reading(self) -> Reading:
        """How the table was read and filtered, enough to do the same to a longer one."""
        converted = any(remark.code == _CONVERTED for remark in self.remarks)
        stated = {name: text for name, text in self.declared.items() if not (converted and name == "loss_unit")}
        return Reading(self.source, self.mapping, self.filter, self.rule, stated, self.drop_invalid)

    @property
    def names(self) -> tuple[str, ...] | None:
        """The run's name of each row in use, None where the table names none."""
        return (
            tuple(_label(name) or "" for name in self.columns["run_id"].tolist()) if "run_id" in self.columns else None
        )

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a reader should know before trusting a fit of these rows."""
        return (*self.remarks, *convention_notices(self.conventions))

    def column(self, name: str) -> Column:
        """One column (n,); Refused with the three nearest names when there is none."""
        if name not in self.columns:
            raise unknown_column(name, self.columns, self.source)
        return self.columns[name]

    def keep(self, mask: NDArray[np.bool_], reason: str | NDArray[np.object_]) -> Runs:
        """Only the rows where `mask` (n,) holds; the others carry `reason`, one text or one a row."""
        reasons, left_out = self.reasons.copy(), ~mask
        reasons[self.row_numbers[left_out]] = reason if isinstance(reason, str) else reason[left_out]
        return replace(
            self,
            columns={name: column[mask] for name, column in self.columns.items()},
            row_numbers=self.row_numbers[mask],
            reasons=reasons,
            run_labels=None if self.run_labels is None else self.run_labels[mask],
        )

    def matches(self, where: str) -> NDArray[np.bool_]:
        """Which rows (n,) a filter keeps; Refused for a column that the table does not have."""
        asked = parse_filter(where)
        for name in asked.names:
            self.column(name)
        return asked.apply(self.columns)

    def where(self, where: str) -> Runs:
        """The rows that a filter keeps, in the same grammar as `--where`; Refused when it keeps none."""
        mask = self.matches(where)
        if not mask.any():
            message = f"the filter `{where}` keeps none of {len(self)} rows"
            raise Refused("nothing-left", message, self.source, "widen it")
        both = where if self.filter is None else f"({self.filter}) and ({where})"
        return replace(self.keep(mask, f"not in the filter `{where}`"), filter=both)

    def by(self, name: str) -> dict[str, Runs]:
        """One `Runs` for each value of a column, in the order of appearance; rows without a value are left out."""
        column = self.column(name)
        values = [_label(value) for value in column.tolist()]
        labels = np.array(values, dtype=object)
        groups = dict.fromkeys(value for value in values if value is not None)
        return {value: self.keep(labels == value, f"`{name}` is not {value}") for value in groups}

    def with_schedules(self, names: Iterable[str]) -> Runs:
        """The same rows with those of the axes `names` that come from the learning-rate schedule of their run.

        The whole past of a row counts, also rows that a filter left out. Refused where the table has no schedule.
        """
        wanted = [name for name in names if is_schedule_axis(name) and name not in self.columns]
        if not wanted:
            return self
        labels = np.zeros(self.given) if self.history.labels is None else self.history.labels
        found = schedule_axes(self.history.columns, wanted, labels, self.source)
        added = {name: column[self.row_numbers] for name, column in found.items()}
        # without a run's name the whole table was just read as one run, so it is one when rows are resampled
        run = np.zeros(len(self), dtype=np.int64) if self.run_labels is None else self.run_labels
        return replace(self, columns={**self.columns, **added}, run_labels=run)

    def rows_for(
        self,
        axes: Iterable[str],
        metric: str,
        weights: str | None = None,
        cluster: str | None = None,
        logs: Collection[str] | None = None,
        fewest: int = 2,
    ) -> Rows:
        """The validated rows for a fit of `metric` on `axes`.

        `weights` names a column of weights; `cluster` a column whose groups are resampled
        whole, or "none"; by default a run that gives rows at several settings is such a
        group, else rows of equal axes are. `logs` names the columns of which a logarithm is
        taken (default: those positive by the vocabulary). Refused, with row numbers: a
        missing column, text, a value that is not finite or not positive under a logarithm,
        conventions mixed in one column, fewer than `fewest` rows.

        >>> from allometry.runs import read_runs
        >>> runs = read_runs({"params": [1e6, 1e6, 4e6], "loss": [4.0, 4.1, 3.2]})
        >>> rows = runs.rows_for(["params"], "loss")
        >>> rows.cluster_kind, rows.cluster.tolist()
        ('repeats', [0, 0, 1])
        """
        return build_rows(self, axes, metric, weights, cluster, logs, fewest)

    def excused(self) -> NDArray[np.bool_]:
        """Rows (n,) whose invalid values are left out rather than refused: all when asked, else those that failed."""
        if self.drop_invalid or "state" not in self.columns:
            return np.full(len(self), self.drop_invalid)
        failed = [str(state).strip().lower() in ("crashed", "diverged") for state in self.columns["state"]]
        return np.array(failed, dtype=bool)

    def with_loss_unit(self, unit: str, bytes_per_token: float | None = None) -> Runs:
        """The same rows with `loss` in another unit, exactly.

        `bytes_per_token` is used for every row; without it the column of that name is.
        Refused when the unit of the losses is not stated or bytes per token is needed and unknown.
        """
        stated = self.conventions.get("loss_unit", NOT_STATED)
        loss = converted_loss(self.columns, stated, unit, bytes_per_token, self.source)
        columns = {name: column for name, column in self.columns.items() if name != "loss_unit"} | {"loss": loss}
        remark = Notice(_CONVERTED, f"loss was converted from {stated} to {unit}")
        return replace(
            self, columns=columns, declared={**self.declared, "loss_unit": unit}, remarks=(*self.remarks, remark)
        )

    def to_polars(self) -> polars.DataFrame:
        """The rows in use as a polars frame."""
        import polars as pl

        kinds = {name: pl.Float64 if is_number(column) else pl.String for name, column in self.columns.items()}
        return pl.DataFrame({name: column.tolist() for name, column in self.columns.items()}, schema=kinds)

    def to_pandas(self) -> pandas.DataFrame:
        """The rows in use as a pandas frame, indexed by row number; needs pandas installed."""
        frame = pandas_frame(self.columns, index=self.row_numbers)
        frame.index.name = "row"
        return frame


def _label(value: object) -> str | None:
    if value is None or value != value:
        return None
    return f"{value:.15g}" if isinstance(value, float) else str(value)
