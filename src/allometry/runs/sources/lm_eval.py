"""`lm-eval:PATH`: result files of the lm-evaluation-harness, one run a model; a checkpoint's step is in its revision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from allometry.notices import Refused
from allometry.runs.sources.contract import Item, Record, Source, Wanted, as_number, flat, single
from allometry.runs.sources.files import files_below, holds, name_below, read_json, some, stamp

# How checkpoints are named: a revision such as `step1000`, a folder such as `checkpoint-1000` at the end of a path.
_STEP = re.compile(r"(?:checkpoint|step)[-_]?(\d+)")
_AT_END = re.compile(rf"[/_-]?{_STEP.pattern}/?$")
# The filter's name stands after the metric's; `none` is no filter.
_PLAIN = ",none"


def _is_result(name: str) -> bool:
    return name.startswith("results") and name.endswith(".json")


def _items(text: str) -> list[Item]:
    root = Path(text)
    found = [root] if root.is_file() else list(files_below(root, _is_result))
    return [_item(path, root) for path in some(found, text, "results_*.json")]


def _item(path: Path, root: Path) -> Item:
    return Item(name_below(path, root), stamp([path]), partial(_read, path))


def _read(path: Path, wanted: Wanted) -> Record:
    contents = read_json(path)
    results, config = contents.get("results"), contents.get("config")
    if not isinstance(results, dict) or not isinstance(config, dict):
        raise Refused("not-results", "the file holds no `results` with their `config`", str(path), "leave it out")
    config = {name: value for name, value in flat(config).items() if not isinstance(value, list)}
    model = str(contents.get("model_name") or config.get("model_args") or config.get("model") or path.parent.name)
    step, scores = _step(config, model), dict(_scores(results))
    model = _AT_END.sub("", model) or model
    # Files of one model are joined in the order of training, and files of one checkpoint in that of their names.
    return Record(model, single(step, scores, wanted), model, None, config, started=step, logged=tuple(scores))


def _step(config: Mapping[str, Any], model: str) -> float:
    """The training step that the revision or else the model's own name gives; 0 where neither does."""
    arguments = str(config.get("model_args") or "")
    given = config.get("model_revision") or config.get("model_args.revision") or _argument(arguments, "revision")
    found = _STEP.search(str(given)) or _AT_END.search(model)
    return float(found.group(1)) if found else 0.0


def _argument(arguments: str, name: str) -> str:
    """One of the arguments that a model was made with, which stand in a text as name=value.

    >>> _argument("pretrained=org/model,revision=step1000", "revision")
    'step1000'
    """
    pairs = (pair.partition("=") for pair in arguments.split(","))
    return next((value for key, _, value in pairs if key.strip() == name), "")


def _scores(results: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for task, scores in results.items():
        for name, value in scores.items() if isinstance(scores, dict) else ():
            number = as_number(value)
            if number is not None:
                yield f"{task}/{name.removesuffix(_PLAIN)}", number


SOURCE = Source("lm-eval", "lm-evaluation-harness results", _items, lambda path: holds(path, _is_result))
