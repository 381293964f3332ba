"""Ruan et al. 2024 (arXiv 2405.10938): benchmark scores of base models lie near a few directions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allometry.reproduction.check import Check, measured
from allometry.reproduction.measures import numbers
from allometry.runs import read_runs

BENCHMARKS = ("MMLU", "ARC-C", "HellaSwag", "Winograd", "TruthfulQA", "XWinograd", "HumanEval")


def low_rank(path: Path) -> Iterator[Check]:
    """Principal components of the centred scores of the models that have all of them."""
    runs = read_runs(path)
    scores = np.stack([numbers(runs, name) for name in BENCHMARKS], axis=1)
    scores = scores[np.isfinite(scores).all(axis=1)]
    yield measured("models with every score", len(scores), 124, 0)
    strength = np.linalg.svd(scores - scores.mean(axis=0), compute_uv=False) ** 2
    shares = strength / strength.sum()
    why = "the paper's claim is above 80% in the first and about 97% in the first three, recalled"
    for i, given in enumerate((0.827, 0.113, 0.036)):
        yield measured(f"share of variance of component {i + 1}", shares[i], given, 5e-4, why)
    yield measured("share of variance of the first three", shares[:3].sum(), 0.976, 5e-4, why)
