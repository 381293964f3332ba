"""A learning rate or a batch: a number, or what a published or fitted law says for each run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from allometry.axes import AXES
from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, Shape, forward_flops
from allometry.costs.flops import TRAINING_PASSES
from allometry.lab.tables import as_table, check_above_zero, check_keys, check_type
from allometry.laws import Law, find_law, published
from allometry.notices import Mark, Refused, Step

_WITHOUT_EMBEDDINGS = ("without embeddings", "non-embedding", "non_embedding")


@dataclass(frozen=True)
class Rate:
    """A number, or a law with constants; `conventions` are how the law counts parameters and FLOPs."""

    number: float | None = None
    law: Law | None = None
    values: Mapping[str, float] | None = None
    conventions: Mapping[str, str] | None = None
    mark: Mark = "assumed"
    source: str = "given in the ladder file"

    def at(self, shape: Shape, tokens: float, context: int) -> float:
        """The value for a run of this shape and so many tokens.

        Errors: `Refused` where the law has an axis that a run of the lab does not, or gives nothing above zero.
        """
        if self.law is None:
            return float(self.number or 0)
        points = _points(shape, tokens, context, self.conventions or {})
        missing = [axis for axis in self.law.axes if axis not in points]
        if missing:
            raise Refused("unknown-axis", f"{self.law.name} needs {missing[0]}, which a run of the lab does not have",
                          "[training]", f"give a law of {', '.join(points)}")  # fmt: skip
        found = float(self.law.evaluate(self.values or {}, {axis: [points[axis]] for axis in self.law.axes})[0])
        if not 0 < found < math.inf:
            raise Refused("bad-rate", f"{self.law.name} gives a {self.law.metric} of {found:g} for a run of "
                          f"{points['params']:g} parameters and {tokens:g} tokens", "[training]",
                          "give constants that hold for every run, or a number")  # fmt: skip
        return found

    def step(self, metric: str) -> Step:
        """Where it comes from, in words."""
        says = f"{self.number:g}" if self.law is None else f"by {self.law.name}, at each run"
        return Step(metric, f"{says}; {self.source}", self.mark)


def read_rate(value: object, metric: str) -> Rate:
    """A number; LAW@KEY for published constants; the path of a saved fit; or a table with `law` and its `values`.

    In the text of a formula given as `law`, names of the vocabulary are axes: "A * (32 / width)**b".
    Errors: `Refused` for what is none of these, and for a law of something else than `metric`.

    >>> read_rate("step_learning_rate@steplaw", "learning_rate").mark
    'published'
    """
    where = f"[training] {metric}"
    if isinstance(value, str):
        found = _published(value) if "@" in value else _fitted(value, where)
    elif isinstance(value, dict):
        found = _with_values(value, metric, where)
    else:
        check_type(metric, value, float, where)
        check_above_zero(metric, float(value), where)  # type: ignore[arg-type]
        return Rate(float(value))  # type: ignore[arg-type]
    if found.law is not None and found.law.metric != metric:
        raise Refused("other-metric", f"{found.law.name} predicts {found.law.metric}", where, f"give a law of {metric}")
    return found


def _published(text: str) -> Rate:
    law, constants = published(text)
    return Rate(None, law, constants.values, constants.conventions, "published", f"{text}: {constants.source}")


def _fitted(text: str, where: str) -> Rate:
    from allometry.fits import load_fit

    if not Path(text).is_file():
        raise Refused("bad-rate", f"{text!r} is neither LAW@KEY nor a saved fit", where,
                      "give a number, such as step_learning_rate@steplaw, or a file that fit --out wrote")  # fmt: skip
    fit = load_fit(text)
    return Rate(None, fit.law, fit.values, fit.rows.conventions, "fitted", f"the fit {Path(text).name}")


def _with_values(table: object, metric: str, where: str) -> Rate:
    contents = as_table(table, where)
    check_keys(contents, ("law", "values"), where)
    check_type("law", contents.get("law"), str, where)
    values = as_table(contents.get("values", {}), where)
    for name, value in values.items():
        check_type(name, value, float, where)
    law = find_law(contents["law"], metric=metric)
    return Rate(
        None, law, {name: float(value) for name, value in values.items()}, {}, "assumed", "constants of the ladder file"
    )


def _points(shape: Shape, tokens: float, context: int, conventions: Mapping[str, str]) -> dict[str, float]:
    """The axes of a run, counted as the law's source counts them."""
    parts = shape.parameters()
    params = parts.non_embedding if _no_embeddings(conventions.get("params", "")) else parts.total
    found = {
        "params": params, "active_params": parts.active, "non_embedding_params": parts.non_embedding,
        "width": shape.width, "depth": shape.layers, "vocab": shape.vocab, "context": context, "tokens": tokens,
        "experts": max(1, shape.experts), "granularity": shape.granularity, "loops": shape.loops,
        "streams": shape.streams, "flops": _flops(shape, tokens, context, params, conventions.get("flops", "")),
    }  # fmt: skip
    return {name: float(value) for name, value in found.items() if name in AXES}


def _flops(shape: Shape, tokens: float, context: int, params: float, convention: str) -> float:
    counted = forward_flops(shape, context)
    if _no_embeddings(convention):
        counted_part = counted.total - counted.head - (0.0 if "with attention" in convention else counted.scores)
        return TRAINING_PASSES * counted_part * tokens / context
    if "component" in convention:
        return TRAINING_PASSES * counted.total * tokens / context
    return FLOPS_PER_PARAMETER_AND_TOKEN * params * tokens


def _no_embeddings(convention: str) -> bool:
    return any(text in convention for text in _WITHOUT_EMBEDDINGS)
