"""Predicted against measured times: errors before and after calibration, and how often intervals hold the truth.

Calibration never sees a scored cell. Three ways to choose the scored ones: every other cell, a model at a time, and
the long, large ones where only short, small ones were seen (batch to 32 and prompts to 2,048; width to 768). ALLOMETRY_DATA names the folder of tables.

Inference: llama-like models of 160M to 7B parameters on one H100 (NX-AI, arXiv 2510.02228), 128 to 16,384 prompt
tokens, batch 1 to 1,024; prefill and the mean of 100 steps of decoding. Training: GPT models of 27M to 1.5B parameters
on six kinds of device (Languini, arXiv 2309.11197). Not calibrated: single requests on up to 8 A100 and on an MI250X
(gpt-fast, README), with weights of 16, 8 and 4 bits; the shipped factors `layer` and `collective` are from its first
row and from its rows of several devices, the other factors are not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from _report import Report, published_table
from allometry.costs import Execution, Format, Hardware, Shape, decode_work, find_hardware, find_shape, time_of
from allometry.timings import Measurement, calibrate

BOOTSTRAP = 60
MOST_SEEN = 500
DEVICES = {
    "NVIDIA A100-SXM4-80GB": "a100-80gb",
    "NVIDIA GeForce RTX 3090": "rtx-3090",
    "NVIDIA GeForce RTX 4090": "rtx-4090",
    "Tesla V100-SXM2-32GB-LS": "v100-32gb",
    "Tesla P100-SXM2-16GB": "p100",
    # NVIDIA GeForce GTX TITAN X product page: no products faster than those in fp32
    "NVIDIA GeForce GTX TITAN X": "fp16=6.6e12 memory=12e9 bandwidth=336.5e9 processors=24",
}
Chosen = Callable[[Measurement], bool]


class Score(NamedTuple):
    """Errors |predicted/measured - 1|, whether the interval holds the measured time, its width, and whether the cell is told
    to lie outside what was calibrated; one entry a scored cell."""

    errors: np.ndarray
    held: np.ndarray
    widths: np.ndarray
    warned: np.ndarray

    def words(self) -> str:
        median, most, worst = np.quantile(self.errors, [0.5, 0.9, 1.0])
        return f"{median:7.1%} {most:7.1%} {worst:7.1%} {np.mean(self.held):7.1%} {np.median(self.widths):6.2f} {np.mean(self.warned):7.1%}"


def score(rows: Sequence[Measurement], hardware: Hardware, how: Execution) -> Score:
    found = [row.predicted(hardware, how) for row in rows]
    seconds = np.array([row.seconds for row in rows])
    value, low, high = (np.array([getattr(each, end) for each in found], float) for end in ("value", "low", "high"))
    beyond = hardware.factor("step" if rows[0].trains else "time")
    warned = np.array([bool(beyond.notices(row.extent)) for row in rows])
    return Score(np.abs(value / seconds - 1), (low <= seconds) & (seconds <= high), high / low, warned)


def together(scores: Sequence[Score]) -> Score:
    return Score(*(np.concatenate(column) for column in zip(*scores, strict=True)))


def inference_rows() -> list[Measurement]:
    path = published_table("xlstm_inference_latency.csv")
    if path is None:
        raise SystemExit("ALLOMETRY_DATA names no folder with xlstm_inference_latency.csv")
    table = pl.read_csv(path).filter((pl.col.model_type == "llama2") & (pl.col.oom == 0) & (pl.col.prefill_tokens > 0))
    rows = list[Measurement]()
    for cell in table.iter_rows(named=True):
        heads, width = int(cell["heads"]), int(cell["hidden"])
        shape = Shape(layers=int(cell["layers"]), width=width, heads=heads, head_size=width // heads, tied=False,
                      ffn=int(cell["ffn_dim"]), vocab=int(cell["vocab_size"]), name=cell["model_tag"])  # fmt: skip
        for phase, generated, column in (("prefill", 1, "ttft_s_or_ms_raw"), ("step", 100, "step_time_raw")):
            if cell[column] is not None:
                rows.append(Measurement(shape=shape, batch=cell["batch_size"], prompt=cell["prefill_tokens"], phase=phase,
                                        generated=generated, seconds=cell[column] / 1e3, row=len(rows)))  # fmt: skip
    return rows


def training_rows(device: str) -> list[Measurement]:
    path = published_table("languini_throughput.csv")
    if path is None:
        raise SystemExit("ALLOMETRY_DATA names no folder with languini_throughput.csv")
    table = pl.read_csv(path, infer_schema_length=None).filter(
        (pl.col.project == "gpt") & (~pl.col.oom) & (pl.col.device == device)
    )
    names = ["use_flash", "seq_len", "layers", "hidden", "mlp_dim", "head_dim", "heads"]
    rows = list[Measurement]()
    for cell in table.iter_rows(named=True):
        if cell["heads"] == "default":  # rows of a run without the column use_flash: every value is one column early
            cell |= dict(zip(names[1:], [cell[name] for name in names[:-1]], strict=True))
        context, width, heads = int(cell["seq_len"]), int(cell["hidden"]), int(cell["heads"])
        shape = Shape(layers=int(cell["layers"]), width=width, heads=heads, head_size=int(cell["head_dim"]), gated=False,
                      ffn=int(cell["mlp_dim"]), vocab=cell["vocab_size"], positions=context, norm="layer",
                      tied=False, name=cell["config_name"])  # fmt: skip
        rows.append(Measurement(shape=shape, batch=cell["batch_size"], prompt=context, generated=0, phase="train",
                                seconds=cell["step_ms"] / 1e3, row=len(rows)))  # fmt: skip
    return rows


def splits(rows: Sequence[Measurement], beyond: Chosen) -> dict[str, list[Chosen]]:
    """Cells to score, by name; a list of several is scored one after another."""
    odd = {row.row for phase in ("prefill", "step", "train") for row in [r for r in rows if r.phase == phase][1::2]}
    models = list(dict.fromkeys(row.shape for row in rows))
    return {
        "every other cell": [lambda row: row.row in odd],
        "a model at a time": [lambda row, model=model: row.shape == model for model in models],  # type: ignore[misc]
        "beyond what was seen": [beyond],
    }


Found = dict[tuple[str, str], list[Score]]


def compare(
    report: Report, name: str, rows: list[Measurement], hardware: Hardware, how: Execution, beyond: Chosen, found: Found
) -> None:
    """Score every split before and after calibration and print a line for each; `found` collects them by split."""
    for split, parts in splits(rows, beyond).items():
        scores, seen = {"before": list[Score](), "after": list[Score]()}, 0
        for chosen in parts:
            held, rest = [r for r in rows if chosen(r)], [r for r in rows if not chosen(r)]
            if len(parts) > 1 and len(rest) > MOST_SEEN:  # every third pair of cells, for the time it takes
                rest = [row for i, row in enumerate(rest) if i // 2 % 3 == 0]
            calibrated = calibrate(rest, hardware, how, bootstrap=BOOTSTRAP).hardware
            scores["before"].append(score(held, hardware, how))
            scores["after"].append(score(held, calibrated, how))
            seen += len(rest)
        for label, those in scores.items():
            line(report, name, split, label, those, str(seen // len(parts)))
            found.setdefault((split, label), []).extend(those)


def line(report: Report, name: str, split: str, label: str, scores: Sequence[Score], seen: str = "") -> None:
    whole = together(scores)
    report(f"{name:22} {split:20} {label:7} {len(whole.errors):6} {seen:>6}  {whole.words()}")


GPT_FAST = (  # model, device, bits, group, devices, tokens a second; gpt-fast README, batch 1, prompts of 5 tokens
    ("llama-7b", "a100-80gb", 16, None, 1, 104.9), ("llama-7b", "a100-80gb", 8, None, 1, 155.58),
    ("llama-7b", "a100-80gb", 4, 32, 1, 196.80), ("llama-2-70b", "a100-80gb", 8, None, 1, 19.13),
    ("llama-2-70b", "a100-80gb", 4, 32, 1, 25.25), ("llama-7b", "a100-80gb", 16, None, 2, 168.84),
    ("llama-7b", "a100-80gb", 16, None, 4, 254.02), ("llama-7b", "a100-80gb", 16, None, 8, 328.43),
    ("llama-2-70b", "a100-80gb", 16, None, 2, 21.32), ("llama-2-70b", "a100-80gb", 16, None, 4, 38.01),
    ("llama-2-70b", "a100-80gb", 16, None, 8, 62.50), ("llama-2-70b", "a100-80gb", 8, None, 8, 80.44),
    ("llama-2-70b", "a100-80gb", 4, 32, 8, 90.77), ("llama-7b", "mi250x", 16, None, 1, 76.33),
    ("llama-7b", "mi250x", 8, None, 1, 101.86),
)  # fmt: skip


def gpt_fast(report: Report) -> None:
    report("tokens a second of one request by the shipped factors, of which layer and collective are from this table:")
    report(f"{'':34} {'predicted':>9} {'low':>7} {'high':>7} {'measured':>9}")
    errors, held = [], []
    for model, device, bits, group, devices, measured in GPT_FAST:
        hardware, shape = find_hardware(device), find_shape(model)
        how = Execution(devices=devices, weights=Format(bits, group))
        seconds = time_of([decode_work(shape, how, hardware, 1, 100)], hardware).seconds
        value, low, high = (1 / end for end in (seconds.value, seconds.high, seconds.low) if end)
        errors.append(abs(value / measured - 1))
        held.append(low <= measured <= high)
        name = f"{model}, {bits} bits, {devices} x {device}"
        report(f"{name:34} {value:9.1f} {low:7.1f} {high:7.1f} {measured:9.2f}")
    report(
        f"median error {np.median(errors):.1%}, worst {max(errors):.1%}, within the spread {sum(held)} of {len(held)}"
    )


def main() -> None:
    report, began = Report("cost_times"), time.process_time()
    report(
        "errors |predicted/measured - 1| of scored cells: median, 90th percentile, worst; share of them within the 90%"
    )
    report(
        "interval; median ratio of its ends; share of which the command says that they lie outside what was calibrated."
    )
    report("`seen` is how many other cells calibration saw.")
    report()
    report(
        f"{'times':22} {'scored':20} {'':7} {'cells':>6} {'seen':>6}  {'median':>7} {'90th':>7} {'worst':>7} {'within':>7} {'width':>6} {'warned':>7}"
    )
    compare(report, "inference, h100", inference_rows(), find_hardware("h100"), Execution(),
            lambda row: row.batch > 32 or row.prompt > 2048, {})  # fmt: skip
    training: Found = {}
    for device, text in DEVICES.items():
        compare(report, f"training, {device.split()[-1][:12]}", training_rows(device), find_hardware(text),
                Execution(precision="fp16", flash=False, fused=False), lambda row: row.shape.width > 768, training)  # fmt: skip
    for (split, label), scores in training.items():
        line(report, "training, all devices", split, label, scores)
    report()
    gpt_fast(report)
    report(f"{time.process_time() - began:.0f} s of processor time")
    report.write()


if __name__ == "__main__":
    main()
