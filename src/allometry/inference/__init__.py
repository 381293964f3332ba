"""Test-time scaling: engines, budgets, records, strategies and sweeps.

The names most used load on first use; each room has its own in full.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allometry.inference.calls import Budget, Request, Response, read_budgets, sample
    from allometry.inference.engines import Simulator, World, find_engine
    from allometry.inference.records import Records
    from allometry.inference.strategies import Answer, find_strategy, list_strategies, read_strategy, strategy
    from allometry.inference.sweeps import asweep, rows, summarise, sweep
    from allometry.inference.tasks import Problem, find_task, read_problems, simulated_problems
    from allometry.inference.verifiers import EXACT, Grader, find_grader, find_vote, grader

_HOMES = {
    "Budget": "calls", "Request": "calls", "Response": "calls", "read_budgets": "calls", "sample": "calls",
    "Simulator": "engines", "World": "engines", "find_engine": "engines", "Records": "records",
    "Answer": "strategies", "find_strategy": "strategies", "list_strategies": "strategies", "strategy": "strategies",
    "read_strategy": "strategies", "find_task": "tasks", "summarise": "sweeps",
    "asweep": "sweeps", "rows": "sweeps", "sweep": "sweeps", "Problem": "tasks", "simulated_problems": "tasks",
    "EXACT": "verifiers", "Grader": "verifiers", "find_grader": "verifiers", "find_vote": "verifiers",
    "grader": "verifiers", "read_problems": "tasks",
}  # fmt: skip

__all__ = [
    "EXACT", "Answer", "Budget", "Grader", "Problem", "Records", "Request", "Response", "Simulator", "World",
    "asweep", "find_engine", "find_grader", "find_strategy", "find_task", "find_vote", "grader", "list_strategies",
    "read_budgets", "read_problems", "read_strategy", "rows", "sample", "simulated_problems", "strategy",
    "summarise", "sweep",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'allometry.inference' has no attribute {name!r}")
    return getattr(import_module(f"allometry.inference.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
