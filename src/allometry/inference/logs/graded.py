"""The grades that a log holds, one row a sample, as a table that `runs.count_samples` takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from allometry.inference.logs.find import holds_samples, is_log
from allometry.notices import Refused
from allometry.runs.sources import foreign, needed

# What inspect calls right and wrong, where it is no number.
_LETTERS = {"C": 1.0, "I": 0.0}


def graded_samples(path: str | Path, *, metric: str | None = None) -> dict[str, list[Any]]:
    """The samples of a log as columns `model`, `problem`, `correct` (0 or 1) and `tokens` (None where not counted).

    Use it for logs of inspect (each epoch is a sample) and of the lm-evaluation-harness (each line is one), graded
    right or wrong by their own scorers; several logs of the same problems may be put under one another.
    Arguments: `metric` names the scorer of inspect, or the metric of lm-eval, where there are several.
    Errors: `Refused` for a file that is no log, without grades, with several of which none is named, and for a line of
    lm-eval that grades several answers as one: then nobody graded the single samples.
    """
    path = Path(path)
    if not is_log(path):
        raise Refused("not-a-log", "this is no log of inspect or lm-eval", str(path), "give .eval or samples_*.jsonl")
    rows = list(_of_lm_eval(path, metric) if holds_samples(path) else _of_inspect(path, metric))
    if not rows:
        raise Refused("no-samples", "the log holds no graded samples", str(path), "give a log that was scored")
    return {name: [row[name] for row in rows] for name in ("model", "problem", "correct", "tokens")}


def _of_inspect(path: Path, metric: str | None) -> Iterator[dict[str, Any]]:
    reader = needed("inspect_ai.log", "evals", "inspect's logs")
    with foreign("reading inspect's log", str(path), "give a whole .eval or .json log of inspect"):
        log = reader.read_eval_log(str(path))
    for sample in log.samples or ():
        if sample.error is not None:
            continue
        where = f"{path}, sample {sample.id}"
        score = _one(sample.scores or {}, metric, where)
        used = sum(usage.output_tokens for usage in sample.model_usage.values()) if sample.model_usage else None
        grade = _grade(getattr(score, "value", None), where)
        yield {"model": log.eval.model, "problem": f"{sample.id}", "correct": grade, "tokens": used}


def _of_lm_eval(path: Path, metric: str | None) -> Iterator[dict[str, Any]]:
    chosen: str | None = None
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            held = json.loads(line)
            names, kind, answers = held["metrics"], held.get("filter", ""), held.get("resps") or [[]]
            grades = {name: held[name] for name in names}
            count = len(answers[0]) if isinstance(answers[0], list) and len(answers) == 1 else 1
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            raise Refused("not-samples", "this is no graded sample", where, "give what lm-eval wrote") from None
        chosen = kind if chosen is None else chosen
        if kind != chosen:  # the same answers through another filter
            continue
        if count > 1:
            raise Refused("graded-together", f"{count} answers have one grade", where,
                          "run lm-eval with one repeat and several seeds, or grade them by allometry sweep")  # fmt: skip
        grade = _grade(_one(grades, metric, where), where)
        yield {"model": path.parent.name, "problem": f"{held.get('doc_id')}", "correct": grade, "tokens": None}


def _one(grades: Mapping[str, Any], metric: str | None, where: str) -> Any:
    if metric is None and len(grades) == 1:
        return next(iter(grades.values()))
    if metric is not None and metric in grades:
        return grades[metric]
    if not grades:
        raise Refused("no-grade", "a sample has no grade", where, "give a log that was scored")
    said = "several grades" if metric is None else f"no grade {metric!r}"
    raise Refused("which-grade", f"a sample has {said}", where, f"name one: {', '.join(grades)}")


def _grade(value: Any, where: str) -> float:
    grade = _LETTERS.get(value, value) if isinstance(value, str) else value
    if isinstance(grade, int | float) and float(grade) in (0.0, 1.0):
        return float(grade)
    raise Refused("not-binary", f"the grade {value!r} is neither right nor wrong", where, "name a scorer that decides")
