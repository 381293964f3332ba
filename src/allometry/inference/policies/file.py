"""A policy as a file: small JSON of one version, read as something that a stranger may have written."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from allometry.inference.policies.policy import Leaf, Policy, Split
from allometry.inference.policies.rules import SEEN
from allometry.notices import Interval, Refused

FORMAT, VERSION = "allometry-policy", 1
LARGEST = 1_000_000
_TEXTS = ("goal", "engine", "scorer", "scorer_kind", "selector_kind", "reader", "records", "made_by")
_COUNTS = ("problems", "seeds", "sample_tokens")
_FIELDS = {"format", "version", "leaves", "rule", "accuracy", "costs", "level", *_TEXTS, *_COUNTS}
_MEND = "make it anew with `allometry decide policy`"


def write_policy(policy: Policy, path: str | Path) -> Path:
    """`Policy.save`. Errors: `Refused` where the file cannot be written."""
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(as_json(policy), allow_nan=False, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Refused("cannot-write", f"the policy cannot be written: {error.strerror}", str(path),
                      "choose a file in a folder that exists") from None  # fmt: skip
    return path


def as_json(policy: Policy) -> dict[str, Any]:
    """What the file holds."""
    rule = None if policy.split is None else {"on": policy.split.on, "at_least": policy.split.at_least}
    return {
        "format": FORMAT, "version": VERSION, "goal": policy.goal, "rule": rule,
        "leaves": [{f.name: getattr(leaf, f.name) for f in fields(Leaf)} for leaf in policy.leaves],
        "accuracy": _interval_json(policy.accuracy),
        "costs": {name: _interval_json(cost) for name, cost in policy.costs.items()}, "level": policy.level,
        **{name: getattr(policy, name) for name in (*_COUNTS, *_TEXTS) if name != "made_by"},
        "made_by": policy.made_by or _ours(),
    }  # fmt: skip


def read_policy(path: str | Path, *, allow_code: bool = False) -> Policy:
    """`Policy.load`."""
    path = Path(path)
    held = _json(path)
    if held.get("format") != FORMAT:
        raise Refused("bad-policy", "this is no policy", str(path), "name a file that `allometry decide policy` wrote")
    if held.get("version") != VERSION:
        raise Refused("other-version", f"this policy is of version {held.get('version')!r:.20}, and this program reads {VERSION}",
                      str(path), f"upgrade allometry, or {_MEND}")  # fmt: skip
    reading = _Reading(path)
    reading.names(held, _FIELDS, "the policy")
    try:
        return reading.policy(held, allow_code=allow_code)
    except Refused as refused:
        raise Refused(refused.code, refused.message, str(path), refused.mend or _MEND) from None


class _Reading:
    """The parts of one file, each checked before it is used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def policy(self, held: Mapping[str, Any], *, allow_code: bool) -> Policy:
        leaves = held["leaves"]
        if not isinstance(leaves, list) or not 1 <= len(leaves) <= 2:
            raise self._refused("leaves are a list of one or two")
        costs = self._object(held["costs"], "costs")
        values: dict[str, Any] = {
            **{name: self._text(held[name], name) for name in _TEXTS},
            **{name: self._count(held[name], name) for name in _COUNTS},
        }
        level = self._number(held["level"], "level")
        if not 0 < level < 1:
            raise self._refused(f"a level of {level:g} is no share")
        return Policy(
            tuple(self._leaf(leaf) for leaf in leaves), self._split(held["rule"]),
            accuracy=self._interval(held["accuracy"], "accuracy", most=1.0),
            costs={name: self._interval(cost, name) for name, cost in costs.items()}, level=level,
            allow_code=allow_code, **values,
        )  # fmt: skip

    def names(self, held: Mapping[str, Any], wanted: set[str], what: str) -> None:
        for name in sorted(wanted ^ held.keys()):
            raise self._refused(f"{what} {'lacks' if name in wanted else 'has an unknown field'} {name!r:.40}")

    def _leaf(self, held: object) -> Leaf:
        leaf = self._object(held, "a leaf")
        names = [f.name for f in fields(Leaf)]
        self.names(leaf, set(names), "a leaf")
        return Leaf(**{name: self._text(leaf[name], name, empty=name == "budget") for name in names})

    def _split(self, held: object) -> Split | None:
        if held is None:
            return None
        rule = self._object(held, "the rule")
        self.names(rule, {"on", "at_least"}, "the rule")
        if rule["on"] not in SEEN:
            raise self._refused(f"a rule cannot look at {rule['on']!r:.40}, but at {', '.join(SEEN)}")
        return Split(rule["on"], self._number(rule["at_least"], "at_least"))

    def _interval(self, held: object, name: str, most: float = math.inf) -> Interval:
        found = self._object(held, name)
        self.names(found, {"value", "low", "high"}, name)
        value = self._number(found["value"], name)
        low, high = (None if found[end] is None else self._number(found[end], name) for end in ("low", "high"))
        if not 0 <= value <= most or (low is not None and low > value) or (high is not None and high < value):
            raise self._refused(f"{name} of {value:g} is none, or not within its interval")
        return Interval(value, low, high, "" if low is not None and high is not None else "not known")

    def _object(self, held: object, name: str) -> Mapping[str, Any]:
        if not isinstance(held, dict):
            raise self._refused(f"{name} is no object")
        return held

    def _text(self, held: object, name: str, *, empty: bool = False) -> str:
        if not isinstance(held, str) or not (held or empty):
            raise self._refused(f"{name} is no text")
        return held

    def _count(self, held: object, name: str) -> int:
        if isinstance(held, bool) or not isinstance(held, int) or not 1 <= held <= 10**9:
            raise self._refused(f"{name} is no whole number from 1")
        return held

    def _number(self, held: object, name: str) -> float:
        if isinstance(held, bool) or not isinstance(held, int | float) or not math.isfinite(held):
            raise self._refused(f"{name} is no finite number")
        return float(held)

    def _refused(self, what: str) -> Refused:
        return Refused("bad-policy", what, str(self._path), _MEND)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise Refused("bad-policy", f"the file is larger than {LARGEST} bytes", str(path), "name a policy")
        held = json.loads(path.read_bytes().decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
    except OSError as error:
        raise Refused("no-file", f"the policy cannot be read: {error.strerror}", str(path), "check the path") from None
    except Refused:
        raise
    except (ValueError, RecursionError) as error:
        message = str(error).splitlines()[0] if not isinstance(error, RecursionError) else "it is nested too deep"
        raise Refused("bad-policy", f"this is not JSON: {message:.80}", str(path), _MEND) from None
    if not isinstance(held, dict):
        raise Refused("bad-policy", "this is no policy", str(path), _MEND)
    return held


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _interval_json(found: Interval) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}


def _ours() -> str:
    try:
        return f"allometry {version('allometry')}"
    except PackageNotFoundError:
        return "allometry"
