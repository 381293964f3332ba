"""Published step times of training runs, as jobs in the words of `allometry.costs.training`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from allometry.costs import Hardware, Shape, find_hardware, find_shape
from allometry.costs.training import Job, Parallelism

# scripts/train/yamls/pretrain/mpt-*.yaml of mosaicml/llm-foundry: width, heads, layers
MPT = {
    "125m": (768, 12, 12), "350m": (1024, 16, 24), "760m": (1536, 12, 24), "1b": (2048, 16, 24), "3b": (2560, 20, 32),
    "7b": (4096, 32, 32), "13b": (5120, 40, 40), "30b": (7168, 56, 48), "70b": (8192, 64, 80),
}  # fmt: skip
DEVICES = {"H100 80GB": "h100", "A100 80GB": "a100-80gb", "A100 40GB": "a100-40gb"}


@dataclass(frozen=True)
class Run:
    """One published run: what ran, where, and the seconds of a step."""

    name: str
    job: Job
    spread: Parallelism
    hardware: Hardware
    seconds: float


def foundry_runs(readme: Path) -> dict[str, list[Run]]:
    """Runs in bf16 of the tables in scripts/train/benchmarking/README.md of mosaicml/llm-foundry, by device."""
    groups: dict[str, list[Run]] = {}
    device, names = None, []
    for line in readme.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("| \n").split("|")]
        if line.startswith("## "):
            device = next((name for title, name in DEVICES.items() if title in line and "FP8" not in line), None)
        elif line.startswith("|") and "Model" in cells:
            names = cells
        elif line.startswith("|") and device and "---" not in line:
            groups.setdefault(device, []).extend(_foundry_run(dict(zip(names, cells, strict=True)), device))
    return groups


def _foundry_run(row: dict[str, str], device: str) -> Iterator[Run]:
    if row["Model"] not in MPT:
        return
    width, heads, layers = MPT[row["Model"]]
    context, devices, micro, sums = (
        int(float(row[n])) for n in ("SeqLen (T)", "# GPUs", "MicroBatchSize", "GradAccum")
    )
    shape = Shape(layers=layers, width=width, heads=heads, head_size=width // heads, ffn=4 * width, vocab=50368,
                  gated=False, positions=context, norm="layer", biases="all")  # fmt: skip
    if shape.parameters().total != int(row["NumParams"]):
        raise SystemExit(f"{row['Model']} has {row['NumParams']} parameters, we count {shape.parameters().total}")
    job = Job(shape=shape, batch=micro * sums * devices, context=context)
    again = "full" if row["Activation Checkpointing"] == "True" else "none"
    hardware = find_hardware(device)
    if device.startswith("a100"):
        hardware = replace(hardware, network_bandwidth=1600e9 / 8 / 8)  # 1600 Gbps a node of 8
    seconds = job.tokens / float(row["Throughput (T/s)"])
    spread = Parallelism(data=devices, zero=3, micro_batch=micro, recompute=again)
    yield Run(f"{row['Model']} x {context} on {devices}", job, spread, hardware, seconds)


def nemo_runs() -> list[Run]:
    """H100, bf16, sequences of 8192: NVIDIA/dgxc-benchmarking, llama3.1/README.md at commit 741c886."""
    found = []
    for devices, seconds in ((8, 12.27), (16, 12.30), (32, 12.32), (64, 12.33), (128, 12.33)):
        found.append(_nemo("llama-3-8b", 16 * devices, seconds, data=devices // 2, context=2))
    for devices, seconds in ((64, 14.66), (128, 14.67), (256, 14.68), (512, 14.67), (1024, 14.65), (2048, 14.66)):
        degrees = {"data": devices // 32, "tensor": 4, "pipeline": 4, "context": 2, "interleave": 5}
        found.append(_nemo("llama-3-70b", 2 * devices, seconds, **degrees))
    for devices, seconds in ((512, 19.78), (1024, 19.84), (2048, 19.87)):
        degrees = {"data": devices // 128, "tensor": 8, "pipeline": 8, "context": 2, "interleave": 8}
        found.append(_nemo("llama-3.1-405b", devices // 2, seconds, **degrees))
    return found


def _nemo(name: str, batch: int, seconds: float, **degrees: int) -> Run:
    spread = Parallelism(**degrees, zero=1, sequence="tensor" in degrees)
    job = Job(shape=find_shape(name), batch=batch, context=8192)
    return Run(f"{name} on {spread.devices}", job, spread, find_hardware("h100"), seconds)


def titan_runs() -> list[Run]:
    """Llama 3.1 8B, bf16: pytorch/torchtitan, benchmarks/llama3_h100_202412_torchtitan.md, tables 1 and 3.

    On H100 with memory of 2.4 TB/s at 500 W; part of the layers' activations were kept, so that the time lies between
    those without and with full recomputation.
    """
    slower = replace(find_hardware("h100"), bandwidth=2.4e12, memory=96e9)
    found = []
    for devices, rates in ((8, (5762, 6667)), (128, (5605, 6514))):
        for rate, how in zip(rates, ("eager", "compiled"), strict=True):
            job = Job(shape=find_shape("llama-3-8b"), batch=2 * devices, context=8192)
            spread = Parallelism(data=devices, zero=3, micro_batch=2)
            found.append(Run(f"8B on {devices}, {how}", job, spread, slower, job.tokens / devices / rate))
    return found


# device names of languini_throughput.csv, and the bytes that their drivers show
LANGUINI = {
    "NVIDIA A100-SXM4-80GB": 85.9e9, "Tesla V100-SXM2-32GB-LS": 34.4e9, "NVIDIA GeForce RTX 3090": 25.4e9,
    "Tesla P100-SXM2-16GB": 17.1e9,
}  # fmt: skip


def languini_limits(table: Path) -> Iterator[tuple[str, float, Shape, int]]:
    """Device and model, its memory, the shape, and the largest batch of 512 tokens that ran where one more did not."""
    with table.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["project"] == "gpt" and row["seq_len"] == "512"]
    largest: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
    for row in rows:
        key, batch = (row["device"], row["config_name"]), int(row["batch_size"])
        if row["device"] in LANGUINI and row["oom"] != "True" and batch > largest.get(key, (0, row))[0]:
            largest[key] = (batch, row)
    for (device, name), (batch, row) in sorted(largest.items()):
        shape = Shape(layers=int(row["layers"]), width=int(row["hidden"]), heads=int(row["heads"]),
                      head_size=int(row["head_dim"]), ffn=int(row["mlp_dim"]), vocab=int(row["vocab_size"]),
                      gated=False, tied=False, norm="layer")  # fmt: skip
        failed = any(r["oom"] == "True" and int(r["batch_size"]) == batch + 1 for r in rows if (r["device"], r["config_name"]) == (device, name))  # fmt: skip
        if failed:
            yield f"{device} {name}", LANGUINI[device], shape, batch
