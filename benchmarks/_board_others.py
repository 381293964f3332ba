"""The tables of the board beyond pretraining: one axis of data or steps, downstream scores, and inference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln

from _board_case import Case, above, columns_of, runs_of
from _board_tables import LARGEST

SEEN_SAMPLES = 100  # a problem, of which the law may see the passes
FAMILY = 3  # models that a family needs for its largest to be held out


def bnsl() -> Iterator[Case]:
    """Addition of 4-digit numbers: three points past the break."""
    found = columns_of("bnsl_addition")
    runs = runs_of({"examples": found["train_examples"], "loss": found["loss"], "split": found["split"]})
    yield Case("bnsl, addition", "", "bnsl_addition", "bnsl", runs, "loss", ("examples",), 'split == "extrapolate"',
               "past the break", "examples")  # fmt: skip


def observational() -> Iterator[Case]:
    """Base models of many families by compute: the largest of each family is held out."""
    found = columns_of("obs_scaling_base")
    known = np.isfinite(found["flops"])
    held = np.zeros(len(known))
    for family in set(found["family"]):
        rows = np.flatnonzero((found["family"] == family) & known)
        if len(rows) >= FAMILY:
            held[rows[np.argmax(found["flops"][rows])]] = 1
    for task in ("MMLU", "ARC-C", "HellaSwag", "Winograd"):
        rows = known & np.isfinite(found[task])
        columns = {"flops": found["flops"], "params": found["params"], "accuracy": found[task], "held": held}
        runs = runs_of({name: values[rows] for name, values in columns.items()})
        yield Case("observational, base models", task, "obs_scaling_base", "observational", runs, "accuracy",
                   ("flops", "params"), "held == 1", "largest of each family")  # fmt: skip


def instruct() -> Iterator[Case]:
    """Chat models by the compute of their base model."""
    found = columns_of("obs_scaling_instruct_agent")
    flops = 1e21 * found["FLOPs (1E21)"]
    for task in ("MMLU", "HellaSwag"):
        rows = np.isfinite(flops) & np.isfinite(found[task])
        runs = runs_of({"flops": flops[rows], "accuracy": found[task][rows]})
        yield Case("observational, chat models", task, "obs_scaling_instruct_agent", "observational", runs, "accuracy",
                   ("flops",), above(runs, "flops", LARGEST), "top 30% of FLOPs")  # fmt: skip


def monkeys() -> Iterator[Case]:
    """Pass@k up to 10,000 samples a problem from 100 drawn of them."""
    found = columns_of("monkeys_pythia_math")
    for model in dict.fromkeys(found["model"].tolist()):
        rows = found["model"] == model
        total = found["samples_total"][rows].astype(int)
        right = found["samples_correct"][rows].astype(int)
        drawn = np.random.default_rng(0).hypergeometric(right, total - right, SEEN_SAMPLES)
        few, many = np.geomspace(1, SEEN_SAMPLES, 12).round(), np.geomspace(200, total.min(), 8).round()
        pass_at = [_pass_at(k, drawn, np.full_like(drawn, SEEN_SAMPLES)) for k in few]
        pass_at += [_pass_at(k, right, total) for k in many]
        runs = runs_of({"samples": np.concatenate([few, many]), "coverage": np.array(pass_at)})
        yield Case("monkeys, pass@k", model, "monkeys_pythia_math", "monkeys", runs, "coverage", ("samples",),
                   f"samples > {SEEN_SAMPLES}", "200 to 10,000 samples from 100", "samples")  # fmt: skip


def _pass_at(k: float, right: np.ndarray, total: np.ndarray) -> float:
    """Unbiased pass@k, 1 - C(n-c, k)/C(n, k), averaged over problems."""
    wrong = total - right
    enough = wrong >= k
    left = np.where(enough, wrong, k)
    none = gammaln(left + 1) - gammaln(left - k + 1) - gammaln(total + 1) + gammaln(total - k + 1)
    return float(np.mean(1 - np.where(enough, np.exp(none), 0.0)))


def throughput() -> Iterator[Case]:
    """Tokens per second over the batch, one curve a model and device; the largest batches are held out."""
    found = columns_of("languini_throughput")
    keys = ("project", "config_name", "use_flash", "seq_len", "compile", "performance_test", "device")
    curve = np.array([" ".join(map(str, parts)) for parts in zip(*(found[key] for key in keys), strict=True)])
    measured = np.isfinite(found["tokens_per_second"]) & (found["tokens_per_second"] > 0)
    yield from _curves("languini, throughput", "languini_throughput", "languini", curve, measured,
                       found["batch_size"], found["tokens_per_second"])  # fmt: skip


def latency() -> Iterator[Case]:
    """Tokens per second of decoding over the batch, one curve a model, at an empty context."""
    found = columns_of("xlstm_inference_latency")
    measured = np.isfinite(found["step_time_raw"]) & (found["prefill_tokens"] == 0)
    rate = 1e3 * found["batch_size"] / found["step_time_raw"]  # times are milliseconds by their magnitude
    yield from _curves("xlstm, decoding", "xlstm_inference_latency", "xlstm", found["model_tag"], measured,
                       found["batch_size"], rate)  # fmt: skip


def _curves(
    group: str, table: str, source: str, curve: np.ndarray, measured: np.ndarray, batch: np.ndarray, rate: np.ndarray
) -> Iterator[Case]:
    for name in dict.fromkeys(curve[measured].tolist()):
        rows = measured & (curve == name)
        if len(np.unique(batch[rows])) < 8:
            continue
        runs = runs_of({"batch_sequences": batch[rows], "tokens_per_second": rate[rows]})
        yield Case(group, name, table, source, runs, "tokens_per_second", ("batch_sequences",),
                   above(runs, "batch_sequences", LARGEST), "top 30% of batches", "batch_sequences")  # fmt: skip
