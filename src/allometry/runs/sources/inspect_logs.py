"""`inspect:PATH`: logs of inspect, one run an evaluation, read by inspect's own reader without their samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from allometry.runs.sources.contract import Item, Record, Source, Wanted, flat, foreign, needed, single
from allometry.runs.sources.files import files_below, holds, name_below, read_json, some, stamp

_STATES = {"success": "finished", "started": "running", "cancelled": "crashed", "error": "crashed"}


def _is_log(name: str) -> bool:
    return name.endswith(".eval")


def _items(text: str) -> list[Item]:
    """Logs by their suffix; of JSON files those that say what inspect's do."""
    root = Path(text)
    logs = (path for path in files_below(root, lambda name: name.endswith((".eval", ".json"))) if _is_inspects(path))
    return [_item(path, root) for path in some(list(logs), text, "log of inspect")]


def _is_inspects(path: Path) -> bool:
    if path.suffix == ".eval":
        return True
    try:
        return {"eval", "status", "version"} <= read_json(path).keys()
    except ValueError:
        return False


def _item(path: Path, root: Path) -> Item:
    return Item(name_below(path, root), stamp([path]), partial(_read, path))


def _read(path: Path, wanted: Wanted) -> Record:
    reader = needed("inspect_ai.log", "evals", "inspect's logs")
    with foreign("reading inspect's log", str(path), "it may be cut off"):
        log = reader.read_eval_log(str(path), header_only=True)
    made = log.eval
    config = {"model": made.model, "task": made.task, **flat({"args": made.task_args, "model_args": made.model_args})}
    numbers = dict(_numbers(log))
    # A retried evaluation keeps its task id and begins later.
    started = datetime.fromisoformat(str(made.created)).timestamp()
    return Record(made.task_id or made.eval_id, single(0.0, numbers, wanted), f"{made.model} {made.task}",
                  _STATES.get(log.status), config, tuple(made.tags or ()), started=started, logged=tuple(numbers))  # fmt: skip


def _numbers(log: Any) -> Iterator[tuple[str, float]]:
    """Scores by scorer and metric, the problems that count, and the tokens of all of them."""
    for score in log.results.scores if log.results else ():
        yield from ((f"{score.name}/{name}", metric.value) for name, metric in score.metrics.items())
    if log.results:
        yield "completed_samples", log.results.completed_samples
    for kind in ("input_tokens", "output_tokens"):
        yield f"usage/{kind}", sum(getattr(used, kind) for used in log.stats.model_usage.values())


SOURCE = Source("inspect", "inspect's evaluation logs", _items, lambda path: holds(path, _is_log), "evals")
