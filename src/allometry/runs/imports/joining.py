"""Parts of one run made one, and two runs of one id kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from allometry.notices import Notice, Refused
from allometry.runs.columns import Floats
from allometry.runs.imports.parts import load_part
from allometry.runs.sources.contract import Record, Series


@dataclass(frozen=True, eq=False)
class Group:
    """One run: its id in the table, and where its parts are kept, in the order in which they were made."""

    run_id: str
    parts: tuple[Path, ...]
    about: Record


def group_runs(parts: Mapping[str, Path], join: str, step: str | None) -> tuple[list[Group], list[Notice]]:
    """Which parts are one run: those of one project whose id agrees, or whose name or setting `join` does.

    In the order of their ids, whatever that of the source is. Two runs of one id stay two: where they are of two projects, or differ in their settings and overlap in what they
    measured. They are told apart by what the source calls them.
    """
    found: dict[str, dict[str, list[tuple[str, Path, Record]]]] = {}
    for key, path in parts.items():
        record = load_part(path, series=False)
        if record is not None:
            found.setdefault(_identity(record, join), {}).setdefault(record.origin, []).append((key, path, record))
    groups, notices = list[Group](), list[Notice]()
    for run_id, origins in found.items():
        runs = [run for members in origins.values() for run in _runs(members, step)]
        if len(runs) > 1:
            message = (
                f"{len(runs)} different runs have the id `{run_id}`; each is kept under its own name in the source"
            )
            notices.append(Notice("two-runs-one-id", message))
        for run in runs:
            label = run_id if len(runs) == 1 else f"{run_id} [{run[0][0]}]"
            groups.append(Group(label, tuple(path for _, path, _ in run), _merged([record for *_, record in run])))
    return sorted(groups, key=lambda group: group.run_id), notices


def _identity(record: Record, join: str) -> str:
    if join == "id":
        return record.run_id
    if join == "name":
        return record.name or record.run_id
    name = join.removeprefix("config.")
    if name not in record.config:
        raise Refused("no-setting", f"run `{record.run_id}` has no setting `{name}`", "--join", "write id or name")
    return str(record.config[name])


def _runs(members: list[tuple[str, Path, Record]], step: str | None) -> list[list[tuple[str, Path, Record]]]:
    """The members as parts of one run, in order; each its own run where they contradict one another."""
    ordered = sorted(members, key=lambda member: (member[2].started, member[0]))
    apart = any(_contradict(a, b, step) for a, b in pairwise(ordered))
    return [[one] for one in ordered] if apart else [ordered]


def _contradict(first: tuple[str, Path, Record], second: tuple[str, Path, Record], step: str | None) -> bool:
    """Whether two parts differ in a setting, and the later begins where the earlier did or before it."""
    a, b = first[2].config, second[2].config
    if all(a[name] == b[name] for name in a.keys() & b.keys()):
        return False
    earlier, later = _parts_by_step((first[1], second[1]), step)
    return any(later[name].steps.min() <= earlier[name].steps.min() for name in earlier.keys() & later.keys())


def _merged(records: list[Record]) -> Record:
    """What is known of a run from all its parts; what a later part says wins."""
    last = records[-1]
    config = {name: value for record in records for name, value in record.config.items()}
    logged = dict.fromkeys(name for record in records for name in record.logged)
    tags = dict.fromkeys(tag for record in records for tag in record.tags)
    state = next((record.state for record in reversed(records) if record.state), None)
    return replace(last, config=config, logged=tuple(logged), tags=tuple(tags), state=state,
                   notices=tuple(notice for record in records for notice in record.notices))  # fmt: skip


def load_series(group: Group, step: str | None) -> tuple[dict[str, Series], list[Notice]]:
    """The metrics of a run over all its parts, by training step, each step once: as it was written last."""
    parts = _parts_by_step(group.parts, step)
    names = dict.fromkeys(name for part in parts for name in part)
    joined = {name: _concatenated(part[name] for part in parts if name in part) for name in names}
    kept = {name: last_written(series) for name, series in joined.items()}
    back = [name for name, series in joined.items() if bool((np.diff(series.steps) < 0).any())]
    return kept, [*_told_back(group.run_id, back, joined, kept), *_told_one_step(group.run_id, joined, kept)]


def _concatenated(series: Iterable[Series]) -> Series:
    steps, values = zip(*series, strict=True)
    return Series(np.concatenate(steps), np.concatenate(values))


def _told_back(run: str, back: list[str], joined: Mapping[str, Series], kept: Mapping[str, Series]) -> list[Notice]:
    if not back:
        return []
    name = back[0]
    steps = joined[name].steps
    place = int(np.argmax(np.diff(steps) < 0))
    lost = len(steps) - len(kept[name].steps)
    others = f" (and {len(back) - 1} other metrics)" if len(back) > 1 else ""
    message = (
        f"`{name}`{others} of run {run} goes back from step {steps[place]:g} to {steps[place + 1]:g}; "
        f"what was written later is kept, and {lost} values before it are not"
    )
    return [Notice("steps-back", message)]


def _told_one_step(run: str, joined: Mapping[str, Series], kept: Mapping[str, Series]) -> list[Notice]:
    """A metric that was logged without a step has all its values at one."""
    for name, series in joined.items():
        if len(series.steps) > 1 and len(kept[name].steps) == 1:
            message = (
                f"all {len(series.steps)} values of `{name}` of run {run} are at step {series.steps[0]:g} and only the "
                f"last is kept; --step METRIC says which metric holds the step"
            )
            return [Notice("one-step", message)]
    return []


def last_written(series: Series) -> Series:
    """The values that no later one replaces: a run that goes back to a step has begun again from there.

    >>> again = Series(np.array([1., 2., 3., 2., 3.]), np.array([9., 8., 7., 6., 5.]))
    >>> [one.tolist() for one in last_written(again)]
    [[1.0, 2.0, 3.0], [9.0, 6.0, 5.0]]
    """
    known = np.isfinite(series.steps)
    steps, values = series.steps[known], series.values[known]
    if not len(steps):
        return Series(steps, values)
    lowest_after = np.minimum.accumulate(steps[::-1])[::-1]
    keep = np.append(steps[:-1] < lowest_after[1:], True)
    return Series(steps[keep], values[keep])


def _parts_by_step(paths: Iterable[Path], step: str | None) -> list[dict[str, Series]]:
    """The metrics of each part by training step; none of a part that never logged the metric that holds it.

    `step` names that metric; without it, it is the first of the source's own counters that any of the parts logged.
    """
    records = [record for path in paths if (record := load_part(path)) is not None]
    logged = {name for record in records for name in record.series}
    known = dict.fromkeys(name for record in records for name in record.counters)
    counter = step if step is not None else next((name for name in known if name in logged), None)
    return [dict(record.series) if counter is None else by_counter(record.series, counter) for record in records]


def by_counter(series: Mapping[str, Series], counter: str) -> dict[str, Series]:
    """The metrics by the training step that one of them holds; nothing where that one is missing or no number.

    A row between two logged steps is of the last one before it.

    >>> logged = Series(np.array([0., 2.]), np.array([10., 20.]))
    >>> loss = Series(np.array([1., 2.]), np.array([3., 2.]))
    >>> by_counter({"n": logged, "loss": loss}, "n")["loss"].steps.tolist()
    [10.0, 20.0]
    """
    if counter not in series or not np.isfinite(series[counter].values).all():
        return {}
    logged = last_written(series[counter])
    return {name: Series(_translated(one.steps, logged), one.values) for name, one in series.items() if name != counter}


def _translated(steps: Floats, logged: Series) -> Floats:
    place = np.searchsorted(logged.steps, steps, side="right") - 1
    return logged.values[np.maximum(place, 0)]
