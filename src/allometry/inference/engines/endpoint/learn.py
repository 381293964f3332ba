"""What a server is found able to do: from the records where it was probed before, else by a probe that is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from allometry.inference.calls import ABILITIES, Abilities, Profile, canonical
from allometry.inference.engines.endpoint.ways import Form, Ways
from allometry.inference.records import Line, Records

VERSION = 1


@dataclass(frozen=True)
class Learnt:
    """What is known of a server for one form of prompts."""

    abilities: Abilities
    ways: Ways


def common(found: Sequence[Abilities]) -> Abilities:
    """What holds for all forms of prompts; nothing where none was probed."""
    if not found:
        return Abilities()
    mend = {name: text for one in found for name, text in one.mend.items()}
    return Abilities(**{name: all(getattr(one, name) for one in found) for name in ABILITIES}, mend=mend)


def recorded(records: Records, profile: Profile, form: Form, stream: bool) -> Learnt | None:
    """What the records hold of a probe; None where that is nothing, or of another version."""
    line = records.probes.get(_key(profile, form, stream))
    held = {} if line is None else json.loads(line["result"])
    return _learnt(held) if held.get("version") == VERSION else None


def line_of(found: Learnt, profile: Profile, form: Form, stream: bool, calls: int) -> Line:
    """The line of the records that keeps what a probe found."""
    ways = {**asdict(found.ways), "without": sorted(found.ways.without)}
    able = {name: getattr(found.abilities, name) for name in ABILITIES}
    held = {"version": VERSION, "form": form, "calls": calls, "abilities": able, "mend": dict(found.abilities.mend),
            "ways": ways}  # fmt: skip
    return {"kind": "probe", "key": _key(profile, form, stream), "engine": profile.identity, "result": canonical(held)}


def _key(profile: Profile, form: Form, stream: bool) -> str:
    # servers answer otherwise in streams
    return f"{profile.identity} {form}{' stream' if stream else ''}"


def _learnt(held: Mapping[str, Any]) -> Learnt:
    known = {f.name for f in fields(Ways)}
    ways = replace(Ways(), **{name: value for name, value in held["ways"].items() if name in known})
    able = {name: bool(value) for name, value in held["abilities"].items() if name in ABILITIES}
    return Learnt(Abilities(**able, mend=held["mend"]), replace(ways, without=frozenset(ways.without)))
