"""The table of standard names; a new axis is one more line in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from allometry.axes.hints import nearest_names
from allometry.notices import Refused

Kind = Literal["axis", "metric"]


@dataclass(frozen=True)
class Axis:
    """One standard name of the vocabulary.

    `name` is the column's name, `symbol` and `latex` how formulas print it, `unit` the unit of
    its numbers, `meaning` one phrase. `kind` is "axis" (chosen before a run) or "metric"
    (measured by it); either may stand on either side of a law. `positive` says that zero and
    below are errors wherever the name is used with a logarithm; `convention` what is counted.

    >>> AXES["tokens"].symbol, AXES["tokens"].unit
    ('D', 'tokens')
    """

    name: str
    symbol: str
    unit: str
    meaning: str
    kind: Kind
    positive: bool
    latex: str
    convention: str = ""


def _axis(name: str, symbol: str, latex: str, unit: str, meaning: str, convention: str = "") -> Axis:
    return Axis(name, symbol, unit, meaning, "axis", True, latex, convention)


def _metric(name: str, symbol: str, latex: str, unit: str, meaning: str, positive: bool, convention: str = "") -> Axis:
    return Axis(name, symbol, unit, meaning, "metric", positive, latex, convention)


_SIZE = (
    _axis("params", "N", "N", "parameters", "parameters of the model", "total or non-embedding, as the table states"),
    _axis("active_params", "Na", r"N_{\mathrm{a}}", "parameters", "parameters that one token passes through"),
    _axis("non_embedding_params", "Nn", r"N_{\mathrm{ne}}", "parameters", "parameters without embeddings and head"),
    _axis("vocab_params", "Nv", r"N_{\mathrm{v}}", "parameters", "parameters of embeddings and head"),
    _axis("width", "d", "d", "features", "width of the residual stream"),
    _axis("depth", "L", "L", "layers", "layers with their own weights"),
    _axis("vocab", "V", "V", "tokens", "size of the tokenizer's vocabulary"),
    _axis("experts", "E_n", r"E_{\mathrm{n}}", "experts", "experts in a layer, one being dense"),
    _axis("granularity", "G", "G", "", "how finely experts are cut: dense width over expert width"),
    _axis("loops", "R", "R", "passes", "passes through the looped layers", "1 is an ordinary model"),
    _axis("growth_factor", "g", "g", "", "times that stacking made a model as deep", "1 is a run from scratch"),
    _axis("streams", "P", "P", "streams", "parallel streams of one model"),
    _axis("bits", "b", "b", "bits", "bits of a weight"),
)
_DATA = (
    _axis("tokens", "D", "D", "tokens", "training tokens seen", "repeats counted each time"),
    _axis("unique_tokens", "U", "U", "tokens", "training tokens that differ", "repeats counted once"),
    _axis("epochs", "Ep", r"E_{\mathrm{p}}", "passes", "passes over the unique tokens", "tokens / unique_tokens"),
    _axis("bytes", "Y", "Y", "bytes", "training text seen, in UTF-8 bytes", "repeats counted each time"),
    _axis("bytes_per_token", "y", "y", "bytes per token", "mean UTF-8 bytes of a token on the evaluation set"),
    _axis("characters", "H", "H", "characters", "training text seen, in characters"),
    _axis("examples", "n", "n", "examples", "training examples seen or held"),
    _axis("kept", "f", "f", "share", "share of the pool that was kept"),
)
_TRAINING = (
    _axis("flops", "C", "C", "FLOPs", "training compute", "6ND on which N, with attention or not, or as given"),
    _axis("batch_tokens", "B", "B", "tokens", "tokens of one optimiser step"),
    _axis("steps", "S", "S", "steps", "optimiser steps of the whole run"),
    _axis("learning_rate", "eta", r"\eta", "", "peak learning rate"),
    Axis(
        "current_learning_rate",
        "eta_t",
        "",
        "learning rate at this step",
        "axis",
        False,
        r"\eta_t",
        "after warm-up and decay; the peak is learning_rate",
    ),
    _axis("context", "T", "T", "tokens", "length of a training sequence"),
)
_TEST_TIME = (
    _axis("samples", "k", "k", "samples", "answers drawn for one problem"),
    _axis("generated_tokens", "t", "t", "tokens", "tokens generated for one problem", "all samples together"),
    _axis("critical_path_tokens", "tc", r"t_{\mathrm{c}}", "tokens", "tokens of the longest sequential chain"),
    _axis("prompt_tokens", "tp", r"t_{\mathrm{p}}", "tokens", "tokens of the prompt"),
    _axis("calls", "c", "c", "calls", "calls to the engine for one problem"),
    _axis("turns", "u", "u", "turns", "sequential turns on one problem"),
    _axis("inference_flops", "Ci", r"C_{\mathrm{i}}", "FLOPs", "compute spent on one problem"),
)
_METRICS = (
    _metric("loss", "L", r"\mathcal{L}", "nats per token", "cross-entropy on the evaluation set", True, "as stated"),
    _metric("error", "err", r"\epsilon", "share", "share of problems that are wrong", False),
    _metric("accuracy", "acc", r"\mathrm{acc}", "share", "share of problems that are right", False),
    _metric("coverage", "cov", r"\mathrm{cov}", "share", "share of problems that any sample solves (pass@k)", False),
    _metric("reward", "r", "r", "", "mean reward", False),
    _metric("seconds", "s", "s", "seconds", "wall-clock time", True),
    _metric("money", "m", "m", "declared currency", "price paid", False),
)

AXES: Mapping[str, Axis] = MappingProxyType(
    {entry.name: entry for entry in (*_SIZE, *_DATA, *_TRAINING, *_TEST_TIME, *_METRICS)}
)


def axis(name: str) -> Axis:
    """The axis or metric of that standard name.

    Use it where a name must be of the vocabulary; a user's own law may have axes that are not.
    Refused with the three nearest names when there is none.

    >>> axis("flops").symbol
    'C'
    """
    if name in AXES:
        return AXES[name]
    near = ", ".join(f"`{other}`" for other in nearest_names(name, AXES))
    raise Refused("unknown-axis", f"no axis or metric is called `{name}`", mend=f"the nearest names are {near}")
