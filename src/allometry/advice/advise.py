"""Every rule asked of a table, and what they say in order of effect."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TypeAlias

from allometry.advice import rules
from allometry.advice.finding import Finding, Level, in_order
from allometry.advice.study import Study
from allometry.notices import Interval

Rule: TypeAlias = Callable[[Study], Iterable[Finding]]


@dataclass(frozen=True)
class Advice:
    """What was found, in order, by which rules, and the numbers it is measured by."""

    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    baseline: Mapping[str, Interval]

    @property
    def worst(self) -> Level | None:
        """The gravest level among the findings."""
        return self.findings[0].level if self.findings else None


def list_rules() -> dict[str, Rule]:
    """Every rule by name: one file of the folder `rules`, which holds one function `find`.

    >>> "influence" in list_rules()
    True
    """
    names = sorted(module.name for module in pkgutil.iter_modules(rules.__path__) if not module.name.startswith("_"))
    return {name: import_module(f"{rules.__name__}.{name}").find for name in names}


def advise(study: Study, tick: Callable[[int], None] = lambda done: None) -> Advice:
    """Check a table the way an expert would, and say what to do in order of effect.

    Use it before a fit is believed, and again after following it: mending one thing may show another. It is no test
    of the law's form; for that compare laws by backtest. `tick` is called with 1 after each rule.

    A table that cannot be fitted is not refused: that is then the first finding.
    Sources: each finding names its own.

    >>> import numpy as np
    >>> from allometry.laws import find_law
    >>> from allometry.runs import read_runs
    >>> flops = np.geomspace(1e18, 1e21, 4)
    >>> runs = read_runs({"flops": flops, "loss": 1.7 + 1000 * flops**-0.15})
    >>> [finding.code for finding in advise(Study(runs, find_law("power"))).findings if finding.level == "advice"]
    ['few-sizes', 'noise-unknown']
    """
    found: list[Finding] = []
    asked = list_rules()
    for rule in asked.values():
        found.extend(rule(study))
        tick(1)
    return Advice(in_order(found), tuple(asked), study.baseline)
