"""Sources of many runs for benchmarks: one run as the tracker's own library writes it, copied under other names."""

from __future__ import annotations

import os
import sqlite3
import struct
import zlib
from pathlib import Path

import numpy as np

METRIC = "eval/loss"
# The head of a record in a file of W&B: checksum, length, kind.
_HEADER = struct.Struct("<IHB")


def _losses(steps: int) -> list[float]:
    return (2.0 + 4.0 * np.arange(1, steps + 1) ** -0.3).tolist()


def tensorboard(folder: Path, runs: int, steps: int) -> str:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(folder / "tensorboard" / "run0000"))
    for step, loss in enumerate(_losses(steps), 1):
        summary = Summary(value=[Summary.Value(tag=METRIC, simple_value=loss)])
        writer.add_event(Event(wall_time=1.7e9 + step, step=step, summary=summary))
    writer.close()
    first = next((folder / "tensorboard" / "run0000").iterdir())
    for number in range(1, runs):
        target = folder / "tensorboard" / f"run{number:04}" / first.name
        target.parent.mkdir()
        target.write_bytes(first.read_bytes())
    return f"tensorboard:{folder / 'tensorboard'}"


def wandb(folder: Path, runs: int, steps: int) -> str:
    """The record that names the run is written anew for each, as long as before; all others are copied."""
    os.environ |= {"WANDB_SILENT": "true", "WANDB_MODE": "offline"}
    import wandb as library
    from wandb.proto.wandb_internal_pb2 import Record

    from allometry.runs.sources.wandb_frames import Frames

    run = library.init(project="ladder", id="run0000", name="run0000", dir=str(folder))
    for step, loss in enumerate(_losses(steps), 1):
        run.log({METRIC: loss, "global_step": step})
    run.finish()
    (first,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    contents = first.read_bytes()
    named = next(frame for frame in Frames(first) if Record.FromString(frame).WhichOneof("record_type") == "run")
    at = contents.index(named)
    for number in range(runs):
        record = Record.FromString(named)
        record.run.run_id = record.run.display_name = f"run{number:04}"
        other = record.SerializeToString()
        # The kind of a whole record, behind the checksum of both and the length.
        head = _HEADER.pack(zlib.crc32(b"\x01" + other), len(other), 1)
        target = folder / "copies" / f"offline-run-{number:04}" / f"run-run{number:04}.wandb"
        target.parent.mkdir(parents=True)
        target.write_bytes(contents[: at - _HEADER.size] + head + other + contents[at + len(named) :])
    return f"wandb:{folder / 'copies'}"


def mlflow(folder: Path, runs: int, steps: int) -> str:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    database = folder / "mlflow.db"
    client = MlflowClient(tracking_uri=f"sqlite:///{database}")
    experiment = client.create_experiment("ladder", artifact_location=str(folder))
    first = client.create_run(experiment, run_name="run0000").info.run_id
    points = [Metric(METRIC, loss, 1_700_000_000_000 + step, step) for step, loss in enumerate(_losses(steps), 1)]
    for at in range(0, steps, 1000):
        client.log_batch(first, metrics=points[at : at + 1000])
    client.set_terminated(first)
    with sqlite3.connect(database) as connection:
        for number in range(1, runs):
            for table in ("runs", "metrics", "latest_metrics", "tags"):
                _copy(connection, table, first, f"{number:032x}")
    connection.close()
    return f"mlflow:sqlite:///{database}#ladder"


def _copy(connection: sqlite3.Connection, table: str, run: str, name: str) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    chosen = ", ".join("?" if column == "run_uuid" else f'"{column}"' for column in columns)
    connection.execute(f"INSERT INTO {table} SELECT {chosen} FROM {table} WHERE run_uuid = ?", (name, run))


def csv(folder: Path, runs: int, steps: int) -> str:
    rows = "".join(f"{step},{loss!r}\n" for step, loss in enumerate(_losses(steps), 1))
    (folder / "csv").mkdir()
    for number in range(runs):
        (folder / "csv" / f"run{number:04}.csv").write_text(f"step,{METRIC}\n{rows}")
    return f"csv:{folder / 'csv'}"


SOURCES = {"csv": csv, "tensorboard": tensorboard, "wandb": wandb, "mlflow": mlflow}
