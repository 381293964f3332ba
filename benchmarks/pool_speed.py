"""How long and in how much memory a large pool is scored by prototype distance and pruned.

Embeddings are made here and written in parts to one file on disk: blobs about many centres, with a share of outliers that
lie about none. The command runs as a process of its own; its memory is that of all its processes together, sampled.

    python benchmarks/pool_speed.py [--write] [--rows 10000000] [--width 64] [--folder DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.lib.format import write_array_header_1_0

from _measure import group_memory
from _report import Report

LIMIT_SECONDS, LIMIT_GIB = 600.0, 4.0
CENTRES, ODD, PART = 1000, 100, 250_000  # every ODD-th row is an outlier
KEEP, CLUSTERS, SAMPLE = 0.5, 1000, 500_000
_SAMPLED = 0.1


def main() -> None:
    options = _options()
    report = Report("pool_speed")
    with TemporaryDirectory(dir=options.folder) as name:
        pool = Path(name) / "pool.npy"
        _make(pool, options.rows, options.width)
        report(f"{options.rows:,} rows x {options.width} float32, {pool.stat().st_size / 2**30:.2f} GiB on disk; "
               f"{CLUSTERS} clusters on {SAMPLE:,} rows, then one pass; kept {KEEP:g}; limits {LIMIT_SECONDS:g} s, {LIMIT_GIB:g} GiB")  # fmt: skip
        report(f"machine load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        scores, kept = pool.with_name("scores.npy"), pool.with_name("kept.npy")
        scored = _run(
            ["score", pool, "--metric", "prototype", "--clusters", CLUSTERS, "--sample", SAMPLE, "--out", scores]
        )
        pruned = _run(["prune", pool, "--scores", scores, "--keep", KEEP, "--side", "hardest", "--out", kept])
        seconds, most = scored[0] + pruned[0], max(scored[1], pruned[1])
        report(f"score {scored[0]:7.1f} s  {scored[1]:5.2f} GiB peak")
        report(f"prune {pruned[0]:7.1f} s  {pruned[1]:5.2f} GiB peak, {pruned[2]['kept']:,} kept")
        met = seconds < LIMIT_SECONDS and most < LIMIT_GIB
        report(f"both  {seconds:7.1f} s  {most:5.2f} GiB peak: {'within' if met else 'NOT WITHIN'} both limits")
        odd = np.arange(0, options.rows, ODD)
        share = float(np.isin(odd, np.load(kept), assume_unique=True).mean())
        report(f"outliers that the hardest {KEEP:.0%} holds: {share:.2%}, of random ones {KEEP:.0%} would")
    if options.write:
        report.write()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--folder", default=None, help="where the pool is written; by default the temporary folder")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _make(path: Path, rows: int, width: int) -> None:
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((CENTRES, width), dtype=np.float32)
    with path.open("wb") as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)),
            "fortran_order": False,
            "shape": (rows, width),
        }
        write_array_header_1_0(file, header)
        for start in range(0, rows, PART):
            count = min(PART, rows - start)
            part = draw.standard_normal((count, width), dtype=np.float32)
            inside = np.arange(start, start + count) % ODD != 0
            part[inside] = 0.5 * part[inside] + centres[draw.integers(0, CENTRES, int(inside.sum()))]
            part.tofile(file)


def _run(words: list[object]) -> tuple[float, float, dict[str, object]]:
    """Seconds, GiB at most, and what was said."""
    command = [sys.executable, "-c", "from allometry.cli import main; main()", "data", *map(str, words), "--json"]
    began, most = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None:
        most = max(most, group_memory(process.pid))
        time.sleep(_SAMPLED)
    text = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"the command failed: {text}")
    return time.perf_counter() - began, most / 2**30, json.loads(text)


if __name__ == "__main__":
    main()
