"""The serving simulator: its speed, its limits in closed form, its plans, and its times beside measured ones.

Run: python benchmarks/serving.py (about two minutes on one core)
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from _report import Report
from _serving_measured import RUNS, Run
from allometry.costs import find_hardware, find_shape
from allometry.costs.serving import (
    Deployment,
    Goals,
    Pace,
    Prefill,
    Trace,
    deployments_of,
    factor_spread,
    generate_trace,
    rank_plans,
    simulate,
)

H100 = find_hardware("h100")
EIGHT = Deployment(shape=find_shape("qwen3-8b"), hardware=H100, replicas=8)


def load(requests: int, rate: float, seed: int = 1) -> Trace:
    return generate_trace(
        rate=rate, requests=requests, prompt="lognormal:512,512", generated="lognormal:512,512", seed=seed
    )


def speed(report: Report) -> None:
    report("\n1. 100,000 requests of 512 prompt and 512 generated tokens on average, 8 replicas of qwen3-8b on h100")
    report("   load    prompts  CPU s  iterations  M tokens  tokens kept  preempted  tokens/s")
    for rate in (20, 60, 120):
        trace = load(100_000, rate)
        for chunked in (True, False):
            begin = time.process_time()
            served = simulate(trace, replace(EIGHT, chunked=chunked))
            took = time.process_time() - begin
            kept = served.generated == trace.generated.sum() and served.prefilled == trace.prompt.sum()
            report(
                f"   {rate:3d}/s  {'chunked' if chunked else 'whole':>8} {took:6.2f} {served.iterations:11,d} "
                f"{served.generated / 1e6:9.1f} {'all' if kept else 'LOST':>12} {served.preemptions:10d} {served.throughput:9.0f}"
            )
    tight = replace(EIGHT, hardware=replace(H100, memory=24e9))
    trace = load(100_000, 60)
    begin = time.process_time()
    served = simulate(trace, tight)
    took = time.process_time() - begin
    report(f"   60/s with {tight.cache_tokens:,.0f} tokens of cache a replica: {took:.2f} CPU s, {served.preemptions:,d} preemptions, "
           f"tokens {'all' if served.generated == trace.generated.sum() else 'LOST'}")  # fmt: skip


def stepwise(report: Report) -> None:
    report(
        "\n2. 1,000 requests, many iterations in one step against one by one: largest difference in any time, seconds"
    )
    trace = load(1_000, 60)
    for name, served in (
        ("chunked", EIGHT),
        ("whole prompts", replace(EIGHT, chunked=False)),
        ("one replica, full", replace(EIGHT, replicas=1)),
        ("preempting", replace(EIGHT, replicas=1, hardware=replace(H100, memory=23e9))),
        ("windows (gemma-2-9b)", replace(EIGHT, shape=find_shape("gemma-2-9b window=256"))),
        ("pipeline of 2", replace(EIGHT, pipeline=2)),
    ):
        fast, slow = simulate(trace, served), simulate(trace, served, stepwise=True)
        worst = max(np.abs(getattr(fast, f) - getattr(slow, f)).max() for f in ("first", "finish"))
        report(f"   {name:22s} {worst:.1e}  ({fast.iterations:,d} iterations, {fast.preemptions} preemptions)")


class OnePrompt:
    """A prompt takes a tenth of a second."""

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        return 0.1

    def pace(self, batch: float, attended: float) -> Pace:
        return Pace(0.01, 0.0)


def limits(report: Report) -> None:
    report("\n3. one prompt at a time against the M/D/1 queue: mean wait in seconds, 200,000 requests")
    report("   load  simulated  standard error  closed form")
    alone = replace(EIGHT, replicas=1, chunked=False, max_batch=1)
    for share in (0.3, 0.5, 0.7, 0.9):
        trace = generate_trace(rate=share / 0.1, requests=200_000, prompt="100", generated="1", seed=1)
        wait = simulate(trace, alone, OnePrompt()).ttft - 0.1
        parts = wait.reshape(50, -1).mean(axis=1)
        error = parts.std(ddof=1) / np.sqrt(len(parts))
        report(f"   {share:.1f} {wait.mean():11.5f} {error:15.5f} {share * 0.1 / 2 / (1 - share):12.5f}")


def plan_space(report: Report) -> None:
    report("\n4. ranking a space of plans: qwen3-8b, 20 requests a second, TTFT 0.1 s and TPOT 20 ms for 95%")
    kinds = [find_hardware(name) for name in ("h100", "h200", "a100-80gb")]
    trace, goals = load(1_000, 20), Goals(ttft=0.1, tpot=0.02)
    longest = int((trace.prompt + trace.generated).max())
    begin = time.process_time()
    found = deployments_of(replace(EIGHT, replicas=1), kinds, 28, longest).deployments
    ranking = rank_plans(trace, found, goals)
    took = time.process_time() - begin
    best = ranking.best.deployment
    report(f"   {len(found):,d} plans: {took:.2f} CPU s, {ranking.simulated} simulated; best {best.replicas} x {best.hardware.name}, "
           f"tensor {best.tensor}, pipeline {best.pipeline}")  # fmt: skip
    report(
        "   what screening costs: front-runners against simulating every plan (h100, 6 devices, 2048 tokens an iteration)"
    )
    report("   rate  goals              plans  simulated  devices  of all  attained  of all")
    for rate, ttft, tpot in ((4, 0.1, 0.02), (20, 0.1, 0.02), (20, 0.04, 0.012), (40, 0.2, 0.03)):
        trace, goals = load(1_500, rate), Goals(ttft=ttft, tpot=tpot)
        found = deployments_of(replace(EIGHT, replicas=1), [H100], 6, longest, budgets=((2048, True),)).deployments
        few, every = (rank_plans(trace, found, goals, simulated=n) for n in (12, len(found)))
        report(f"   {rate:3d}/s  {ttft:.2f} s, {tpot * 1e3:.0f} ms {len(found):11d} {few.simulated:10d} {few.best.deployment.devices:8d} "
               f"{every.best.deployment.devices:7d} {few.best.attainment:9.1%} {every.best.attainment:7.1%}")  # fmt: skip


def deployed(run: Run) -> Deployment:
    return Deployment(
        shape=find_shape("llama-3-70b"), hardware=H100, tensor=run.tensor, memory_share=0.97, batch_tokens=512
    )


def trace_of_run(run: Run) -> Trace:
    """Requests of the run's number, rate and lengths, drawn anew: the trace itself holds people's prompts."""
    generated = min(run.generated_deviation, run.generated)  # the models stopped chats earlier than the trace
    return generate_trace(
        rate=run.rate, requests=run.requests, seed=1, prompt=f"lognormal:{run.prompt},{run.prompt_deviation}",
        generated=f"lognormal:{run.generated},{generated}",
    )  # fmt: skip


def measured(report: Report) -> None:
    report("\n5. beside what vLLM 0.6.0 gave with Llama-3.1-70B on H100 (APEX's measurements); factors not calibrated")
    report(
        "   load           tensor   rate  TPOT ms: measured  ours [spread]           TTFT ms: measured  ours [spread]"
    )
    ratios: dict[str, list[float]] = {"tpot": [], "ttft": []}
    covered = {"tpot": 0, "ttft": 0}
    for run in RUNS:
        spread = factor_spread(trace_of_run(run), deployed(run))
        cells = []
        for name in ("tpot", "ttft"):
            found, truth = spread[f"{name}.mean"], getattr(run, name)
            value, low, high = (1e3 * (end or 0.0) for end in (found.value, found.low, found.high))
            ratios[name].append(value / truth)
            covered[name] += low <= truth <= high
            cells.append(f"{truth:8.1f} {value:8.1f} [{low:5.1f}, {high:6.1f}]")
        report(f"   {run.load:14s} {run.tensor:6d} {run.rate:6.3f} {cells[0]:>35s} {cells[1]:>37s}")
    for name, title in (("tpot", "time per token"), ("ttft", "time to first token")):
        off = np.abs(np.log(ratios[name]))
        report(f"   {title}: ours / measured {np.median(ratios[name]):.2f} (median), off by {np.expm1(np.median(off)):.0%} (median) "
               f"and {np.expm1(off.max()):.0%} (worst); {covered[name]} of {len(RUNS)} within the spread")  # fmt: skip


def main() -> None:
    report = Report("serving")
    for part in (speed, stepwise, limits, plan_space, measured):
        part(report)
    report.write()


if __name__ == "__main__":
    main()
