"""`mlflow:URI#EXPERIMENT`: every run of an experiment with the full history of every metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from allometry.notices import Refused
from allometry.runs.columns import Floats
from allometry.runs.sources.contract import (
    Item,
    Record,
    Series,
    Source,
    Wanted,
    foreign,
    needed,
    parsed,
    without_password,
)
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
        raise Refused("no-experiment", f"there is no experiment `{name}`", without_password(uri), f"there are {there}")
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
    about = Record(
        run.info.run_id, {}, run.info.run_name or "", _STATES.get(run.info.status),
        {name: parsed(text) for name, text in run.data.params.items()}, _tags(run.data.tags), experiment,
        (run.info.start_time or 0) / 1000, logged=tuple(run.data.metrics),
        last=float(max(step for _, step, *_ in newest)) if newest else None,
    )  # fmt: skip
    said = [about.name, about.state, run.info.end_time, about.config, about.tags, str(run.data.metrics)]
    return Item(about.run_id, digest([said, newest]), partial(_read, uri, about))


def _read(uri: str, about: Record, wanted: Wanted) -> Record:
    names = [name for name in about.logged if wanted is None or name in wanted]
    with foreign("reading MLflow", uri, _MEND):
        return replace(about, series={name: _series(_history(uri, about.run_id, name)) for name in names})


def _history(uri: str, run_id: str, name: str) -> Floats:
    """Time, step and value (n, 3) of every time a metric was logged.

    MLflow makes an object of each, so that ten million would take minutes; a file of SQLite is asked itself.
    """
    if uri.startswith(_SQLITE):
        import sqlite3

        columns = "timestamp, step, CASE WHEN is_nan THEN NULL ELSE value END"
        with closing(sqlite3.connect(f"file:{uri.removeprefix(_SQLITE)}?mode=ro", uri=True)) as connection:
            found = connection.execute(
                f"SELECT {columns} FROM metrics WHERE run_uuid = ? AND key = ?", (run_id, name)
            ).fetchall()
    else:
        found = [(one.timestamp, one.step, one.value) for one in _client(uri).get_metric_history(run_id, name)]
    return np.array(found, float)


def _series(history: Floats) -> Series:
    """In the order of writing; values of one millisecond by step, as batches are logged."""
    _, steps, values = history[np.lexsort((history[:, 1], history[:, 0]))].T
    return Series(steps, np.where(np.abs(values) == _LARGEST, np.copysign(np.inf, values), values))


def _tags(tags: Mapping[str, str]) -> tuple[str, ...]:
    own = {name: text for name, text in tags.items() if not name.startswith("mlflow.")}
    return tuple(f"{name}={text}" if text else name for name, text in own.items())


SOURCE = Source("mlflow", "an MLflow experiment (mlflow:URI#EXPERIMENT)", _items, lambda path: False, "mlflow")
