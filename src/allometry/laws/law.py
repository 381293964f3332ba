"""What a law is: a formula, its axes and metric, its parameters, and the constants others published.

It knows nothing about data and fits nothing; where declarations live and how they are read is in the files beside it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from allometry.axes import AXES, Axis
from allometry.expressions import Compiled, Formula, compile_formula, evaluate, javascript, latex, parse
from allometry.notices import Refused

Array: TypeAlias = NDArray[np.float64]
SHARE_ROUNDING = 1e-6  # by which shares written with few digits may miss their sum
Bounds: TypeAlias = tuple[float | None, float | None]


@dataclass(frozen=True)
class Parameter:
    """One unknown of a law.

    `low` and `high` bound it, None for no bound: 0 and None is a positive parameter, None and None a free one.
    `start` is the range of natural values that fits start from, None where the fit must choose. `along` names an axis
    on which the parameter is a place (a break, a knee): then fits start from the range of that axis in the runs.
    """

    name: str
    meaning: str = ""
    unit: str = ""
    low: float | None = 0.0
    high: float | None = None
    symbol: str = ""
    start: tuple[float, float] | None = None
    along: str = ""

    @property
    def bounds(self) -> Bounds:
        return self.low, self.high

    def allows(self, value: float) -> bool:
        """Whether a value lies within the bounds, ends included.

        >>> Parameter("alpha").allows(0.3), Parameter("alpha").allows(-0.3)
        (True, False)
        """
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class Published:
    """Constants of a law as a source gives them.

    `status` is how we know them: seen (in the source itself or the authors' files), recalled (from memory or second
    hand), proposed (ours). `where` is the table or equation, `conventions` how the source counts.
    """

    key: str
    values: Mapping[str, float]
    source: str
    status: str
    where: str = ""
    conventions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One number that a source prints, or that is computed by hand, and that follows from the law and constants.

    `values` are the constants, `at` the point, `value` the number and `within` how far ours may be from it (the
    source's rounding); `quantity` is a formula in the law's parameters and axes, empty for the law itself; `computed`
    says that no source prints it: it was computed apart from this package, by hand or in plain Python.
    """

    name: str
    values: Mapping[str, float]
    at: Mapping[str, float]
    value: float
    within: float
    where: str
    quantity: str = ""
    computed: bool = False


@dataclass(frozen=True)
class Design:
    """Runs on which a law must be able to find its own constants again: true values, axis values, noise.

    `grid` holds axes that are crossed, `columns` axes that go together row by row (the shares of a mixture), or the
    columns of a table that the law's axes are computed from (step and rate of a schedule).
    `noise` is the standard deviation of the residual in the law's space. `loose` says that these runs leave parameters
    nearly free while they hold the curve: then only forecasts must come back.
    """

    values: Mapping[str, float]
    grid: Mapping[str, tuple[float, ...]]
    noise: float
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    loose: bool = False

    @property
    def size(self) -> int:
        """How many runs it has."""
        return len(next(iter(self.points().values())))

    def points(self) -> dict[str, Array]:
        """Every row of the columns with every combination of the grid, as one array (n,) for each axis.

        >>> Design({}, {"params": (1.0, 2.0), "tokens": (5.0,)}, 0.0).points()
        {'params': array([1., 2.]), 'tokens': array([5., 5.])}
        """
        together = list(zip(*self.columns.values(), strict=True)) or [()]
        rows = [(*row, *crossed) for row in together for crossed in itertools.product(*self.grid.values())]
        return dict(zip([*self.columns, *self.grid], np.array(rows, dtype=float).T, strict=True))


