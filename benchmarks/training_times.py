"""Predicted against published step times of training, before and after the efficiency factors are fitted.

    git clone https://github.com/mosaicml/llm-foundry
    python benchmarks/training_times.py --foundry llm-foundry/scripts/train/benchmarking/README.md

The factors compute, attention and memory of `costs/factors.py` are what this prints; link, network and overlap are not
told by these tables and stay assumed.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from _report import Report, published_table
from _training_tables import Run, foundry_runs, languini_limits, nemo_runs, titan_runs
from allometry.costs import Shape
from allometry.costs.training import FACTORS, Job, Parallelism, fits, step_seconds, training_cost, training_memory

FITTED = ("compute", "attention")
SHARED = ("memory",)


def predicted(runs: Sequence[Run], factors: Mapping[str, float]) -> np.ndarray:
    known = [{**{name: run.hardware.factor(name).value for name in FACTORS}, **factors} for run in runs]
    pairs = zip(runs, known, strict=True)
    return np.array([step_seconds(r.job, r.spread, r.hardware, share).total for r, share in pairs])


def errors(runs: Sequence[Run], factors: Mapping[str, float]) -> np.ndarray:
    """Logarithms of predicted over measured seconds."""
    return np.log(predicted(runs, factors) / [run.seconds for run in runs])


def share(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def fit(groups: Mapping[str, Sequence[Run]]) -> dict[str, dict[str, float]]:
    """Compute and attention of each group and one memory factor for all, robustly; each group weighs the same."""

    def unpack(x: np.ndarray) -> dict[str, dict[str, float]]:
        shared = dict(zip(SHARED, share(x[: len(SHARED)]), strict=True))
        own = share(x[len(SHARED) :]).reshape(len(groups), len(FITTED))
        return {name: {**shared, **dict(zip(FITTED, row, strict=True))} for name, row in zip(groups, own, strict=True)}

    def residuals(x: np.ndarray) -> np.ndarray:
        found = unpack(x)
        return np.concatenate([errors(runs, found[name]) * 8 / len(runs) ** 0.5 for name, runs in groups.items()])

    start = np.full(len(SHARED) + len(FITTED) * len(groups), 0.5)
    return unpack(least_squares(residuals, start, loss="soft_l1", f_scale=0.1).x)


def off(found: np.ndarray) -> str:
    away = np.exp(np.abs(found)) - 1
    return f"{np.median(away):6.1%} {np.percentile(away, 95):6.1%} {away.max():6.1%}"


def held(runs: Sequence[Run]) -> str:
    spans = [training_cost(r.job, 1e9, r.hardware, r.spread).seconds_per_step for r in runs]
    inside = [span.low <= run.seconds <= span.high for span, run in zip(spans, runs, strict=True)]
    width = float(np.median([span.high / span.low for span in spans]))
    return f"{np.mean(inside):6.1%}  {width:4.2f}"


def left_out(groups: Mapping[str, Sequence[Run]], name: str) -> np.ndarray:
    """Errors of a group by the other groups' factors, geometric means."""
    others = fit({other: runs for other, runs in groups.items() if other != name})
    means = {key: float(np.exp(np.mean([np.log(f[key]) for f in others.values()]))) for key in (*FITTED, *SHARED)}
    return errors(groups[name], means)


def largest_batch(shape: Shape, memory: float, fused: bool) -> int:
    """The largest batch that is counted to fit one device with states in 32 bits."""
    batch = 1
    while True:
        job = Job(shape=shape, batch=batch, context=512, states="adam-fp32", flash=False, fused=fused)
        if training_memory(job, Parallelism(micro_batch=batch)).total > memory:
            return batch - 1
        batch += 1


def limits(report: Report, table: Path) -> None:
    """Batches at which a plain implementation ran out of memory, beside those counted."""
    ratios: dict[bool, list[float]] = {False: [], True: []}
    for _, memory, shape, batch in languini_limits(table):
        for fused, found in ratios.items():
            found.append(batch / largest_batch(shape, memory, fused))
    report(
        f"Languini's GPT, a plain implementation: {len(ratios[True])} device and model pairs; largest batch that ran over counted"
    )
    for fused, found in ratios.items():
        report(
            f"  counted as {'fused' if fused else 'plain'}: median {np.median(found):.2f}, {min(found):.2f} to {max(found):.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--foundry", type=Path, required=True, help="README.md of llm-foundry's training benchmarks")
    parser.add_argument("--write", action="store_true", help="keep the result under benchmarks/results")
    asked = parser.parse_args()
    report = Report("training_times")
    groups = {f"llm-foundry {name}": runs for name, runs in foundry_runs(asked.foundry).items()}
    groups["dgxc-benchmarking h100"] = nemo_runs()
    every = [run for runs in groups.values() for run in runs]
    fitting = sum(fits(training_memory(run.job, run.spread), run.hardware) for run in every)
    report(f"{len(every)} runs; memory: {fitting} are predicted to fit the device that they ran on")
    found = fit(groups)
    report("error of predicted seconds: median, 95th percentile, worst")
    report(f"{'':24} runs  shipped factors        inside  width  fitted                 by the other groups")
    for name, runs in groups.items():
        report(f"{name:24} {len(runs):4}  {off(errors(runs, {}))}  {held(runs)}  {off(errors(runs, found[name]))}  "
               f"{off(left_out(groups, name))}")  # fmt: skip
    report("inside: share of measured times within the spread of the shipped factors; width: its high over its low end")
    report("fitted factors")
    for name, factors in found.items():
        report(f"{name:24} " + ", ".join(f"{key} {value:.3f}" for key, value in factors.items()))
    report(
        "not fitted: torchtitan, Llama 3.1 8B on H100 at 500 W with memory of 2.4 TB/s, part of the layers run again"
    )
    for run in titan_runs():
        span = training_cost(run.job, 1e9, run.hardware, run.spread).seconds_per_step
        report(
            f"  {run.name:18} measured {run.seconds:5.2f} s, predicted without {span.value:5.2f} [{span.low:.2f}, {span.high:.2f}]"
        )
    table = published_table("languini_throughput.csv")
    if table is not None:
        limits(report, table)
    if asked.write:
        report.write()


if __name__ == "__main__":
    main()
