"""By what an outcome was made: when any of it changes, the outcome is made again, from the samples that are there."""

from __future__ import annotations

import inspect
import marshal
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from allometry.inference.calls import Engine, digest
from allometry.inference.strategies import Strategy
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import Grader


def fingerprint(strategy: Strategy, problem: Problem, engines: Mapping[str, Engine], scorer: Grader | None) -> str:
    """A hash of the code of a strategy, of its functions and of the scorer, of the answer, and of shapes and prices.

    The code of functions that these call is not seen.
    """
    functions = [strategy.solve, problem.read, *strategy.arguments.values(), scorer]
    costs = [(role, e.profile.shape, e.profile.price, e.profile.cache_bytes) for role, e in sorted(engines.items())]
    name = "" if scorer is None else scorer.name
    parts = [name, repr(problem.answer), repr(problem.data), problem.group, repr(costs)]
    codes = [f.code if isinstance(f, Grader) else f for f in functions]
    return digest(*parts, *(_code_of(code) for code in codes if callable(code))).hex()[:16]


@lru_cache(maxsize=256)
def _code_of(function: Callable[..., Any]) -> bytes:
    """The source of a function, or what it was compiled to where there is no source."""
    try:
        return inspect.getsource(function).encode()
    except (OSError, TypeError):
        compiled = getattr(function, "__code__", None)
        return b"" if compiled is None else marshal.dumps(compiled)
