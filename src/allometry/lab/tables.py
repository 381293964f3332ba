"""Reading tables of a ladder file: every key known, every value of its type, nothing passed over."""

from __future__ import annotations

import math
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args, get_type_hints

from allometry.axes import nearest_names
from allometry.notices import Refused

T = TypeVar("T")
MOST = 2**63 - 1
_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def check_keys(table: Mapping[str, object], known: Iterable[str], where: str) -> None:
    """Refuse a key that is not known, with the nearest that are.

    >>> check_keys({"warmup": 0.1}, ["warmup", "final"], "[schedule]")
    """
    names = list(known)
    for key in table:
        if key not in names:
            near = ", ".join(nearest_names(key, names)) or "none"
            raise Refused("unknown-key", f"there is no key `{key}`", where, f"the nearest are {near}")


def check_type(key: str, value: object, kind: object, where: str) -> None:
    """Refuse a value of another type than `kind` (int, float, str or bool, or None beside one of them).

    Whole numbers are of 64 bits, as those of TOML are; Python's reader takes longer ones.
    """
    if isinstance(value, int) and abs(value) > MOST:
        raise Refused("bad-value", f"`{key}` has more digits than 64 bits hold", where, "give a smaller number")
    kinds = get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    wanted = next(k for k in kinds if k is not types.NoneType)
    if isinstance(value, bool) != (wanted is bool):
        right = False
    elif wanted is float:
        right = isinstance(value, int | float) and math.isfinite(value)
    else:
        right = isinstance(value, wanted)
    if not right:
        raise Refused("bad-value", f"`{key}` must be {_WORDS[wanted]}, not {value!r}", where)


def read_fields(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """A dataclass from the keys of a table; its own checks refuse what its types allow."""
    hints, known = get_type_hints(kind), {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    check_keys(table, known, where)
    for key, value in table.items():
        check_type(key, value, hints[key], where)
    missing = [n for n, f in known.items() if n not in table and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise Refused("missing-key", f"`{missing[0]}` is missing", where, f"add {missing[0]} = ...")
    return kind(**table)


def named_fields(kinds: Mapping[str, type[T]], table: object, where: str, default: str) -> T:
    """A dataclass chosen by the key `name` among `kinds`; a text alone is a name with everything by default."""
    contents = as_table({"name": table} if isinstance(table, str) else table, where)
    name = contents.get("name", default)
    check_type("name", name, str, where)
    if name not in kinds:
        near = ", ".join(nearest_names(name, kinds))
        raise Refused("unknown-name", f"there is no {where.strip('[]')} {name!r}", where, f"the nearest are {near}")
    return read_fields(kinds[name], {key: value for key, value in contents.items() if key != "name"}, where)


def as_table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("not-a-table", f"this is {value!r}, not a table", where, "write key = value pairs")
    return value


def as_list(key: str, value: object, kind: type, where: str) -> list[Any]:
    """One value or a list of them, none twice, all of a type."""
    found = value if isinstance(value, list) else [value]
    if not found:
        raise Refused("empty-list", f"`{key}` is empty", where, "give at least one value")
    for item in found:
        check_type(key, item, kind, where)
    if len(set(found)) < len(found):
        raise Refused("given-twice", f"`{key}` holds a value twice", where, "give each once")
    return found


def check_share(name: str, value: float, where: str, *, below: float = 1.0) -> None:
    """Refuse a share outside 0 to `below`."""
    if not 0 <= value <= below:
        raise Refused("bad-value", f"`{name}` must be from 0 to {below:g}, not {value:g}", where)


def check_above_zero(name: str, value: float, where: str, *, zero: bool = False) -> None:
    """Refuse a number that is not above zero, or, with `zero`, below it."""
    if value < 0 or (value == 0 and not zero):
        wanted = "zero or above" if zero else "above zero"
        raise Refused("bad-value", f"`{name}` must be {wanted}, not {value:g}", where)
