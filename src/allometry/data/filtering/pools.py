"""Runs on single pools of data of differing quality, as the rows of one fit that all pools share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from allometry.fits import Fit, Settings, fit
from allometry.forecasts import metric_at
from allometry.laws import find_law
from allometry.notices import Interval, Refused
from allometry.plans.questions.filtering import SHARE
from allometry.runs import Rows, Runs, read_runs

Array = np.ndarray
LAW = "quality_mixture"
MOST_POOLS = 3  # what the law's formula holds: one with four has more than 200 parts
JOIN = "+"


@dataclass(frozen=True)
class Pools:
    """`rows` of runs on single pools by the axes of the law of their mixtures, and what was trained on unions.

    `sizes` are the different examples of each pool (the largest in the table), `unions` rows by the pools they are of,
    which no fit sees; `given` counts the rows of the table.
    """

    sizes: Mapping[str, float]
    rows: Rows
    unions: Mapping[tuple[str, ...], Rows]
    given: int
    source: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.sizes)


@dataclass(frozen=True)
class PoolFit:
    """The joint fit: every pool has a utility and a half-life, all share a scale and a floor."""

    pools: Pools
    fit: Fit

    @property
    def utilities(self) -> dict[str, Interval]:
        """The exponent of one pass of each pool: the more negative, the better."""
        return {name: self.fit.parameters[f"b_{i + 1}"] for i, name in enumerate(self.pools.names)}

    @property
    def half_lives(self) -> dict[str, Interval]:
        """Passes after which a repeat of a pool is worth half of its first pass."""
        places = [self.fit.law.parameter_names.index(f"kept_{i + 1}") for i in range(len(self.pools.names))]
        values, drawn = half_life(self.fit.estimate[places]), half_life(self.fit.draws[:, places])
        return {name: self.fit.interval(float(values[i]), drawn[:, i]) for i, name in enumerate(self.pools.names)}

    def shares(self, chosen: tuple[str, ...]) -> dict[str, float]:
        """The share of each pool in a union: its own part of the different examples."""
        return share_of(self.pools.sizes, chosen)

    def error(self, chosen: tuple[str, ...], examples: Array) -> Array:
        """The error (1 + B, k) of training on a union for so many examples (k,): the estimate, then the draws."""
        shares = self.shares(chosen)
        points = {f"{SHARE}{i + 1}": np.full(len(examples), shares[name]) for i, name in enumerate(self.pools.names)}
        size = sum(self.pools.sizes[name] for name in chosen)
        points |= {"examples": examples, "pool_samples": np.full(len(examples), size)}
        return metric_at(self.fit.law, np.concatenate([self.fit.estimate[None], self.fit.draws]), points)

    def unseen(self) -> dict[tuple[str, ...], Array]:
        """The relative errors (n,) of predicted unions that were trained, none of which the fit saw."""
        estimate = self.fit.estimate[None]
        return {
            chosen: metric_at(self.fit.law, estimate, rows.axes)[0] / rows.target - 1
            for chosen, rows in self.pools.unions.items()
        }


def share_of(sizes: Mapping[str, float], chosen: Sequence[str]) -> dict[str, float]:
    """The share of each pool in a union: its part of the different examples."""
    size = sum(sizes[name] for name in chosen)
    return {name: sizes[name] / size if name in chosen else 0.0 for name in sizes}


def half_life(kept: Array) -> Array:
    """Passes after which what a pass keeps of the one before has come to a half.

    >>> half_life(np.array([0.5, 0.5**0.25])).round(6).tolist()
    [1.0, 4.0]
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(0.5) / np.log(np.asarray(kept)))