@dataclass(frozen=True, eq=False, repr=False)
class Law:
    """A law: what it predicts (`metric`) from what (`axes`), by which formula, with which unknowns.

    Get one from `find_law`. `declared` holds the axes that are not in the vocabulary, `space` is where its residuals
    are taken by default, `sizes` the number of members of each parameter family. `status` is how its form is known
    (seen, recalled, proposed), `provisional` that only an abstract was seen, `papers` the published systems that it
    answers. Two laws are equal only when they are the same object; compare their `formula.text` and `parameters`
    instead.

    >>> from allometry.laws import find_law
    >>> law = find_law("chinchilla")
    >>> law.evaluate(law.published["hoffmann"].values, {"params": [70e9], "tokens": [1.4e12]}).round(4)
    array([1.9366])
    """

    name: str
    title: str
    subject: str
    formula: Formula
    axes: tuple[str, ...]
    metric: str
    parameters: tuple[Parameter, ...]
    min_runs: int
    published: Mapping[str, Published] = field(default_factory=dict)
    source: str = ""
    use: str = ""
    avoid: str = ""
    metric_unit: str = ""
    space: str = "log"
    declared: Mapping[str, Axis] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    design: Design | None = None
    papers: tuple[str, ...] = ()
    status: str = ""
    provisional: bool = False
    figures: tuple[Figure, ...] = ()

    def __repr__(self) -> str:
        return f"Law({self.name!r}, {self.formula.text!r})"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def equation(self) -> str:
        """The formula as lines for people: intermediates first, then `metric = ...`."""
        *lines, last = self.formula.text.strip().splitlines()
        return "\n".join([*lines, f"{self.metric} = {last}"])

    @property
    def needs(self) -> str:
        """How many runs the law needs, and the runs on which its test finds its constants again."""
        needs = f"{self.min_runs} runs or more"
        if self.design is None:
            return needs
        found = "only the curve, not its parameters, comes" if self.design.loose else "its constants come"
        noise = f"{self.design.noise:g} in {self.space} space"
        return f"{needs}; {found} back from {self.design.size} simulated runs with noise of {noise}"

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Its axes for people and searches: the members of a family under the family's name, once."""
        family = re.compile(r"_\d+$")
        return tuple(dict.fromkeys(family.sub("", n) if n in self.declared else n for n in self.axes))

    def axis(self, name: str) -> Axis:
        """What is known of one of its axes; one that is in no vocabulary counts as positive."""
        return AXES.get(name) or self.declared.get(name) or Axis(name, name, "", "", "axis", positive=True, latex="")

    def compiled(self, space: str | None = None) -> Compiled:
        """The formula ready for batches and gradients, in the given space or the law's own; made once."""
        return _compiled(self, space or self.space)

    def evaluate(self, values: Mapping[str, float] | ArrayLike, points: Mapping[str, ArrayLike]) -> Array:
        """The metric at `points` for given constants, by the plain formula, independent of the compiled one.

        Use it for values that are shown or checked; `compiled` is faster over many draws.
        Arguments: `values` maps each parameter to its natural value, or is an array (p,) or (B, p) in the order of
        `parameters`; `points` maps each axis to a number or an array (n,); other columns are left alone.
        Returns (n,), or (B, n) for draws.
        Errors: `Refused` for a missing axis or parameter, values outside the bounds, an axis value that is not finite
        or not positive where it must be, and a result that is not a number.
        """
        theta = self._theta(values)
        columns = self._columns(points)
        named = {name: theta[..., i, None] for i, name in enumerate(self.parameter_names)}
        with np.errstate(all="ignore"):
            result = np.asarray(evaluate(self.formula.root, {**columns, **named}), dtype=float)
        result = np.broadcast_to(result, theta.shape[:-1] + next(iter(columns.values())).shape).copy()
        if not np.isfinite(result).all():
            row = int(np.argwhere(~np.isfinite(result))[0, -1])
            where = ", ".join(f"{name}={column[row]:g}" for name, column in columns.items())
            raise Refused("not-a-number", f"{self.name} has no finite value there", where, "stay inside its domain")
        return result

    def figure(self, figure: Figure) -> float:
        """Our number for a figure: the law, or the figure's own quantity, at its constants and point.

        >>> from allometry.laws import find_law
        >>> law = find_law("parscale")
        >>> round(law.figure(law.figures[0]), 3)
        1.818
        """
        if not figure.quantity:
            return float(self.evaluate(figure.values, figure.at)[0])
        with np.errstate(all="ignore"):
            return float(evaluate(parse(figure.quantity, self.sizes).root, {**figure.at, **figure.values}))

    def latex(self) -> str:
        """The formula as LaTeX, with the symbols of its axes and parameters."""
        symbols = {parameter.name: parameter.symbol for parameter in self.parameters if parameter.symbol}
        symbols |= {name: self.axis(name).latex for name in self.axes if self.axis(name).latex}
        return latex(self.formula, symbols)

    def javascript(self) -> str:
        """The formula as a JavaScript function of one object with the axes and parameters as its keys."""
        return javascript(self.formula)

    def _theta(self, values: Mapping[str, float] | ArrayLike) -> Array:
        theta = self._ordered(values) if isinstance(values, Mapping) else np.asarray(values, dtype=float)
        if theta.ndim not in (1, 2) or theta.shape[-1] != len(self.parameters):
            wanted = f"({len(self.parameters)},) or (B, {len(self.parameters)})"
            raise Refused("wrong-shape", f"{self.name} takes values of shape {wanted}, not {theta.shape}")
        for i, parameter in enumerate(self.parameters):
            column = theta[..., i].ravel()
            if not (np.isfinite(column).all() and all(parameter.allows(value) for value in column)):
                raise Refused("bad-value", f"{parameter.name} must be {_range(parameter)}", self.name)
        return theta

    def _ordered(self, values: Mapping[str, float]) -> Array:
        missing = [name for name in self.parameter_names if name not in values]
        unknown = [name for name in values if name not in self.parameter_names]
        if missing:
            raise Refused("missing-parameter", f"{self.name} has no value for {', '.join(missing)}", mend="give one")
        if unknown:
            has = ", ".join(self.parameter_names)
            raise Refused("unknown-parameter", f"{self.name} has no parameter {unknown[0]!r}", mend=f"it has {has}")
        return np.array([values[name] for name in self.parameter_names], dtype=float)

    def _columns(self, points: Mapping[str, ArrayLike]) -> dict[str, Array]:
        missing = [name for name in self.axes if name not in points]
        if missing:
            shown = [*self.axes[:6], "and so on"] if len(self.axes) > 9 else self.axes
            needs = f"{self.name} needs {', '.join(shown)}"
            raise Refused("missing-axis", f"no {missing[0]!r} among the points", mend=needs)
        columns = {name: np.atleast_1d(np.asarray(points[name], dtype=float)) for name in self.axes}
        for name, column in columns.items():
            self._check_column(name, column)
        try:
            columns = dict(zip(columns, np.broadcast_arrays(*columns.values()), strict=True))
        except ValueError:
            lengths = ", ".join(f"{name} {column.shape}" for name, column in columns.items())
            raise Refused("wrong-shape", "the axes have different lengths", lengths) from None
        self._check_mixture(columns)
        return columns

    def _check_mixture(self, columns: Mapping[str, Array]) -> None:
        """Shares of one mixture, members of one family, sum to one at most."""
        for family in set(self.axis_names) - set(self.axes):
            members = [column for name, column in columns.items() if re.fullmatch(rf"{family}_\d+", name)]
            if self.axis(f"{family}_1").unit == "share" and np.any(np.sum(members, axis=0) > 1 + SHARE_ROUNDING):
                raise Refused("bad-point", f"the values of {family} sum to more than 1", self.name, "give shares")

    def _check_column(self, name: str, column: Array) -> None:
        positive = self.axis(name).positive
        bad = ~np.isfinite(column) | (positive & (column <= 0))
        if bad.any():
            index = int(np.flatnonzero(bad)[0])
            kind = "a positive number" if positive else "a finite number"
            raise Refused("bad-point", f"{name} must be {kind}, not {column[index]:g}", f"point {index}")
        outside = (column < 0) | (column > 1 + SHARE_ROUNDING)
        if self.axis(name).unit == "share" and self.axis(name).kind == "axis" and outside.any():
            index = int(np.flatnonzero(outside)[0])
            message = f"{name} is a share and must lie between 0 and 1, not {column[index]:g}"
            raise Refused("bad-point", message, f"point {index}", "write 3% as 0.03")


@lru_cache(maxsize=256)
def _compiled(law: Law, space: str) -> Compiled:
    axes = {name: law.axis(name).positive for name in law.axes}
    return compile_formula(law.formula, axes, {p.name: p.bounds for p in law.parameters}, space)


def _range(parameter: Parameter) -> str:
    low = "" if parameter.low is None else f" from {parameter.low:g}"
    high = "" if parameter.high is None else f" up to {parameter.high:g}"
    return f"a finite number{low}{high}"
