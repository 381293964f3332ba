"""What others forecast on the same rows: the plain fit, the lower envelope, and the package simple-scaling-laws.

The package needs Python 3.12: ALLOMETRY_PEER_PYTHON names an interpreter that has it (`pip install
simple-scaling-laws==0.2.0`). Without it its rows say "not run".
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from _board_case import Case
from _board_scores import HINDSIGHT, INTERVALS, LEVEL, Told, told_by
from allometry.fits import Huber, Settings, Squared, fit
from allometry.laws import find_law
from allometry.runs import Runs

PLAIN, ENVELOPE = "chinchilla, log-Huber 1e-3", "power law on the lower envelope"
DEFAULT, BY_AICC, PEER_BEST = (
    "simple-scaling-laws",
    "simple-scaling-laws, by AICc",
    "simple-scaling-laws " + HINDSIGHT[2:],
)
PEERS = (PLAIN, ENVELOPE, DEFAULT, BY_AICC, PEER_BEST)
STARTS = 1024
# the objective and the many starts of Besiroglu et al. 2024
PLAINLY: Settings = replace(INTERVALS, objective=Huber(1e-3), starts=STARTS)
SEPARABLE = "separable-power"  # the package's default family


def peers(case: Case) -> dict[str, Told]:
    """What each of `PEERS` forecasts for the held-out rows of a case; the package only where it can be run."""
    below = case.below
    held = case.runs.where(case.holdout).rows_for(("params", "tokens", "flops"), case.metric)
    found = {}
    for name, runs, law, settings in (
        (PLAIN, below, "chinchilla", PLAINLY),
        (ENVELOPE, envelope(below), "power", replace(INTERVALS, objective=Squared())),
    ):
        begun = time.process_time()
        found[name] = told_by(fit(runs, find_law(law), settings), held, begun)
    return found | _package(case)


def envelope(runs: Runs) -> Runs:
    """The runs that no run of as little compute beats."""
    loss, flops = (np.asarray(runs.columns[name], dtype=float) for name in ("loss", "flops"))
    order = np.lexsort((loss, flops))
    lower = loss[order] < np.concatenate([[np.inf], np.minimum.accumulate(loss[order])[:-1]])
    mask = np.zeros(len(runs), dtype=bool)
    mask[order[lower]] = True
    return runs.keep(mask, "above the lower envelope")


def _package(case: Case) -> dict[str, Told]:
    python = os.environ.get("ALLOMETRY_PEER_PYTHON")
    if not python:
        return {}
    held = case.runs.where(case.holdout)
    asked = {"train": _columns(case.below, case.metric), "test": _columns(held, case.metric), "level": LEVEL}
    worker = Path(__file__).parent / "_board_peer_worker.py"
    answer = subprocess.run([python, str(worker)], input=json.dumps(asked), capture_output=True, text=True, check=True)
    families: dict[str, dict[str, list[float]]] = json.loads(answer.stdout)
    told = {name: _told(family) for name, family in families.items()}
    measured = np.asarray(held.columns[case.metric], dtype=float)
    chosen = min(families, key=lambda name: families[name]["aicc"])
    best = min(told, key=lambda name: float(np.abs(told[name].error(measured, False)).mean()))
    seconds = sum(one.seconds for one in told.values())
    return {DEFAULT: replace(told[SEPARABLE], law=SEPARABLE), BY_AICC: replace(told[chosen], law=chosen, seconds=seconds),
            PEER_BEST: replace(told[best], law=best, seconds=seconds)}  # fmt: skip


def _columns(runs: Runs, metric: str) -> dict[str, list[float]]:
    return {name: np.asarray(runs.columns[name], dtype=float).tolist() for name in ("params", "tokens", metric)}


def _told(family: Mapping[str, list[float]]) -> Told:
    value, low, high = (np.array(family[name]) for name in ("value", "low", "high"))
    return Told(value, low, high, float(np.sum(family["seconds"])))
