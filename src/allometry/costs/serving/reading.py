"""A trace from a table, by our names or those of public traces."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from allometry.axes import nearest_names
from allometry.costs.serving.traces import Trace, trace_of
from allometry.notices import Refused

# Names in public traces: Azure's LLM inference traces (TIMESTAMP, ContextTokens, GeneratedTokens), BurstGPT (Timestamp,
# Request tokens, Response tokens), Vidur (arrived_at, num_prefill_tokens, num_decode_tokens), all in seconds or dates.
# Mooncake's `timestamp` is in milliseconds, so it must be mapped by hand.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "arrival": ("TIMESTAMP", "Timestamp", "arrived_at"),
    "prompt": ("ContextTokens", "Request tokens", "num_prefill_tokens", "input_length"),
    "generated": ("GeneratedTokens", "Response tokens", "num_decode_tokens", "output_length"),
    "job": (),
    "step": (),
    "after": (),
    "shared": (),
}
_NEEDED = ("arrival", "prompt", "generated")


def read_trace(columns: Mapping[str, Any], where: str, names: Mapping[str, str] | None = None) -> Trace:
    """The trace that a table's columns hold.

    Arguments: `columns` by name, as `runs.read_table` gives them; `names` says which column is which (such as
    `{"arrival": "timestamp"}`); without it `arrival`, `prompt`, `generated`, `job`, `step`, `after` and `shared` are
    looked for, then the names that public traces use. Arrivals are seconds or dates with times.
    Errors: `Refused` for a column that is not there with the nearest, and what `trace_of` refuses.

    >>> read_trace({"arrival": [0, 1], "prompt": [5, 6], "generated": [7, 8]}, "mine").generated.tolist()
    [7, 8]
    """
    for name in names or {}:
        if name not in _ALIASES:
            near = ", ".join(nearest_names(name, _ALIASES))
            raise Refused("unknown-field", f"a trace has no {name!r}", where, f"the nearest are {near}")
    found = {name: values for name in _ALIASES if (values := _column(name, columns, names or {}, where)) is not None}
    for name in _NEEDED:
        if name not in found:
            raise Refused("missing-column", f"the trace has no column for {name}", where,
                          f"name it {name}, or map it: {name}=COLUMN, one of {', '.join(columns)}")  # fmt: skip
    return trace_of(
        _seconds(found["arrival"], where), *(_numbers(name, found[name], where) for name in ("prompt", "generated")),
        job=found.get("job"), step=found.get("step"), after=found.get("after"),
        shared=_shared(found.get("shared"), where), where=where,
    )  # fmt: skip


def _column(name: str, columns: Mapping[str, Any], names: Mapping[str, str], where: str) -> Sequence[Any] | None:
    if name in names and names[name] not in columns:
        near = ", ".join(nearest_names(names[name], columns))
        raise Refused("missing-column", f"there is no column {names[name]!r}", where, f"the nearest are {near}")
    known = (names[name],) if name in names else (name, *_ALIASES[name])
    return next((columns[key] for key in known if key in columns), None)


def _seconds(values: Sequence[Any], where: str) -> Sequence[float]:
    """Seconds as they are; dates as seconds after the first."""
    if not any(isinstance(value, str) for value in values):
        return values
    try:
        times = [datetime.datetime.fromisoformat(value.strip()) for value in values]
        return [(time - times[0]).total_seconds() for time in times]
    except (ValueError, TypeError, AttributeError):
        row = next(i for i, value in enumerate(values) if not _is_date(value))
        raise Refused("bad-arrival", f"row {row} has {values[row]!r} for a time of arrival", where,
                      "give seconds, or dates such as 2026-05-20 12:30:00.5, all with a time zone or none") from None  # fmt: skip


def _is_date(value: object) -> bool:
    try:
        return datetime.datetime.fromisoformat(str(value).strip()).tzinfo is None
    except ValueError:
        return False


def _numbers(name: str, values: Sequence[Any], where: str) -> Sequence[float]:
    text = next((i for i, value in enumerate(values) if isinstance(value, str) or value is None), None)
    if text is not None:
        raise Refused("bad-tokens", f"{name} is {values[text]!r} in row {text}", where, "give a number of tokens")
    return values


def _shared(values: Sequence[Any] | None, where: str) -> Sequence[float] | None:
    return None if values is None else _numbers("shared", [0 if v != v else v for v in values], where)
