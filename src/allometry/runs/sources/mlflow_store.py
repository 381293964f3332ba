"""`mlflow:URI#EXPERIMENT`: every run of an experiment with the full history of every metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from allometry.notices import Refused
from allometry.runs.sources.contract import Item, Record, Series, Source, Wanted, foreign, needed, parsed
from allometry.runs.sources.files import digest

_STATES = {
    "FINISHED": "finished",
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FAILED": "crashed",
    "KILLED": "crashed",
}
_MEND = "check the URI and that the server answers"
_SQLITE = "sqlite:///"
# A database has no infinity: MLflow stores the largest float for it.
_LARGEST = np.finfo(float).max


def _items(text: str) -> list[Item]:
    uri, _, experiment = text.rpartition("#")
    if not uri or not experiment:
        mend = "write mlflow:URI#EXPERIMENT, such as mlflow:sqlite:///mlflow.db#ladder"
        raise Refused("no-experiment", "no experiment is named", text, mend)
    # MLflow makes a database that is missing, and would then say that it is empty.
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE)).is_file():
        raise Refused("no-source", "there is no such database", uri, "check the path after sqlite:///")
    client = _client(uri)
    with foreign("reading MLflow", uri, _MEND):
        number = _experiment(client, experiment, uri)
        return [_item(run, experiment, uri) for run in _runs(client, number)]


@lru_cache(maxsize=1)
def _client(uri: str) -> Any:
    mlflow = needed("mlflow", "mlflow", "an MLflow store")
    with foreign("opening the MLflow store", uri, _MEND):
        return mlflow.MlflowClient(tracking_uri=uri)


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


def _item(run: Any, experiment: str, uri: str) -> Item:
    # The newest value of each metric stands in the run itself, so that a change shows without its history.
    newest = sorted((one.key, one.step, one.timestamp, str(one.value)) for one in getattr(run.data, "_metric_objs", ()))
    stamp = digest([run.info.status, run.info.end_time, run.info.run_name, run.data.params, run.data.tags,
                    str(run.data.metrics), newest])  # fmt: skip
    return Item(run.info.run_id, stamp, partial(_read, uri, experiment, run.info.run_id))


def _read(uri: str, experiment: str, run_id: str, wanted: Wanted) -> Record:
    with foreign("reading MLflow", uri, _MEND):
        client = _client(uri)
        run = client.get_run(run_id)
        names = [name for name in run.data.metrics if wanted is None or name in wanted]
        series = {name: _series(client.get_metric_history(run_id, name)) for name in names}
    return Record(
        run_id, series, run.info.run_name or "", _STATES.get(run.info.status),
        {name: parsed(text) for name, text in run.data.params.items()}, _tags(run.data.tags), experiment,
        (run.info.start_time or 0) / 1000, logged=tuple(run.data.metrics),
    )  # fmt: skip


def _series(points: list[Any]) -> Series:
    """In the order of writing; points of one millisecond by step, as batches are logged."""
    found = np.array([(point.timestamp, point.step, point.value) for point in points], float)
    found = found[np.lexsort((found[:, 1], found[:, 0]))]
    values = found[:, 2]
    return Series(found[:, 1], np.where(np.abs(values) == _LARGEST, np.copysign(np.inf, values), values))


def _tags(tags: Mapping[str, str]) -> tuple[str, ...]:
    own = {name: text for name, text in tags.items() if not name.startswith("mlflow.")}
    return tuple(f"{name}={text}" if text else name for name, text in own.items())


SOURCE = Source("mlflow", "an MLflow experiment (mlflow:URI#EXPERIMENT)", _items, lambda path: False, "mlflow")
