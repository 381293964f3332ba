"""`csv:DIR`: any folder of CSV files, one run a file."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allometry.notices import Notice, Refused
from allometry.runs.columns import Floats
from allometry.runs.identity import measures
from allometry.runs.selection import STATES
from allometry.runs.sources.contract import GROWING, Item, Record, Series, Source, Wanted
from allometry.runs.sources.files import files_below, holds, name_below, some, stamp

if TYPE_CHECKING:
    import polars

_STEPS = ("step", "_step", "global_step", "iteration", "iter")
_ID, _NAME, _STATE, _TAGS = "run_id", "run_name", "state", "tags"


def _is_csv(name: str) -> bool:
    return name.lower().endswith(".csv")


def _items(text: str) -> list[Item]:
    root = Path(text)
    return [_item(path, root) for path in some(list(files_below(root, _is_csv)), text, "CSV file")]


def _item(path: Path, root: Path) -> Item:
    name = name_below(path, root)
    return Item(name, stamp([path]), partial(_read, name, path))


def _read(name: str, path: Path, wanted: Wanted) -> Record:
    frame, notices = _frame(name, path)
    _refuse_several(frame, path)
    stem = name[: -len(".csv")]
    numbers = {one.name: _numbers(one) for one in frame.get_columns() if one.name not in (_ID, _NAME, _STATE, _TAGS)}
    step = next((step for step in _STEPS if numbers.get(step) is not None), None)
    counted = None if step is None else numbers[step]
    steps = np.arange(1.0, frame.height + 1) if counted is None else counted
    settings = [key for key in numbers if key != step and _is_setting(key, frame[key])]
    config = {key: frame[key][0] if (column := numbers[key]) is None else float(column[0]) for key in settings}
    series = dict[str, Series]()
    for key, column in numbers.items():
        if key != step and key not in config and column is not None:
            known = frame[key].is_not_null().to_numpy() & np.isfinite(steps)
            series[key] = Series(steps[known], column[known])
    kept = {key: one for key, one in series.items() if wanted is None or key in wanted}
    tags = tuple(tag for tag in _last(frame, _TAGS, "").split(",") if tag)
    state, unknown = _state(name, _last(frame, _STATE, ""))
    return Record(_last(frame, _ID, stem), kept, _last(frame, _NAME, stem), state, config, tags,
                  notices=(*notices, *unknown), logged=tuple(series))  # fmt: skip


def _frame(name: str, path: Path) -> tuple[polars.DataFrame, tuple[Notice, ...]]:
    """All cells as text, an empty one as null; a last line that was cut off while it was written is left out."""
    import polars as pl

    contents = path.read_bytes()
    head, _, tail = contents.rpartition(b"\n")
    cut = bool(head) and bool(tail) and tail.count(b",") < head.partition(b"\n")[0].count(b",")
    try:
        frame = pl.read_csv(io.BytesIO(head if cut else contents), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        message = f"the file is not CSV ({str(error).splitlines()[0][:120]})"
        raise Refused("not-csv", message, str(path), "give a header and one row a step") from None
    if not frame.height:
        raise Refused("no-rows", "the table has a header and no rows", str(path), "the run may not have begun")
    said = Notice("truncated", f"the last line of {name} is cut off and was left out")
    return frame, (said,) if cut else ()


def _numbers(cells: polars.Series) -> Floats | None:
    """The column as floats, NaN where the cell is empty; None where a cell is text."""
    import polars as pl

    numbers = cells.str.strip_chars().cast(pl.Float64, strict=False)
    if numbers.null_count() > cells.null_count():
        return None
    return np.asarray(numbers.fill_null(float("nan")).to_numpy(), dtype=float)


def _is_setting(name: str, cells: polars.Series) -> bool:
    """One value down the whole file, under a name that does not measure: how the run was made."""
    return not measures(name) and name not in GROWING and not cells.null_count() and bool((cells == cells[0]).all())


def _refuse_several(frame: polars.DataFrame, path: Path) -> None:
    several = frame[_ID].n_unique() if _ID in frame.columns else 1
    if several > 1:
        message = f"`{_ID}` names {several} runs in one file"
        raise Refused("several-runs", message, str(path), "read it without importing: allometry runs FILE")


def _state(name: str, cell: str) -> tuple[str | None, tuple[Notice, ...]]:
    """The state that the file gives, in the words of a table of runs."""
    state = cell.strip().lower()
    if not state or state in STATES:
        return state or None, ()
    message = f"{name} says `{cell}`, which is none of {', '.join(STATES)}; its state is taken as not known"
    return None, (Notice("unknown-state", message),)


def _last(frame: polars.DataFrame, name: str, default: str) -> str:
    """The last cell of a column of text; the file's own name where there is none."""
    return str(frame[name][-1] or default) if name in frame.columns else default


SOURCE = Source("csv", "CSV files, one run a file", _items, lambda path: path.is_dir() and holds(path, _is_csv))
