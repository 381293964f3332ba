"""Ye et al. 2024 (arXiv 2403.16952): the loss of a domain falls exponentially with the domain's share of the training data.

Twelve fits, one for each of two sizes, two domains and three steps, on five mixtures each. The published figures are
those that the authors' mix_2_domains.ipynb prints; its optimiser makes 100 steps and stops.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from allometry.fits import Huber, Settings, fit
from allometry.reproduction.check import Check, published
from allometry.reproduction.measures import Array, numbers
from allometry.runs import Rows, read_runs

STEPS = (10_000, 20_000, 30_000)
DOMAINS = ("Github", "Pile-CC")  # in the order of their shares in a mixture's name
FLOORS = 1000  # floors tried between zero and the least loss
PRINTED = {
    ("70M", "Github"): ((-2.4381, -0.5978), (-1.5473, -0.6506), (-1.6405, -0.6819)),
    ("70M", "Pile-CC"): ((-2.9041, -0.5333), (-2.2959, -0.5862), (-2.5189, -0.6257)),
    ("160M", "Github"): ((-3.6654, -0.1843), (-1.6850, -0.7528), (-1.6139, -0.7760)),
    ("160M", "Pile-CC"): ((-0.1236, 1.3070), (-2.4178, -0.5877), (-2.7239, -0.6131)),
}


def two_domains(path: Path) -> Iterator[Check]:
    """The floor of best correlation on a grid, then slope and log size of the exponential above it."""
    runs = read_runs(path, rows="all", where="suite == '2Mix'")
    for (size, domain), figures in PRINTED.items():
        for step, (slope, log_size) in zip(STEPS, figures, strict=True):
            chosen = runs.where(f"model_size == '{size}' and valid_domain == '{domain}' and step == {step}")
            mixtures = [text.split("-") for text in chosen.column("mixture").tolist()]
            share = np.array([float(shares[DOMAINS.index(domain)]) for shares in mixtures])
            ours = _fitted(share, numbers(chosen, "loss"))
            name = f"{size}, {domain}, step {step}"
            why = "degenerate: the best floor is zero" if log_size > 0 else ""
            yield published(f"slope, {name}", ours[0], slope, 1e-3, why)
            yield published(f"log size, {name}", ours[1], log_size, 1e-3, why)


def _fitted(share: Array, loss: Array) -> tuple[float, float]:
    settings = Settings(objective=Huber(0.02), space="identity", fixed={"c": _floor(share, loss)}, bootstrap=0)
    values = fit(Rows({"share_1": share}, loss, "loss"), "data_mixing:1", settings).values
    return values["t_1"], float(np.log(values["k"]))


def _floor(share: Array, loss: Array) -> float:
    """The floor on the grid above which log loss correlates most with the share; the least loss itself is none."""
    floors = np.linspace(0, loss.min(), FLOORS)[:-1]
    strength = [abs(np.corrcoef(share, np.log(loss - floor))[0, 1]) for floor in floors]
    return float(floors[int(np.argmax(strength))])
