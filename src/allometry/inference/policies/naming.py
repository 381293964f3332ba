"""Graders, readers and strategies by the names that records and policies hold."""

from __future__ import annotations

from allometry.inference.strategies import Strategy, strategy_named
from allometry.inference.tasks import Reader, find_reader, find_task, list_tasks
from allometry.inference.verifiers import Grader, answer_grader, find_grader, list_graders, step_grader
from allometry.notices import Refused

CHECKS = ("answer", "steps", "steps so far")


def grader_named(name: str, *, allow_code: bool = False) -> Grader:
    """The grader of a name as rows have it: a check of a built-in task, or any other.

    Errors: `Refused` where there is none, and where one would run code (a command, a file, programs of models) unless
    that is allowed.

    >>> grader_named("countdown steps").kind
    'exact step'
    """
    task, _, check = name.partition(" ")
    if task in list_tasks() and check in CHECKS:
        found = find_task(task)
        return answer_grader(found) if check == "answer" else step_grader(found, unfinished=check != "steps")
    if not allow_code and ":" in name and name.partition(":")[0] not in list_graders():
        raise _code(f"the grader {name!r:.80}")
    try:
        return find_grader(name, allow_code=allow_code)
    except Refused as refused:
        raise refused if refused.code == "code-not-allowed" else _missing(name) from None


def reader_named(name: str, *, allow_code: bool = False) -> Reader:
    """What takes the answer out of a text: a built-in task by name, or a reader.

    >>> reader_named("chain")("12+3=15\\n=15\\n")
    '15'
    """
    if name in list_tasks():
        return find_task(name).read
    if ":" in name and not allow_code:
        raise _code(f"the reader {name!r:.80}")
    return find_reader(name)


def reader_of(scorer: str) -> str:
    """The name of the reader that goes with a scorer: of its task, or its own; "whole" where it has none.

    >>> reader_of("countdown answer"), reader_of("numeric:0.01"), reader_of("exact")
    ('countdown', 'number', 'whole')
    """
    if scorer.partition(" ")[0] in list_tasks():
        return scorer.partition(" ")[0]
    kind = scorer.partition(":")[0]
    return {"numeric": "number", "choice": "choice", "json": "json", "math": "boxed"}.get(kind, "whole")


def strategy_of(identity: str, *, allow_code: bool = False) -> Strategy:
    """The strategy that was measured under an identity.

    Errors: `Refused` where this version has none such, and where it is code of a file unless that is allowed.
    """
    return strategy_named(identity, lambda name: grader_named(name, allow_code=allow_code), allow_code=allow_code)


def _code(what: str) -> Refused:
    return Refused("code-not-allowed", f"{what} is code, and a policy may come from anybody", "the policy",
                   "allow it by allow_code=True if the policy is your own")  # fmt: skip


def _missing(name: str) -> Refused:
    return Refused("no-grader", f"the policy needs the grader {name!r:.80}, and there is none", "the policy",
                   "bring the file it is in, or plan anew")  # fmt: skip
