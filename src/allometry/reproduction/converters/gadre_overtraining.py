"""The over-training testbed of Gadre et al.: one row for each model, from its own file and its file of evaluations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from allometry.reproduction.sources import Columns, file_in, read_json

FOLDER = "exp_data"
TOKENS_PER_PARAM = 20.0  # of a multiplier of one
SETTINGS = {
    "batch_size_seqs": "global_bs", "lr": "lr", "weight_decay": "wd", "warmup_steps": "warmup", "lr_final": "cd",
    "z_loss": "z_loss",
}  # fmt: skip
INTERVAL = {"loss": "loss", "loss_lo95": "loss_sequences_lower_95", "loss_hi95": "loss_sequences_upper_95"}


def convert(checkout: Path) -> Columns:
    file_in(checkout, f"{FOLDER}/eval_metadata.csv")
    models = [read_json(path) for path in (checkout / FOLDER / "models").glob("*.json")]
    rows = [_row(checkout, model) for model in sorted(models, key=_order)]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _order(model: dict[str, Any]) -> tuple[str, int, float]:
    settings = model["hyperparameters"]
    return model["dataset_name"], settings["params"], settings["chinchilla_multiplier"]


def _row(checkout: Path, model: dict[str, Any]) -> dict[str, object]:
    settings = model["hyperparameters"]
    multiplier = float(settings["chinchilla_multiplier"])
    scores = read_json(file_in(checkout, f"{FOLDER}/evals/evaluation_{model['name']}_heavy.json"))
    return {
        "run": model["name"],
        "train_dataset": model["dataset_name"],
        "model": Path(settings["model"]).stem,
        "params": settings["params"],
        "params_non_embedding": settings["params_no_embed"],
        "tokens": settings["tokens"],
        "flops": 6 * settings["params"] * settings["tokens"],
        "chinchilla_multiplier": multiplier,
        "tokens_per_param_nominal": TOKENS_PER_PARAM * multiplier,
        **{name: settings[key] for name, key in SETTINGS.items()},
        **dict(_losses(model["results"])),
        **{f"acc_{task}": value for task, value in scores["eval_metrics"]["icl"].items()},
    }


def _losses(results: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
    for result in results:
        *_, folder, file = result["val_data"][0].split("/")
        name = file.split(".")[0] if folder == "de-en" else folder
        yield from ((f"{column}_{name}", result[key]) for column, key in INTERVAL.items())
