"""Gadre et al. 2024 (arXiv 2403.08540): the errors on two large runs that the authors' notebook prints.

Five cheap runs give the loss law, those and one more the law of the error. Forecast are a run of 1.4 billion parameters
at 640 tokens per parameter and one of 6.9 billion at 20.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from allometry.fits import Fit, Settings, Squared, fit
from allometry.reproduction.check import Check, measured, published
from allometry.reproduction.measures import Array, numbers, relative_errors
from allometry.runs import Rows, Runs, read_runs

LEAST_SQUARES = Settings(objective=Squared(), space="identity", bootstrap=0)
Model = tuple[str, float]  # a size by name and its multiplier of 20 tokens per parameter
CHEAP: tuple[Model, ...] = (
    ("d=96_l=8_h=4", 1.0), ("d=512_l=8_h=4", 1.0), ("d=576_l=24_h=8", 1.0), ("d=1024_l=24_h=8", 1.0), ("d=96_l=8_h=4", 16.0),
)  # fmt: skip
MIDDLE: Model = ("open_lm_1b", 1.0)
LARGE: dict[str, Model] = {"1.4B": ("open_lm_1b", 32.0), "6.9B": ("open_lm_7b", 1.0)}
SUBSET = (
    "bigbench_operators", "pubmed_qa_labeled", "hellaswag_zeroshot", "boolq", "arc_easy", "coqa", "bigbench_dyck_languages",
    "lambada_openai", "bigbench_novel_concepts", "winograd", "bigbench_cs_algorithms", "commonsense_qa",
    "bigbench_qa_wikidata", "hellaswag", "copa", "squad", "piqa",
)  # fmt: skip


def loss_on_redpajama(path: Path) -> Iterator[Check]:
    """Loss on C4 of models trained on RedPajama."""
    for size, figure in {"1.4B": 0.7103, "6.9B": 0.7320}.items():
        yield published(f"error of the {size} loss, %", _loss_percent(path, "rpj", LARGE[size]), figure, 1e-4)
    values = _loss_fit(path, "rpj").values
    yield measured("E", values["E"], 1.8366, 1e-4)
    yield measured("eta", values["eta"], 0.13643, 1e-5, "half of the exponent that the authors' script fits")


def error_on_redpajama(path: Path) -> Iterator[Check]:
    """Mean error over the subset of 17 tasks and over all 46, forecast from the forecast loss."""
    for size, figure in {"1.4B": 3.6365, "6.9B": 0.0464}.items():
        ours = _error_percent(path, "rpj", SUBSET, LARGE[size])
        yield published(f"error of the {size} error on 17 tasks, %", ours, figure, 2e-4)
    for size, given in {"1.4B": 3.4362, "6.9B": 2.0969}.items():
        yield measured(
            f"error of the {size} error on 46 tasks, %", _error_percent(path, "rpj", (), LARGE[size]), given, 2e-4
        )
    values = _error_fit(path, "rpj", SUBSET).values
    for name, given in {"k": 2.2065, "gamma": 0.7146, "eps": 0.8570}.items():
        yield measured(name, values[name], given, 1e-4)


def other_training_sets(path: Path) -> Iterator[Check]:
    """The same procedure where the notebook prints nothing."""
    large = LARGE["6.9B"]
    for train, name, loss, error in (
        ("c4_original", "C4", 4.2952, 0.1370),
        ("rw_original", "RefinedWeb", 1.6193, 2.9388),
    ):
        yield measured(f"error of the 6.9B loss, trained on {name}, %", _loss_percent(path, train, large), loss, 1e-4)
        ours = _error_percent(path, train, SUBSET, large)
        yield measured(f"error of the 6.9B error on 17 tasks, trained on {name}, %", ours, error, 2e-4)


def _runs(path: Path, train: str, chosen: tuple[Model, ...]) -> Runs:
    either = " or ".join(f"(model == '{model}' and chinchilla_multiplier == {times})" for model, times in chosen)
    return read_runs(path, map={"loss": "loss_c4_val"}, where=f"train_dataset == '{train}' and ({either})")


def _error(runs: Runs, tasks: tuple[str, ...]) -> Array:
    """Mean error (n,) over the tasks named, over all where none is."""
    names = [f"acc_{task}" for task in tasks] or [name for name in runs.columns if name.startswith("acc_")]
    return 1 - np.mean([numbers(runs, name) for name in names], axis=0)


@cache
def _loss_fit(path: Path, train: str) -> Fit:
    return fit(_runs(path, train, CHEAP), "overtraining", LEAST_SQUARES)


@cache
def _error_fit(path: Path, train: str, tasks: tuple[str, ...]) -> Fit:
    runs = _runs(path, train, (*CHEAP, MIDDLE))
    rows = Rows({"loss": numbers(runs, "loss")}, _error(runs, tasks), "error")
    return fit(rows, "downstream_error", LEAST_SQUARES)


def _forecast_loss(path: Path, train: str, runs: Runs) -> Array:
    found = _loss_fit(path, train)
    return found.predict({axis: numbers(runs, axis) for axis in found.law.axes})


def _loss_percent(path: Path, train: str, held: Model) -> float:
    runs = _runs(path, train, (held,))
    return 100 * float(relative_errors(_forecast_loss(path, train, runs), numbers(runs, "loss"))[0])


def _error_percent(path: Path, train: str, tasks: tuple[str, ...], held: Model) -> float:
    runs = _runs(path, train, (held,))
    predicted = _error_fit(path, train, tasks).predict({"loss": _forecast_loss(path, train, runs)})
    return 100 * float(relative_errors(predicted, _error(runs, tasks))[0])
