"""Every grader by name: one file of this folder, which holds it as `GRADER`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path

from allometry.axes import nearest_names
from allometry.inference.verifiers.apart import check_apart
from allometry.inference.verifiers.grader import Grader
from allometry.inference.verifiers.graders._maker import GraderMaker
from allometry.inference.verifiers.graders._own import own_grader
from allometry.notices import Refused


@cache
def list_graders() -> dict[str, GraderMaker]:
    """The graders by name.

    >>> list_graders()["numeric"].usage
    'numeric[:TOLERANCE]'
    """
    home = __name__.rpartition(".")[0]
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]))
    files = [import_module(f"{home}.{name}") for name in names if not name.startswith("_") and name != "find"]
    return {made.name: made for made in (file.GRADER for file in files)}


def find_grader(text: str, *, allow_code: bool = False) -> Grader:
    """The grader of a name, with its argument behind a colon; or a function of a file of yours: `mine.py:grade`.

    Your function is called `grade(problem, response)`, with a `Problem` and a `Response`, and returns a number from 0
    to 1, True or False. It is run as it is: it is yours. Graders that may run what a model wrote (`python`, `command`)
    need `allow_code`; they run it apart, see `verifiers.apart` for what that protects from.
    Errors: `Refused` with the nearest names when there is none, for an argument that it cannot have, and where code is
    to be run and that is not allowed or not possible here.

    >>> find_grader("numeric:0.01").name
    'numeric:0.01'
    """
    name, colon, argument = text.partition(":")
    known = list_graders()
    if name not in known:
        if colon:
            return own_grader(text)
        near = ", ".join(nearest_names(name, known))
        mend = f"the nearest are {near}; a function of yours is written mine.py:grade"
        raise Refused("unknown-grader", f"no grader is called {name!r}", mend=mend)
    made = known[name]
    if argument and not made.argument:
        raise Refused("bad-grader", f"the grader {name} takes nothing behind it", text, f"write {name}")
    if made.runs_code:
        _check_code(name, allow_code)
    return made.make(argument)


def _check_code(name: str, allowed: bool) -> None:
    if not allowed:
        message = f"the grader {name} runs programs that a model may have written"
        raise Refused(
            "code-not-allowed", message, "--grader", "allow it by --allow-code, and read what that protects from"
        )
    check_apart()
