"""Every built-in task by name: one file of this folder, which holds it as `TASK`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

from allometry.axes import nearest_names
from allometry.inference.tasks.task import Task
from allometry.notices import Refused

_NOT = frozenset({"find", "problem", "readers", "reading", "simulated", "task"})


@cache
def list_tasks() -> dict[str, Task]:
    """The built-in tasks by name.

    >>> sorted(list_tasks())
    ['chain', 'countdown', 'horizon', 'lookup']
    """
    home = __name__.rpartition(".")[0]
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return {name: import_module(f"{home}.{name}").TASK for name in names if name not in _NOT}


def find_task(name: str = "countdown") -> Task:
    """The built-in task of a name.

    Errors: `Refused` with the nearest names when there is none.

    >>> find_task().problems(1, difficulty=3)[0].sample_tokens
    28
    """
    known = list_tasks()
    if name not in known:
        near = ", ".join(nearest_names(name, known))
        raise Refused("unknown-task", f"no built-in task is called {name!r}", mend=f"the nearest are {near}")
    return known[name]
