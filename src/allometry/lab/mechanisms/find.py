"""Every mechanism by name: one file of this folder, which holds one mechanism of that name."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

from allometry.axes import nearest_names
from allometry.costs import Shape
from allometry.lab.mechanisms.mechanism import Mechanism
from allometry.lab.transformer import PLAIN_FIELDS, asked_beyond
from allometry.notices import Refused

_NOT = frozenset({"find", "mechanism"})


@cache
def list_mechanisms() -> dict[str, Mechanism]:
    """The mechanisms by name."""
    home = __name__.rpartition(".")[0]
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]))
    names = [name for name in names if not name.startswith("_") and name not in _NOT]
    return {name: getattr(import_module(f"{home}.{name}"), name) for name in names}


def find_mechanism(name: str) -> Mechanism:
    """The mechanism of a name.

    Errors: `Refused` with the nearest names when there is none.
    """
    known = list_mechanisms()
    if name not in known:
        near = ", ".join(nearest_names(name, known))
        raise Refused("unknown-mechanism", f"no mechanism is called {name!r}", mend=f"the nearest are {near}")
    return known[name]


def mechanisms_of(shape: Shape) -> dict[str, Mechanism]:
    """The mechanisms that a shape asks for, by name; none for a plain one.

    Errors: `Refused` for fields of the shape that no mechanism of the lab builds, and for two mechanisms that make the
    same part.
    """
    known = list_mechanisms()
    if asked := asked_beyond(shape, PLAIN_FIELDS.union(*(mechanism.fields for mechanism in known.values()))):
        raise Refused("not-built", f"no mechanism of the lab builds {', '.join(asked)}", "the shape",
                      "leave them out; costs can be counted all the same")  # fmt: skip
    used = {name: mechanism for name, mechanism in known.items() if mechanism.uses(shape)}
    makers: dict[str, str] = {}
    for name, mechanism in used.items():
        for slot in mechanism.slots:
            if slot in makers:
                raise Refused("not-built", f"{makers[slot]} and {name} both make the {slot} of a model", "the shape",
                              "ask for one of them")  # fmt: skip
            makers[slot] = name
    return used
