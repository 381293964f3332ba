"""Which two arms are compared, and whether their losses mean the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from allometry.axes import LOSS_UNITS, per_token
from allometry.laws import Law
from allometry.notices import Notice, Refused
from allometry.plans.terms import TOKENS
from allometry.runs import Runs
from allometry.runs.conventions import MIXED, NOT_STATED, refuse_mixed

_SHOWN = 8
BITS = "bits per byte"


class Pair(NamedTuple):
    """The two arms, the baseline first: their names and their runs."""

    names: tuple[str, str]
    runs: tuple[Runs, Runs]


def choose_arms(runs: Runs, by: str, names: Sequence[str] | None, baseline: str | None) -> Pair:
    """The two arms of a column, the baseline first: the first named or the first in the table unless `baseline` says.

    Errors: `Refused` for a column of one value, more than two values without a choice, and names that are not in it.
    """
    groups = runs.by(by)
    for name in [*(names or ()), *([baseline] if baseline is not None else [])]:
        if name not in groups:
            raise Refused("unknown-arm", f"`{by}` has no value {name!r}", runs.source, f"it has {_listed(groups)}")
    if len(groups) < 2:
        raise Refused("one-arm", f"`{by}` has only the value {_listed(groups) or 'none'}", runs.source,
                      "name a column that tells two recipes apart, or widen --where")  # fmt: skip
    chosen = list(dict.fromkeys(names or groups))
    if len(chosen) != 2:
        message = (
            f"`{by}` has {len(groups)} values ({_listed(groups)})" if not names else f"{len(chosen)} arms are named"
        )
        raise Refused("not-two-arms", message, "--arm", "name two: --arm FIRST --arm SECOND")
    if baseline is not None:
        if baseline not in chosen:
            raise Refused("unknown-arm", f"the baseline {baseline} is none of the two arms", "--baseline",
                          f"choose {chosen[0]} or {chosen[1]}")  # fmt: skip
        chosen.sort(key=lambda name: name != baseline)
    return Pair((chosen[0], chosen[1]), (groups[chosen[0]], groups[chosen[1]]))


def _listed(groups: Mapping[str, object]) -> str:
    names = list(groups)
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def one_yardstick(runs: Runs, pair: Pair, law: Law, at: Mapping[str, float]) -> tuple[Pair, list[Notice]]:
    """The arms with comparable losses: in bits per byte where their tokenizers differ.

    Errors: `Refused`, with the mend, where they cannot be compared: other units, evaluations or conventions of
    params and FLOPs, other tokenizers without bytes per token, and a target in tokens of two tokenizers.
    """
    both = runs.keep(_in_either(runs, pair), "of another arm").conventions
    tokenizers = both.get("tokenizer", "")
    notices: list[Notice] = []
    if tokenizers.startswith(MIXED) and "loss" in law.metric.split("_"):
        said = tokenizers.removeprefix(MIXED)
        if TOKENS in at:
            raise Refused("tokens-differ", f"the arms have other tokenizers ({said}), so tokens={at[TOKENS]:g} is not one "
                          "amount of text", "--at", "ask at flops=...")  # fmt: skip
        pair, notices = _per_byte(pair, law, said)
        both = {**both, "loss_unit": BITS}
    rest = {name: value for name, value in both.items() if name != "tokenizer"}
    refuse_mixed(rest, law.axes, law.metric, runs.source)
    return pair, notices


def _in_either(runs: Runs, pair: Pair) -> np.ndarray:
    return np.isin(runs.row_numbers, np.concatenate([arm.row_numbers for arm in pair.runs]))


def _per_byte(pair: Pair, law: Law, said: str) -> tuple[Pair, list[Notice]]:
    units = [arm.conventions.get("loss_unit", NOT_STATED) for arm in pair.runs]
    remark = Notice("tokenizers-differ", f"the arms have other tokenizers ({said}): losses are compared in {BITS}")
    if all(unit in LOSS_UNITS and not per_token(unit) for unit in units) and units[0] == units[1]:
        return pair, [Notice(remark.code, f"the arms have other tokenizers ({said}); their losses are in {units[0]}")]
    if law.metric != "loss":
        raise Refused("mixed-tokenizer", f"the arms have other tokenizers ({said}), and {law.metric!r} cannot be converted",
                      pair.runs[0].source, f"map it: --map loss={law.metric}")  # fmt: skip
    if any("bytes_per_token" not in arm.columns for arm in pair.runs):
        raise Refused("mixed-tokenizer", f"the arms have other tokenizers ({said}), so their losses per token do not compare",
                      pair.runs[0].source, f"give a column bytes_per_token, measured on the evaluation set, or losses in {BITS}")  # fmt: skip
    one, other = (arm.with_loss_unit(BITS) for arm in pair.runs)
    return Pair(pair.names, (one, other)), [remark]