def read_pools(source: object, *, where: str | None = None) -> Pools:
    """Pools from a table with columns `pool`, `examples` (seen, repeats counted), `pool_samples` (different) and `error`.

    Pools stand in the order of the table. Rows whose pool is several names joined by + were trained on a union: they
    are predicted, never fitted, at their own `pool_samples`, which may be fewer than all of the union, with the pools in
    proportion to their sizes.
    Errors: `Refused` for one pool, more than three, unions of unknown pools, and what cannot be read.

    >>> table = {"pool": ["best", "rest", "best+rest"], "examples": [1e6] * 3, "pool_samples": [1e6, 1e6, 2e6], "error": [0.7, 0.8, 0.75]}
    >>> found = read_pools(table)
    >>> found.names, found.rows.axes["share_2"].tolist(), list(found.unions)
    (('best', 'rest'), [0.0, 1.0], [('best', 'rest')])
    """
    runs = read_runs(source, rows="all", where=where)
    every = {tuple(part.strip() for part in name.split(JOIN)): name for name in runs.by("pool")}
    names = [parts[0] for parts in every if len(parts) == 1]
    _refuse(every, names, runs.source)
    called = {text: parts for parts, text in every.items()}
    runs = runs.keep(np.array([value in called for value in runs.column("pool").tolist()]), "no pool is named")
    single = np.isin(runs.column("pool").astype(str), [every[(name,)] for name in names])
    alone = _with_shares(runs.keep(single, "trained on a union of pools"), called, dict.fromkeys(names, 1.0))
    parted = alone.by("pool")
    sizes = {name: float(np.max(_rows(parted[every[(name,)]], names).axes["pool_samples"])) for name in names}
    united = _with_shares(runs, called, sizes).by("pool")
    unions = {parts: _rows(united[text], names) for parts, text in every.items() if len(parts) > 1}
    return Pools(sizes, _rows(alone, names), unions, runs.given, runs.source)


def _refuse(every: Iterable[tuple[str, ...]], names: Sequence[str], source: str) -> None:
    if not 2 <= len(names) <= MOST_POOLS:
        few, many = (
            "name the pool of each run in the column `pool`",
            "merge neighbours in quality, or leave the worst out (--where)",
        )
        raise Refused("bad-pools", f"there are runs on {len(names)} single pools, and {LAW} holds two or three", source,
                      few if len(names) < 2 else many)  # fmt: skip
    for parts in every:
        for unknown in [part for part in parts if part not in names][:1]:
            raise Refused("unknown-pool", f"{JOIN.join(parts)} holds {unknown}, of which there are no runs alone", source,
                          "add runs on it alone, or leave the union out (--where)")  # fmt: skip


def _with_shares(runs: Runs, called: Mapping[str, tuple[str, ...]], sizes: Mapping[str, float]) -> Runs:
    """The rows with the law's shares: a union holds its pools in proportion to their sizes."""
    parts = [share_of(sizes, called[str(value)]) for value in runs.column("pool").tolist()]
    shares = {f"{SHARE}{i + 1}": np.array([own[name] for own in parts]) for i, name in enumerate(sizes)}
    return replace(runs, columns={**runs.columns, **shares})


def _rows(runs: Runs, names: Sequence[str]) -> Rows:
    axes = ["examples", "pool_samples", *(f"{SHARE}{i + 1}" for i in range(len(names)))]
    return runs.rows_for(axes, "error", logs={"examples", "pool_samples", "error"}, fewest=1)


def fit_pools(pools: Pools, settings: Settings | None = None) -> PoolFit:
    """Utility and half-life of every pool at once, the scale `a` and the floor `d` shared.

    Use it on runs from well under one pass to several; fix d where it is known (`Settings(fixed={"d": 0.1})`), as the
    authors do. Not for pools of runs within one pass: half-lives are then refused.
    Errors: `Refused` for parameters that the runs cannot tell.
    Source: Goyal et al. 2024, arXiv 2404.07177.
    """
    found = fit(pools.rows, find_law(f"{LAW}:{len(pools.names)}"), settings or Settings())
    for parameter, why in found.confounded.items():
        raise Refused("not-identified", f"{_said(parameter, pools.names)} is not told by these runs ({why})", pools.source,
                      "train from under one pass to several on each pool, or fix d (--fix d=0.1)")  # fmt: skip
    return PoolFit(pools, found)


def _said(parameter: str, names: tuple[str, ...]) -> str:
    kind, _, number = parameter.partition("_")
    words = {"b": "the utility", "kept": "the half-life"}
    return f"{words[kind]} of {names[int(number) - 1]}" if kind in words and number else parameter
