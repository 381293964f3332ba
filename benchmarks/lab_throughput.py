"""How fast the lab trains: one run beside a plain loop in the manner of nanoGPT, and runs an hour one by one and at once.

Both loops train a model of the same shape on the same text with the same batch, in turns of a few steps, so that a busy
machine disturbs both. On a CPU time is that of the process on one thread, on a GPU it is the clock's. Evaluation and
checkpoints are in the runs an hour and not in the tokens a second.

    python benchmarks/lab_throughput.py [--write] [--device cuda] [--at-once 16] [--turns 20] [--steps 30]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from _plain_loop import PlainLoop
from _report import Report
from allometry.lab.jobs import Job
from allometry.lab.ladders import ladder_of
from allometry.lab.running import Place, make_loop, run_jobs

STEPS = 5  # of a turn
SIZES = ((2, 16, 512, 32), (4, 32, 1024, 64), (4, 64, 1024, 128))  # layers, width, tokens of a batch, context
LARGE = ((6, 128, 4096, 256), (8, 256, 8192, 256))  # on a GPU beside these


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    report = Report("lab_throughput" if options.device == "cpu" else "lab_throughput_gpu")
    report(f"torch {torch.__version__}, {_device_name(options.device)}")
    sizes = SIZES + (LARGE if options.device != "cpu" else ())
    report()
    report("one run: tokens a second, each the median of turns; lab/plain is the median of the ratios turn by turn")
    report(
        f"{'layers':>6} {'width':>6} {'params':>8} {'batch':>6} {'lab':>9} {'plain':>9} {'lab/plain':>9}  90% of turns"
    )
    for size in sizes:
        report(_one_run(job_of(*size, STEPS * (options.turns + 1)), options))
    report()
    report(
        f"runs an hour of {options.steps} steps, evaluated once: one by one, and {options.at_once} at once in one process"
    )
    report(
        f"{'layers':>6} {'width':>6} {'params':>8} {'one by one':>10} {'at once':>9} {'ratio':>6}  largest difference of losses"
    )
    for size in sizes[: 3 if options.device != "cpu" else 2] + sizes[3:]:
        report(_runs_an_hour(job_of(*size, options.steps), options))
    if options.write:
        report.write()


def job_of(layers: int, width: int, batch: int, context: int, steps: int) -> Job:
    """A run on the standard library's sources."""
    size = {"layers": layers, "width": width, "heads": max(2, width // 64), "ffn": 2 * width}
    training = {"context": context, "batch_tokens": batch, "learning_rate": 0.003}
    declared = {
        "sizes": [size],
        "budget": {"tokens": steps * batch},
        "training": training,
        "evaluation": {"windows": 64},
    }
    return ladder_of(declared).jobs[0]


def _one_run(job: Job, options: argparse.Namespace) -> str:
    corpus = job.corpus.read()
    lab = make_loop(job, corpus, options.device)
    plain = PlainLoop(
        job.shape, corpus.train, job.context, job.batch_windows, job.learning_rate, job.steps, options.device
    )
    counts = [sum(p.numel() for p in model.parameters()) for model in (lab.model, plain.model)]
    assert counts[0] == counts[1] == job.shape.parameters().total
    sides: tuple[Callable[[], object], ...] = (lab.update, plain.step)
    turns = np.array([[_seconds(side, STEPS, options.device) for side in sides] for _ in range(options.turns + 1)])[1:]
    speeds = STEPS * job.batch_tokens / np.median(turns, axis=0)
    low, high = np.quantile(turns[:, 1] / turns[:, 0], (0.05, 0.95))
    ratio = float(np.median(turns[:, 1] / turns[:, 0]))
    return (f"{_size(job)} {job.batch_tokens:>6} {speeds[0]:>9.0f} {speeds[1]:>9.0f} {ratio:>9.2f}  "
            f"{low:.2f} to {high:.2f}")  # fmt: skip


def _runs_an_hour(job: Job, options: argparse.Namespace) -> str:
    jobs = [replace(job, seed=seed) for seed in range(options.at_once)]
    found, seconds = [], []
    with TemporaryDirectory() as folder:
        # Neither side is the one that reads the corpus first.
        run_jobs([replace(job, seed=options.at_once)], [Place(Path(folder) / "first.pt", device=options.device)])
        for name, groups in (("alone", [[job] for job in jobs]), ("together", [jobs])):
            begun, rows = _clock(options.device), []
            for group in groups:
                places = [Place(Path(folder) / name / f"{job.run_id}.pt", device=options.device) for job in group]
                rows += run_jobs(group, places)
            seconds.append(_clock(options.device) - begun)
            found.append(np.array([own[-1]["loss"] for own in rows]))
    hourly = [3600 * len(jobs) / taken for taken in seconds]
    apart = float(np.abs(found[0] - found[1]).max())
    return f"{_size(job)} {hourly[0]:>10.0f} {hourly[1]:>9.0f} {hourly[1] / hourly[0]:>6.2f}  {apart:.1g}"


def _size(job: Job) -> str:
    return f"{job.shape.layers:>6} {job.shape.width:>6} {job.shape.parameters().total:>8}"


def _seconds(step: Callable[[], object], steps: int, device: str) -> float:
    begun = _clock(device)
    for _ in range(steps):
        step()
    return _clock(device) - begun


def _clock(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def _device_name(device: str) -> str:
    return "one thread" if device == "cpu" else torch.cuda.get_device_name(device)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the result under benchmarks/results")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--at-once", type=int, default=None, help="runs at once; by default 8 on a CPU, 16 on a GPU")
    parser.add_argument("--turns", type=int, default=20, help="turns of either loop")
    parser.add_argument("--steps", type=int, default=None, help="steps of a run; by default 30 on a CPU, 300 on a GPU")
    options = parser.parse_args()
    options.at_once = options.at_once or (8 if options.device == "cpu" else 16)
    options.steps = options.steps or (30 if options.device == "cpu" else 300)
    return options


if __name__ == "__main__":
    main()
