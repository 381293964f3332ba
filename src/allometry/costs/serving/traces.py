"""A request trace: when each request arrives, how long its prompt and its answer are, and what it waits for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.axes import nearest_names
from allometry.notices import Refused

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
NONE = -1
COLUMNS = ("arrival", "prompt", "generated", "job", "shared", "step", "after", "think", "prefix", "kept")


@dataclass(frozen=True, eq=False)
class Trace:
    """Requests in order of arrival, as columns of one length; make one with `trace_of` or `generate_trace`.

    - `arrival` in seconds after the first; `prompt` and `generated` in tokens, from 1.
    - `job` numbers what belongs together: a job stays on one replica, and its requests share the first `shared` tokens
      of their prompts (parallel samples of one question, rounds of one conversation).
    - `step` numbers the part of a job that a request is, and a row of `after` the steps that it waits for, all of
      them: -1 for none. Such a request arrives `think` seconds after they are finished, or at its `arrival` if that
      is later.
    - `prefix` numbers the beginning that `shared` is of, where not all of a job have one; `kept` are the tokens of
      prompt and answer that become part of it once the answer is there, for what goes on from it; 0 for none.
    """

    arrival: Floats
    prompt: Counts
    generated: Counts
    job: Counts
    shared: Counts
    step: Counts
    after: Counts
    think: Floats
    prefix: Counts
    kept: Counts
    where: str = "the trace"

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def span(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival[-1] - self.arrival[0])

    @property
    def rate(self) -> float:
        """Requests a second that arrive; infinite when all come at once."""
        return (len(self) - 1) / self.span if self.span > 0 else np.inf

    def first(self, requests: int) -> Trace:
        """The requests of the first jobs that have at least this many, whole jobs only."""
        if len(self) <= requests:
            return self
        _, begin, job = np.unique(self.job, return_index=True, return_inverse=True)
        rows = np.flatnonzero(begin[job] < requests)
        return replace(self, **{name: getattr(self, name)[rows] for name in COLUMNS})

    def faster(self, speed: float) -> Trace:
        """The same requests, arriving `speed` times as fast.

        Use it to ask what happens when a recorded load doubles, and for arrivals that are not in seconds: those in
        milliseconds become seconds with a speed of 1000.
        """
        if not (np.isfinite(speed) and speed > 0):
            raise Refused("bad-speed", f"a trace cannot be {speed:g} times as fast", self.where, "give a speed above 0")
        return replace(self, arrival=self.arrival / speed)


def trace_of(
    arrival: Sequence[float], prompt: Sequence[float], generated: Sequence[float], *,
    job: Sequence[Any] | None = None, step: Sequence[Any] | None = None, after: Sequence[Any] | None = None,
    shared: Sequence[float] | None = None, think: Sequence[float] | None = None, prefix: Sequence[Any] | None = None,
    kept: Sequence[float] | None = None, where: str = "the trace",
) -> Trace:  # fmt: skip
    """The trace of these columns, checked.

    Arguments: `arrival` in seconds from any moment, none before the one above it; `prompt` and `generated` in tokens; `job`, `step`
    and `after` are names (None or "" for none): `after` names a step of the same job, or a list of them, and waits
    for all requests with these names, and `think` seconds more; `shared` is how many tokens at the start of the prompt
    are those of the job, or of the `prefix` where a job has several; `kept` how many of prompt and answer join them.
    Errors: `Refused` with the row, counted from 0, for an empty trace, arrivals out of order, counts that are not
    whole and positive, a step that does not exist, and steps that wait for each other.

    >>> trace_of([0.0, 0.5], [512, 100], [64, 1]).rate
    2.0
    """
    size = len(arrival)
    if size == 0:
        raise Refused("empty-trace", "the trace has no requests", where,
                      "give a row for each request, or a load: its rate, lengths and number of requests")  # fmt: skip
    jobs = _numbers(job, size)
    step_names, steps = _step_numbers(jobs, step, size)
    made = Trace(
        arrival=_arrivals(arrival, where),
        prompt=_tokens("prompt", prompt, 1, size, where),
        generated=_tokens("generated", generated, 1, size, where),
        job=jobs,
        shared=_tokens("shared", [0] * size if shared is None else shared, 0, size, where),
        step=steps,
        after=_awaited(jobs, after, step_names, size, where),
        think=_think(think, size, where),
        prefix=jobs if prefix is None else _numbers(prefix, size),
        kept=_tokens("kept", [0] * size if kept is None else kept, 0, size, where),
        where=where,
    )  # fmt: skip
    _check_shared(made)
    _check_order(made)
    return made


def _arrivals(values: Sequence[float], where: str) -> Floats:
    arrival = np.asarray(values, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(arrival))
    if bad.size:
        raise Refused("bad-arrival", f"row {bad[0]} has no time of arrival", where, "give seconds")
    late = np.flatnonzero(np.diff(arrival) < 0)
    if late.size:
        row = int(late[0]) + 1
        message = f"row {row} arrives at {arrival[row]:.10g} s, before the row above it at {arrival[row - 1]:.10g} s"
        raise Refused("unsorted-trace", message, where, "sort the rows by arrival")
    return arrival - arrival[0]  # dates in seconds since 1970 would leave no digits for milliseconds


def _tokens(name: str, values: Sequence[float], least: int, size: int, where: str) -> Counts:
    if len(values) != size:
        raise Refused("ragged", f"{name} has {len(values)} rows and arrival has {size}", where, "give one a request")
    counts = np.asarray(values, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(counts) | (counts < least) | (counts != np.floor(counts)))
    if bad.size:
        row = int(bad[0])
        message = f"{name} must be a whole number of tokens from {least}, not {counts[row]:g}, in row {row}"
        raise Refused("bad-tokens", message, where, "mend the row or leave it out")
    return counts.astype(np.int64)


def _is_named(value: Any) -> bool:
    return value is not None and value != "" and value == value


def _numbers(names: Sequence[Any] | None, size: int) -> Counts:
    """Numbers by order of appearance; a row without a name is a job of its own."""
    if names is None:
        return np.arange(size)
    known: dict[Any, int] = {}
    keys = (name if _is_named(name) else (row,) for row, name in enumerate(names))
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)


def _step_numbers(jobs: Counts, names: Sequence[Any] | None, size: int) -> tuple[dict[tuple[int, Any], int], Counts]:
    known: dict[tuple[int, Any], int] = {}
    if names is None:
        return known, np.full(size, NONE)
    keys = zip(jobs.tolist(), names, strict=True)
    return known, np.array(
        [known.setdefault(key, len(known)) if _is_named(key[1]) else NONE for key in keys], dtype=np.int64
    )


def _awaited(
    jobs: Counts, names: Sequence[Any] | None, steps: Mapping[tuple[int, Any], int], size: int, where: str
) -> Counts:
    several = [name if isinstance(name, list) else [name] for name in (() if names is None else names)]
    after = np.full((size, max(map(len, several), default=1) or 1), NONE)
    for row, of_row in enumerate(several):
        for column, name in enumerate(dict.fromkeys(filter(_is_named, of_row))):
            after[row, column] = _step_named(name, int(jobs[row]), steps, row, where)
    return after


def _step_named(name: Any, job: int, steps: Mapping[tuple[int, Any], int], row: int, where: str) -> int:
    if (job, name) not in steps:
        own = [str(step) for of_job, step in steps if of_job == job]
        near = ", ".join(nearest_names(str(name), own)) or "none: name the steps in a column `step`"
        raise Refused("unknown-step", f"row {row} waits for {name!r}, which is no step of its job", where,
                      f"the nearest are {near}")  # fmt: skip
    return steps[job, name]


def _think(values: Sequence[float] | None, size: int, where: str) -> Floats:
    think = np.zeros(size) if values is None else np.asarray(values, dtype=np.float64)
    bad = np.flatnonzero(~(np.isfinite(think) & (think >= 0)))
    if bad.size:
        message = f"row {bad[0]} cannot wait {think[bad[0]]:g} s after what it waits for"
        raise Refused("bad-think", message, where, "give seconds from 0")
    return think


def _check_shared(trace: Trace) -> None:
    for name, most, whole in (
        ("shares", trace.prompt, "a prompt"),
        ("keeps", trace.prompt + trace.generated, "a prompt and answer"),
    ):
        taken = trace.shared if name == "shares" else trace.kept
        bad = np.flatnonzero(taken > most)
        if bad.size:
            row = int(bad[0])
            message = f"row {row} {name} {taken[row]} tokens of {whole} of {most[row]}"
            raise Refused("bad-tokens", message, trace.where, f"give at most {most[row]}")


def _check_order(trace: Trace) -> None:
    """Refuse steps that wait for each other, by finishing every step whose requests wait for finished ones."""
    waits = trace.after != NONE
    missing = waits.sum(axis=1).tolist()
    waiting: list[int] = np.flatnonzero(missing).tolist()
    if not waiting:
        return
    steps = trace.step.tolist()
    held = Counter(steps[row] for row in waiting)
    followers: dict[int, list[int]] = defaultdict(list)
    for row, column in np.argwhere(waits).tolist():
        followers[int(trace.after[row, column])].append(row)
    free = [step for step in set(steps) - {NONE} if not held[step]]
    released = 0
    while free:
        for row in followers.pop(free.pop(), ()):
            missing[row] -= 1
            if missing[row]:
                continue
            released += 1
            held[steps[row]] -= 1
            if steps[row] != NONE and not held[steps[row]]:
                free.append(steps[row])
    if released < len(waiting):
        row = min(row for rows in followers.values() for row in rows)
        raise Refused("circular-trace", f"row {row} waits for a step that waits for it", trace.where,
                      "let `after` name an earlier step only")  # fmt: skip
