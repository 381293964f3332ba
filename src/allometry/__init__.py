"""Decide what to scale next: measure, fit, forecast, plan.

The public names load on first use, so that `import allometry` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from allometry.fits import Fit, Settings, fit, load_fit, save_fit
    from allometry.forecasts import forecast
    from allometry.laws import find_law, list_laws
    from allometry.notices import Interval, Notice, Refused
    from allometry.plans import plan
    from allometry.reports import write_figures, write_report
    from allometry.runs import read_runs

_HOMES = {
    "Fit": "fits", "Settings": "fits", "fit": "fits", "load_fit": "fits", "save_fit": "fits",
    "forecast": "forecasts", "plan": "plans", "find_law": "laws", "list_laws": "laws",
    "Interval": "notices", "Notice": "notices", "Refused": "notices", "read_runs": "runs",
    "write_figures": "reports", "write_report": "reports",
}  # fmt: skip

__all__ = [
    "Fit", "Interval", "Notice", "Refused", "Settings", "find_law", "fit", "forecast",
    "list_laws", "load_fit", "plan", "read_runs", "save_fit", "write_figures", "write_report",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'allometry' has no attribute {name!r}")
    return getattr(import_module(f"allometry.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
