"""A ladder on a real local Ray cluster of several machines and processes, one of which is killed as it trains."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the lab extra is not installed")
ray = pytest.importorskip("ray", reason="the ray extra is not installed")

from allometry.lab.executors import Ended, Failed, Work, find_executor  # noqa: E402
from allometry.lab.ladders import ladder_of, run_ladder  # noqa: E402
from allometry.notices import Refused  # noqa: E402

# Ray leaves sockets and files for the collector to close when it shuts down.
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("default")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Three raylets of one CPU each, as three machines would be."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    for _ in range(2):
        found.add_node(num_cpus=1)
    yield found
    ray.shutdown()
    found.shutdown()


def training() -> list[int]:
    """The processes that are at a task of the cluster."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if (folder / "cmdline").read_bytes().startswith(b"ray::_run"):
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


def losses(table: Path) -> list[tuple[str, ...]]:
    import csv

    with table.open(newline="") as file:
        return sorted((row["run_id"], row["step"], row["loss"]) for row in csv.DictReader(file))


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "127.0.0.1:99999"])
def test_an_address_where_nothing_listens_is_refused_at_once(address: str) -> None:
    with pytest.raises(Refused, match="no Ray cluster answers"):
        find_executor(address).run(Work([], Path())).__next__()


def test_every_row_arrives_once_though_a_worker_is_killed(tmp_path: Path, declared: Any, cluster: Any) -> None:
    ladder = ladder_of(
        {**declared, "budget": {"tokens": [120_000, 150_000]}, "corpus": {**declared["corpus"], "examples": 8000}}
    )
    killed: list[int] = []

    def kill_one() -> None:
        until = time.monotonic() + 60
        while not killed and time.monotonic() < until:
            if list((tmp_path / "ray" / "checkpoints").glob("*.pt")) and (found := training()):
                os.kill(found[0], signal.SIGKILL)
                killed.append(found[0])
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one)
    killer.start()
    executor = find_executor(cluster.address)
    outcome = run_ladder(ladder, tmp_path / "ray", executor, every=0.1)
    killer.join()
    assert executor.workers == 3
    assert killed, "no worker was seen at a run"
    assert (outcome.ended, outcome.failed) == (4, ())
    here = run_ladder(ladder, tmp_path / "here", find_executor("local", 1))
    assert losses(outcome.table) == losses(here.table)


def test_a_run_that_is_refused_fails_alone(tmp_path: Path, declared: Any, cluster: Any) -> None:
    from dataclasses import replace

    jobs = ladder_of(declared).jobs[:2]
    bad = replace(jobs[0], corpus_sha256="other")
    events = list(find_executor(cluster.address).run(Work([bad, *jobs], tmp_path)))
    assert [event.job for event in events if isinstance(event, Failed)] == [bad]
    assert "the corpus here is another" in next(event.why for event in events if isinstance(event, Failed))
    assert {event.job.run_id for event in events if isinstance(event, Ended)} == {job.run_id for job in jobs}
