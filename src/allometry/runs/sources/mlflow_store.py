"""`mlflow:URI#EXPERIMENT`: every run of an experiment with the full history of every metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from allometry.notices import Refused
from allometry.runs.sources.contract import Item, Record, Series, Source, foreign, needed, parsed
from allometry.runs.sources.files import digest

_STATES = {
    "FINISHED": "finished",
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FAILED": "crashed",
    "KILLED": "crashed",
}
_READS, _MEND = "an MLflow store", "check the URI and that the server answers"
_SQLITE = "sqlite:///"


def _items(text: str) -> list[Item]:
    uri, _, experiment = text.rpartition("#")
    if not uri or not experiment:
        mend = "write mlflow:URI#EXPERIMENT, such as mlflow:sqlite:///mlflow.db#ladder"
        raise Refused("no-experiment", "no experiment is named", text, mend)
    # MLflow makes a database that is missing, and would then say that it is empty.
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_file():
        raise Refused("no-source", "there is no such database", uri, "check the path after sqlite:///")
    client = needed("mlflow", "mlflow", _READS).MlflowClient(tracking_uri=uri)
    with foreign("reading MLflow", uri, _MEND):
        number = _experiment(client, experiment, uri)
        return [_item(client, run, experiment, uri) for run in _runs(client, number)]


def _experiment(client: Any, name: str, uri: str) -> str:
    """The id of an experiment given by its name or its id."""
    experiments = client.search_experiments()
    found = next((one for one in experiments if name in (one.name, one.experiment_id)), None)
    if found is None:
        there = ", ".join(f"`{one.name}`" for one in experiments[:8])
        raise Refused("no-experiment", f"there is no experiment `{name}`", uri, f"there are {there}")
    return str(found.experiment_id)


def _runs(client: Any, experiment: str) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _item(client: Any, run: Any, experiment: str, uri: str) -> Item:
    # The newest value of each metric, its step and time stand in the run itself, so a change shows without its history.
    newest = sorted((metric.key, metric.step, metric.timestamp, str(metric.value)) for metric in run.data._metric_objs)
    stamp = digest([run.info.status, run.info.end_time, run.data.params, run.data.tags, newest])
    return Item(run.info.run_id, stamp, lambda: _read(client, run, experiment, uri))


def _read(client: Any, run: Any, experiment: str, uri: str) -> Record:
    with foreign("reading MLflow", uri, _MEND):
        histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    return Record(
        run.info.run_id, {name: _series(points) for name, points in histories.items()}, run.info.run_name or "",
        _STATES.get(run.info.status), {name: parsed(text) for name, text in run.data.params.items()},
        _tags(run.data.tags), experiment, (run.info.start_time or 0) / 1000,
    )  # fmt: skip


def _series(points: list[Any]) -> Series:
    """In the order of writing; points of one millisecond by step, as batches are logged."""
    ordered = sorted(points, key=lambda point: (point.timestamp, point.step))
    return Series(np.array([p.step for p in ordered], float), np.array([p.value for p in ordered], float))


def _tags(tags: Mapping[str, str]) -> tuple[str, ...]:
    own = {name: text for name, text in tags.items() if not name.startswith("mlflow.")}
    return tuple(f"{name}={text}" if text else name for name, text in own.items())


SOURCE = Source("mlflow", "an MLflow experiment (mlflow:URI#EXPERIMENT)", _items, lambda path: False, "mlflow")
