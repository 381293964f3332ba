"""Strategies as people write them: a name, and arguments in brackets."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import Parameter
from typing import Any

from allometry.inference.records import find_hook
from allometry.inference.strategies.find import find_strategy
from allometry.inference.strategies.strategy import Strategy
from allometry.inference.verifiers import Grader, confidence, find_likeness, find_vote, list_graders
from allometry.notices import Refused

_CALL = re.compile(r"(?P<name>[^()]+?)\s*(?:\((?P<words>.*)\))?", re.DOTALL)
_MEND = "write NAME or NAME(argument=value, ...), such as best_of_n(samples=8)"


def read_strategy(
    text: str, find_grader: Callable[[str], Grader], defaults: Mapping[str, Mapping[str, Any]] | None = None
) -> Strategy:
    """The strategy that a text names: `greedy`, `best_of_n(samples=8, selector=steps)`, `mine.py:search(width=3)`.

    Values are numbers, texts, true, false and none; a bare word is a text. A grader is found by `find_grader`, a vote
    by `find_vote`, a weight is a grader, `confidence` or a function of a response, 'mine.py:weight'. What compares two
    answers is a grader, one of `find_likeness`, or a function 'mine.py:alike'.
    Arguments: `defaults` are arguments by strategy, used where the text gives none; its label does not show them.
    Errors: `Refused` for anything else, with what can be written.

    >>> from allometry.inference.verifiers import EXACT
    >>> read_strategy("best_of_n(samples=8)", lambda name: EXACT, {"best_of_n": {"selector": "exact"}}).label
    'best_of_n(samples=8)'
    """
    found = _CALL.fullmatch(text.strip())
    if found is None:
        raise Refused("bad-strategy", f"{text!r} is no strategy", "--strategy", _MEND)
    maker, given = find_strategy(found["name"]), _arguments(found["words"] or "", text)
    known, arguments = maker.parameters, {**(defaults or {}).get(maker.name, {}), **given}
    values = {n: _value(known[n], v, find_grader) if n in known else v for n, v in arguments.items()}
    return replace(maker(**values), changed=tuple(given))


def strategy_named(identity: str, find_grader: Callable[[str], Grader], *, allow_code: bool = True) -> Strategy:
    """The strategy of an identity, as records and policies hold it: with every argument, in the order of its maker.

    Use it to run again what was measured; `read_strategy` is for what people write. Without `allow_code` nothing is
    imported for it: a strategy, vote or weight of a file or module is refused; graders are left to `find_grader`.
    Errors: `Refused` where this version has no such strategy, or one with other arguments.

    >>> from allometry.inference.verifiers import EXACT
    >>> strategy_named("greedy(tokens=null)", lambda name: EXACT).label
    'greedy'
    """
    found = _CALL.fullmatch(identity)
    if found is None:
        raise Refused("bad-strategy", f"{identity!r:.80} is no strategy", "strategy", _MEND)
    if not allow_code and ":" in found["name"]:
        raise _code(found["name"])
    maker = find_strategy(found["name"])
    given = _held(found["words"] or "", tuple(maker.parameters))
    for name, value in given.items():
        wanted = str(maker.parameters[name].annotation)
        if not allow_code and isinstance(value, str) and ":" in value and ("Vote" in wanted or "Weight" in wanted):
            raise _code(value)
    made = maker(**{n: _value(maker.parameters[n], v, find_grader) for n, v in given.items()})
    if made.identity != identity:
        raise Refused("other-strategy", f"{maker.name} of this version is not {identity!r:.200}", "strategy",
                      "use the version of allometry that measured it, or measure anew")  # fmt: skip
    return made


def _code(what: str) -> Refused:
    return Refused("code-not-allowed", f"{what!r:.80} is code of a file or module", "the strategy",
                   "allow it if it is your own")  # fmt: skip


def _held(words: str, names: Sequence[str]) -> dict[str, Any]:
    """Values by argument, each up to where the next argument begins."""
    found: dict[str, Any] = {}
    starts = [(name, f", {words}".find(f", {name}=")) for name in names]
    there = [(name, at) for name, at in starts if at >= 0]
    for (name, at), end in zip(there, [*(at for _, at in there[1:]), len(words) + 2], strict=True):
        text = f", {words}"[at + len(name) + 3 : end]
        try:
            found[name] = json.loads(text, parse_constant=lambda constant: constant)
        except (ValueError, RecursionError):
            found[name] = text
    return found


def _arguments(words: str, text: str) -> dict[str, Any]:
    try:
        call = ast.parse(f"f({words})", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused("bad-strategy", f"{text!r} cannot be read", "--strategy", _MEND) from None
    if not isinstance(call, ast.Call) or call.args or any(word.arg is None for word in call.keywords):
        raise Refused("bad-strategy", f"{text!r} has values without a name", "--strategy", _MEND)
    names = [word.arg for word in call.keywords]
    if len(set(names)) < len(names):
        raise Refused("bad-strategy", f"{text!r} gives an argument twice", "--strategy", _MEND)
    return {str(word.arg): _constant(word.value, text) for word in call.keywords}


def _constant(node: ast.expr, text: str) -> Any:
    if isinstance(node, ast.Name):
        return {"true": True, "false": False, "none": None}.get(node.id.lower(), node.id)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise Refused("bad-strategy", f"{text!r} holds {ast.unparse(node)!r:.60}, which is no value", "--strategy",
                      "give a number, a text in quotes, true, false or none") from None  # fmt: skip


def _value(parameter: Parameter, value: Any, find_grader: Callable[[str], Grader]) -> Any:
    """What a word stands for, by what the argument is to be."""
    if not isinstance(value, str):
        return value
    wanted = str(parameter.annotation)
    if "Weight" in wanted and value == confidence.__name__:
        return confidence
    if "Vote" in wanted:
        return find_vote(value)
    if "Compare" in wanted and value.partition(":")[0] not in list_graders():
        return find_likeness(value)
    if "Weight" in wanted and ":" in value:
        return find_hook(value)
    return find_grader(value) if any(word in wanted for word in ("Grader", "Weight", "Compare")) else value
