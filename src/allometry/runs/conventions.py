"""What the numbers of a table count: parameters, FLOPs, and the unit, tokenizer and evaluation set of the loss.

A convention comes from an argument, from a column that states it, from the numbers
themselves, or is "not stated". Two conventions in one column are shown as mixed and
refused where that column is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from allometry.axes import loss_unit, nearest_names, per_token
from allometry.notices import Notice, Refused
from allometry.runs.columns import Column, Floats, is_number
from allometry.runs.derive import FLOPS_PER_PARAM_TOKEN

# Each convention and the column that may state it.
STATED_BY = {
    "params": "params_convention",
    "flops": "flops_convention",
    "loss_unit": "loss_unit",
    "tokenizer": "tokenizer",
    "evaluation": "evaluation",
}
NOT_STATED = "not stated"
MIXED = "mixed: "
# 6ND is exact arithmetic; a per cent leaves room for numbers that were rounded or read off a figure.
_TOLERANCE = 0.01


def check_declared(declared: Mapping[str, str], columns: Mapping[str, Column], where: str) -> None:
    """Refuse a convention that is unknown, a loss unit that is none, and one that a column contradicts."""
    for name, value in declared.items():
        if name not in STATED_BY:
            near = ", ".join(f"`{other}`" for other in nearest_names(name, STATED_BY, len(STATED_BY)))
            raise Refused("unknown-convention", f"there is no convention `{name}`", mend=f"there are {near}")
        column = STATED_BY[name]
        others = [said for said in _stated(columns, column) if said not in (value, NOT_STATED)]
        if others:
            message = f'`{name}` was given as "{value}" and column `{column}` says "{others[0]}"'
            raise Refused("convention-conflict", message, where, "give one of the two, or filter the rows")
    units = [declared["loss_unit"]] if "loss_unit" in declared else _stated(columns, "loss_unit")
    for unit in units:
        if unit != NOT_STATED:
            loss_unit(unit)


def _stated(columns: Mapping[str, Column], column: str) -> list[str]:
    """The different values of a convention's column, an empty cell being "not stated"."""
    if column not in columns:
        return []
    return list(dict.fromkeys(NOT_STATED if _empty(value) else str(value) for value in columns[column].tolist()))


def _empty(value: object) -> bool:
    return value is None or value != value


def find_conventions(
    columns: Mapping[str, Column], declared: Mapping[str, str], mapping: Mapping[str, str], formulas: Mapping[str, str]
) -> dict[str, str]:
    """The convention of each column that has one, `flops_checked` being what the numbers say of stated FLOPs."""
    found = dict(declared)
    for name, column in STATED_BY.items():
        stated = _stated(columns, column)
        if name not in found and stated:
            found[name] = stated[0] if len(stated) == 1 else MIXED + ", ".join(stated)
    numbers = flops_convention(columns, formulas)
    if numbers is not None:
        found["flops_checked" if "flops" in found else "flops"] = numbers
    _fill(found, columns, mapping)
    return found


def _fill(found: dict[str, str], columns: Mapping[str, Column], mapping: Mapping[str, str]) -> None:
    if "params" in columns:
        found.setdefault("params", _params_convention(columns, mapping))
    if "flops" in columns:
        found.setdefault("flops", NOT_STATED)
    if "loss" in columns:
        found.setdefault("loss_unit", NOT_STATED)
        source = mapping.get("loss", "loss")
        if source != "loss":
            found.setdefault("evaluation", f"column {source}")


def _params_convention(columns: Mapping[str, Column], mapping: Mapping[str, str]) -> str:
    """By the name of the column that was mapped, or by a second column that counts without embeddings."""
    words = set(re.split(r"[^a-z0-9]+", mapping.get("params", "").lower()))
    if words & {"non", "no", "nonembedding"} and words & {"embedding", "embeddings", "emb", "embed", "nonembedding"}:
        return "non-embedding"
    params, rest = columns["params"], columns.get("non_embedding_params")
    if rest is None or not (is_number(params) and is_number(rest)) or not len(params):
        return NOT_STATED
    return "total" if bool((params > rest).all()) else "non-embedding" if bool((params == rest).all()) else NOT_STATED


def flops_convention(columns: Mapping[str, Column], formulas: Mapping[str, str]) -> str | None:
    """What the FLOPs are by their numbers: 6ND on which N within 1%, or by how much they differ from it."""
    if "flops" in formulas:
        return f"6ND on {formulas['flops'].split(' x ')[1]}"
    ratios = _ratios(columns)
    if not ratios or "flops" in mapping_of_tokens(formulas):
        return None
    names = list(ratios)
    fits = {name: np.abs(ratio - 1) <= _TOLERANCE for name, ratio in ratios.items()}
    for name in names:
        if bool(fits[name].all()):
            return f"6ND on {name}"
    if len(names) > 1 and bool(np.any(list(fits.values()), axis=0).all()):
        return MIXED + ", ".join(f"6ND on {name}" for name in names if fits[name].any())
    return f"given, differs from 6ND on {names[0]} by x{np.median(ratios[names[0]]):.2f} (median)"


def mapping_of_tokens(formulas: Mapping[str, str]) -> str:
    return formulas.get("tokens", "")
