"""An axis on paper: its scale, its ends, and few enough numbers that none touches the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from allometry.reports.numbers import shown
from allometry.reports.paper.panels import Values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Way: TypeAlias = Literal["x", "y"]

_STEPS: tuple[tuple[int, ...], ...] = ((1, 2, 5), (1, 3), (1,))


def set_scale(axes: Axes, way: Way, settings: Values) -> None:
    """The scale and ends of an axis as the page has them."""
    log = settings.get("type") == "log"
    if log:
        axes.set(**{f"{way}scale": "log"})
    if "range" in settings:
        ends = np.asarray(settings["range"], dtype=float)
        axes.set(**{f"{way}lim": 10.0**ends if log else ends})
    elif settings.get("rangemode") == "tozero":
        axes.set(**{f"{way}lim": (0.0, max(_ends(axes, way)))})


def set_numbers(axes: Axes, way: Way, settings: Values, most: int) -> None:
    """At most `most` numbers along an axis, once all panels that share it have their ends."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    low, high = sorted(_ends(axes, way))
    if settings.get("type") == "log":
        places = _places(low, high, most)
    else:
        places = [at for at in MaxNLocator(most - 1, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= at <= high]
    axis = axes.xaxis if way == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value, settings)))


def _ends(axes: Axes, way: Way) -> tuple[float, float]:
    return axes.get_xlim() if way == "x" else axes.get_ylim()


def number(value: float, settings: Values) -> str:
    """A number as the page shows it on this axis: with its sign, as a percentage, or with its suffix.

    >>> number(0.05, {"tickformat": "+.0%"}), number(5.0, {"ticksuffix": "%"}), number(1e9, {})
    ('+5%', '5%', '10⁹')
    """
    pattern = str(settings.get("tickformat", ""))
    text = format(value, pattern) if pattern else shown(value)
    return text.replace("-", "−") + str(settings.get("ticksuffix", ""))


def _places(low: float, high: float, most: int) -> list[float]:
    """The densest of 1-2-5, 1-3 and 1 within a decade, or whole decades further apart."""
    first, last = int(np.floor(np.log10(low))) - 1, int(np.ceil(np.log10(high))) + 1
    for digits in _STEPS:
        found = [d * 10.0**power for power in range(first, last + 1) for d in digits]
        found = [place for place in found if low <= place <= high]
        if len(found) <= most:
            return found
    return found[:: -(-len(found) // most)]
