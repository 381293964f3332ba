"""The executor that a text names."""

from __future__ import annotations

from allometry.lab.executors.protocol import Executor
from allometry.notices import Refused


def find_executor(on: str = "local", workers: int | None = None, at_once: int | None = None) -> Executor:
    """`local` for this machine; `ray` for the Ray cluster at hand, or one started here; or a cluster's address.

    `at_once` runs are trained by one process with stacked weights, here only; by default several on a GPU.
    Errors: `Refused` for another word, for Ray where it is not installed, and for runs at once there.

    >>> find_executor("local", 2).workers
    2
    """
    if on == "local":
        from allometry.lab.executors.local import Local

        return Local(workers, at_once)
    if on == "ray" or ":" in on or on == "auto":
        from allometry.lab.executors.cluster import Cluster

        if at_once is not None and at_once > 1:
            raise Refused("not-there", "on a Ray cluster each run is a task of its own", "--at-once", "leave it out")

        return Cluster(None if on == "ray" else on, workers)
    raise Refused("unknown-executor", f"nothing is called {on!r} to train on", "--on",
                  "use local, ray, or the address of a Ray cluster such as ray://head:10001")  # fmt: skip
