"""A Ray cluster: one task a run, begun again elsewhere where its process or machine is lost.

Every machine needs this package and the same corpus. Checkpoints lie in the ladder's own folder: where all machines
share it, a run that is begun again goes on from there, elsewhere it starts anew, to the same losses.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from allometry.lab.executors.protocol import RETRIES, Ended, Event, Failed, Work, checkpoint_of
from allometry.lab.jobs import Job
from allometry.notices import Refused


class Cluster:
    """Runs as tasks of a Ray cluster: the one at `address`, or the one at hand, or one started here."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        try:
            import ray
        except ImportError:
            raise Refused("no-ray", "Ray is not installed", "--on", "install allometry[ray]") from None
        self._ray, self._address, self._workers = ray, address, workers

    @property
    def workers(self) -> int:
        self._connect()
        return max(1, min(int(self._ray.cluster_resources().get("CPU", 1)), self._workers or 1_000_000))

    def run(self, work: Work) -> Iterator[Event]:
        self._connect()
        gpus = 1 if self._ray.cluster_resources().get("GPU") else 0
        train = self._ray.remote(num_cpus=1, num_gpus=gpus, max_retries=RETRIES)(_run)
        waiting, running = list(work.jobs), dict[Any, Job]()
        while waiting or running:
            while waiting and len(running) < self.workers:
                job = waiting.pop(0)
                running[train.remote(job, str(work.checkpoints), work.every)] = job
            done, _ = self._ray.wait(list(running), num_returns=1)
            for reference in done:
                yield self._event(running.pop(reference), reference)

    def _event(self, job: Job, reference: Any) -> Ended | Failed:
        try:
            return Ended(job, self._ray.get(reference))
        except self._ray.exceptions.RayError as error:
            return Failed(job, f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}")

    def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        if self._address is not None:
            _reach(self._address)
        try:
            self._ray.init(
                address=self._address, log_to_driver=False, logging_level=logging.ERROR,
                include_dashboard=None if self._address else False,
            )  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            raise _no_cluster(str(error), self._address or "ray") from None


def _reach(address: str) -> None:
    """Refuse an address where nothing listens: Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # "auto", which Ray resolves
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(str(error), address) from None


def _no_cluster(why: str, address: str) -> Refused:
    return Refused("no-cluster", f"no Ray cluster answers: {why}", f"--on {address}",
                   "start one with ray start --head, or give its address")  # fmt: skip


def _run(job: Job, checkpoints: str, every: float) -> list[dict[str, Any]]:
    import torch

    from allometry.lab.running import Place, run_job

    device = "cuda:0" if torch.cuda.is_available() else "cpu"
    return run_job(job, Place(checkpoint_of(Path(checkpoints), job), every, device))
