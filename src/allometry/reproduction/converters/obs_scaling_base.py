"""Base models and their benchmark scores as Ruan et al. collected them: four of the authors' tables joined by model."""

from __future__ import annotations

from pathlib import Path

from allometry.reproduction.sources import Columns, numbers, read_csv

FOLDER = "eval_results/base_llm_"
SCALED = {
    "flops": ("FLOPs (1E21)", 1e21),
    "tokens": ("Pretraining Data Size (T)", 1e12),
    "params": ("Model Size (B)", 1e9),
}
DESCRIBING = ("Model", "Model Family", *(column for column, _ in SCALED.values()))


def convert(checkout: Path) -> Columns:
    base = read_csv(checkout, f"{FOLDER}benchmark_eval.csv")
    models = sorted(base["Model"])
    place = [base["Model"].index(model) for model in models]
    columns: dict[str, list[object]] = {"model": list(models), "family": [base["Model Family"][i] for i in place]}
    for name, (column, unit) in SCALED.items():
        values = numbers(base[column])
        columns[name] = [None if (value := values[i]) is None else value * unit for i in place]
    for table, wanted in (
        ("benchmark", ""),
        ("emergent_capability", ""),
        ("leaderboard_v2", ""),
        ("post_training", "gsm8k"),
    ):
        columns |= _scores(read_csv(checkout, f"{FOLDER}{table}_eval.csv"), models, wanted)
    return columns


def _scores(table: dict[str, list[str]], models: list[str], wanted: str) -> dict[str, list[object]]:
    """The score columns whose names begin with `wanted`, in the order of the models; None for a model without."""
    place = {model: i for i, model in enumerate(table["Model"])}
    found: dict[str, list[object]] = {}
    for name, texts in table.items():
        if name not in DESCRIBING and name.startswith(wanted):
            values = numbers(texts)
            found[name] = [values[place[model]] if model in place else None for model in models]
    return found
