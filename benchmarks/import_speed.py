"""How long an import takes and how much memory: 1,000 runs of 10,000 steps from each tracker, once whole and once killed.

Each source holds one run that the tracker's own library wrote, copied under a thousand names: writing them all would take
an hour. Each import is a process of its own; its memory is that of all its processes together, sampled.

    python benchmarks/import_speed.py [--write] [--source tensorboard ...] [--runs 1000] [--steps 10000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from _import_sources import SOURCES
from _measure import group_memory
from _report import Report

LIMIT_SECONDS, LIMIT_GIB = 120.0, 2.0
_SAMPLE = 0.1


@dataclass
class Ended:
    seconds: float
    cpu: float
    gib: float
    told: dict[str, object] | None


def main() -> None:
    options = _options()
    report = Report("import_speed")
    report(f"{options.runs} runs x {options.steps} steps of one metric; --jobs {options.jobs}; limits: "
           f"{LIMIT_SECONDS:g} s and {LIMIT_GIB:g} GiB")  # fmt: skip
    report(f"the clock's seconds are of a machine with a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    report(
        f"{'source':12} {'seconds':>8} {'CPU s':>6} {'GiB':>6} {'rows':>10} {'in both limits':>15}   second import   killed half-way"
    )
    for name in options.source:
        with TemporaryDirectory() as folder:
            report(_row(name, SOURCES[name](Path(folder), options.runs, options.steps), Path(folder), options))
    if options.write:
        report.write()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", nargs="*", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _row(name: str, source: str, folder: Path, options: argparse.Namespace) -> str:
    whole = _run(source, folder / "whole.parquet", options.jobs)
    again = _run(source, folder / "whole.parquet", options.jobs)
    killed = folder / "killed.parquet"
    _run(source, killed, options.jobs, until=lambda: _parts(killed) >= options.runs // 2)
    resumed = _run(source, killed, options.jobs)
    met = whole.seconds < LIMIT_SECONDS and whole.gib < LIMIT_GIB
    same = killed.read_bytes() == (folder / "whole.parquet").read_bytes()
    return (
        f"{name:12} {whole.seconds:8.1f} {whole.cpu:6.1f} {whole.gib:6.2f} {whole.told['rows']:10} {'yes' if met else 'NO':>15}   "
        f"{again.seconds:.1f} s, read {again.told['read']}   kept {resumed.told['kept']}, read {resumed.told['read']}, "
        f"{'the same table' if same else 'ANOTHER TABLE'}"
    )


def _parts(out: Path) -> int:
    return sum(1 for _ in out.with_suffix(".parts").glob("*.npz"))


def _run(source: str, out: Path, jobs: int, until: Callable[[], bool] = lambda: False) -> Ended:
    """One import as its own process group, killed as soon as `until` holds."""
    words = ["import", source, "--out", str(out), "--metric", "loss=eval/loss", "--batch-tokens", "524288",
             "--jobs", str(jobs), "--json"]  # fmt: skip
    began, spent, most = time.perf_counter(), _cpu(), 0
    command = [sys.executable, "-c", "from allometry.cli import main; main()", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None:
        most = max(most, group_memory(process.pid))
        if until():
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(_SAMPLE)
    seconds = time.perf_counter() - began
    out_text = process.stdout.read() if process.stdout else ""
    return Ended(seconds, _cpu() - spent, most / 2**30, json.loads(out_text) if process.returncode == 0 else None)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
