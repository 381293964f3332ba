"""Every strategy by name: one file of this folder, which holds one strategy of that name."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

from allometry.axes import nearest_names
from allometry.inference.records import find_hook
from allometry.inference.strategies.strategy import Maker
from allometry.notices import Refused

_NOT = frozenset({"arguments", "find", "reading", "strategy"})


@cache
def list_strategies() -> dict[str, Maker]:
    """The strategies by name.

    >>> "best_of_n" in list_strategies()
    True
    """
    home = __name__.rpartition(".")[0]
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]))
    names = [name for name in names if not name.startswith("_") and name not in _NOT]
    return {name: getattr(import_module(f"{home}.{name}"), name) for name in names}


def find_strategy(name: str) -> Maker:
    """The strategy of a name, or of a user's own file: `mine.py:my_strategy`.

    Errors: `Refused` with the nearest names when there is none.
    """
    if ":" in name:
        found = find_hook(name)
        if not isinstance(found, Maker):
            raise Refused("not-a-strategy", f"{name} is no strategy", mend="decorate it with @strategy()")
        return found
    known = list_strategies()
    if name not in known:
        near = ", ".join(nearest_names(name, known))
        raise Refused("unknown-strategy", f"no strategy is called {name!r}", mend=f"the nearest are {near}")
    return known[name]
