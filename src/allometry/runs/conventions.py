"""What the numbers of a table count: parameters, FLOPs, and the unit, tokenizer and evaluation set of the loss.

A convention comes from an argument, from a column that states it, from the numbers
themselves, or is "not stated". Two conventions in one column are shown as mixed and
refused where that column is fitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from allometry.axes import AXES, LOSS_UNITS, loss_unit, nearest_names, per_token
from allometry.notices import Notice, Refused
from allometry.runs.columns import Column, Floats, is_number
from allometry.runs.derive import FLOPS_PER_PARAM_TOKEN, Derived

# Each convention and the column that may state it.
STATED_BY = {
    "params": "params_convention",
    "flops": "flops_convention",
    "loss_unit": "loss_unit",
    "tokenizer": "tokenizer",
    "evaluation": "evaluation",
}
NOT_STATED = "not stated"
HIDDEN_PATH, HIDDEN_URL = "[path]", "[url]"  # what an anonymous copy says in the place of what it may not
_READ_OFF = "column "
_COMPARED = ("params", "loss_unit", "tokenizer", "evaluation")
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


def counted_differently(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """In words, the first thing that two tables say they count differently; empty for none.

    What either does not state or hides is not compared, nor what is only read off columns' names and numbers.

    >>> counted_differently({"loss_unit": "nats per token"}, {"loss_unit": "bits per byte"})
    'loss_unit is nats per token in one and bits per byte in the other'
    >>> counted_differently({"loss_unit": "nats per token"}, {"loss_unit": "not stated"})
    ''
    """
    for name in _COMPARED:
        texts = [said.get(name, NOT_STATED) for said in (one, other)]
        if not any(map(_says_nothing, texts)) and texts[0] != texts[1]:
            return f"{name} is {texts[0]} in one and {texts[1]} in the other"
    return ""


def _says_nothing(text: str) -> bool:
    hidden = HIDDEN_PATH in text or HIDDEN_URL in text
    return text == NOT_STATED or text.startswith(_READ_OFF) or hidden


def find_conventions(
    columns: Mapping[str, Column],
    declared: Mapping[str, str],
    mapping: Mapping[str, str],
    derived: Mapping[str, Derived],
) -> dict[str, str]:
    """The convention of each column that has one, `flops_checked` being what the numbers say of stated FLOPs."""
    found = dict(declared)
    for name, column in STATED_BY.items():
        stated = _stated(columns, column)
        if name not in found and stated:
            found[name] = stated[0] if len(stated) == 1 else MIXED + ", ".join(stated)
    numbers = flops_convention(columns, derived)
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
            found.setdefault("evaluation", f"{_READ_OFF}{source}")


def _params_convention(columns: Mapping[str, Column], mapping: Mapping[str, str]) -> str:
    """By the name of the column that was mapped, or by a second column that counts without embeddings."""
    words = set(re.split(r"[^a-z0-9]+", mapping.get("params", "").lower()))
    if words & {"non", "no", "nonembedding"} and words & {"embedding", "embeddings", "emb", "embed", "nonembedding"}:
        return "non-embedding"
    params, rest = columns["params"], columns.get("non_embedding_params")
    if rest is None or not (is_number(params) and is_number(rest)) or not len(params):
        return NOT_STATED
    return "total" if bool((params > rest).all()) else "non-embedding" if bool((params == rest).all()) else NOT_STATED


def flops_convention(columns: Mapping[str, Column], derived: Mapping[str, Derived]) -> str | None:
    """What the FLOPs are by their numbers: 6ND on which N within 1%, or by how much they differ from it."""
    assumed = next((derived[name].needs[0] for name in ("flops", "tokens") if _uses_6nd(name, derived)), None)
    if assumed is not None:
        return f"6ND on {assumed}"
    ratios = _ratios(columns)
    fits = {name: np.abs(ratio - 1) <= _TOLERANCE for name, ratio in ratios.items()}
    whole = next((name for name in fits if bool(fits[name].all())), None)
    if whole is not None or not ratios:
        return None if whole is None else f"6ND on {whole}"
    if bool(np.any(list(fits.values()), axis=0).all()):
        return MIXED + ", ".join(f"6ND on {name}" for name in fits if fits[name].any())
    name = next(iter(ratios))
    return f"given, differs from 6ND on {name} by x{np.median(ratios[name]):.2f} (median)"


def _uses_6nd(name: str, derived: Mapping[str, Derived]) -> bool:
    return name in derived and derived[name].text.startswith(("6 x", "flops"))


def _ratios(columns: Mapping[str, Column]) -> dict[str, Floats]:
    """FLOPs over 6ND, for each N the table has, in the rows where all three are known."""
    candidates = [name for name in ("params", "active_params", "non_embedding_params") if name in columns]
    if "flops" not in columns or "tokens" not in columns:
        return {}
    numeric = [name for name in candidates if all(is_number(columns[n]) for n in (name, "tokens", "flops"))]
    known = [columns[name] for name in (*numeric, "tokens", "flops")]
    if not numeric:
        return {}
    sound = np.all([np.isfinite(column) & (column > 0) for column in known], axis=0)
    if not sound.any():
        return {}
    tokens, flops = columns["tokens"][sound], columns["flops"][sound]
    return {name: flops / (FLOPS_PER_PARAM_TOKEN * columns[name][sound] * tokens) for name in numeric}


def convention_notices(found: Mapping[str, str]) -> tuple[Notice, ...]:
    """What a reader should know of the conventions found: those mixed, and FLOPs that are not what is said of them."""
    mixed = [
        Notice("mixed-convention", f"{name}: {value.removeprefix(MIXED)} in one table; a fit over them is refused")
        for name, value in found.items()
        if value.startswith(MIXED)
    ]
    said, numbers = found.get("flops", ""), found.get("flops_checked", "")
    if said.startswith("6ND") and numbers.startswith("given") and "attention" not in said:
        mixed.append(Notice("flops-convention", f'flops are said to be "{said}", but by their numbers are {numbers}'))
    return tuple(mixed)


def refuse_mixed(found: Mapping[str, str], axes: Iterable[str], metric: str, where: str) -> None:
    """Refuse rows that count differently in a column that is to be fitted, with the mend."""
    used = {metric, *axes}
    loss = "loss" in metric.split("_")
    at_stake = {
        "loss_unit": loss,
        "evaluation": loss,
        "tokenizer": _counts_tokens(used) or (loss and not _per_byte(found)),
        "params": "params" in used,
        "flops": "flops" in used,
        "flops_checked": "flops" in used,
    }
    for name, at_risk in at_stake.items():
        value = found.get(name, "")
        if at_risk and value.startswith(MIXED):
            message = f"the rows differ in {name.replace('_', ' ')}: {value.removeprefix(MIXED)}"
            raise Refused(f"mixed-{name.replace('_', '-')}", message, where, _mend(name, value, found))


def _counts_tokens(names: Iterable[str]) -> bool:
    return any(name in AXES and AXES[name].unit == "tokens" for name in names)


def _per_byte(found: Mapping[str, str]) -> bool:
    unit = found.get("loss_unit", NOT_STATED)
    return unit in LOSS_UNITS and not per_token(unit)


def _mend(name: str, value: str, found: Mapping[str, str]) -> str:
    first = value.removeprefix(MIXED).split(", ")[0]
    keep = f"keep one (--where '{STATED_BY.get(name, name)} == \"{first}\"')"
    if name == "loss_unit":
        return f"convert them to one ({_conversion(value)}), or {keep}"
    if name == "tokenizer" and not _per_byte(found):
        return f"convert the loss to bits per byte ({_conversion('byte')}) and tokens to bytes, or {keep}"
    if name == "tokenizer":
        return f"fit on bytes (tokens x bytes_per_token) instead of tokens, or {keep}"
    if name in ("params", "flops", "flops_checked"):
        return "count every row one way, in a column of its own, or fit the rows apart"
    return f"fit them apart, or {keep}"


def _conversion(units: str) -> str:
    if "byte" in units:
        return 'with_loss_unit("bits per byte"): nats per token / (ln 2 x bytes_per_token)'
    return 'with_loss_unit("nats per token"): bits per token x ln 2, log of perplexity'
