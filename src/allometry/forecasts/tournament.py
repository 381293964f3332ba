"""A tournament of laws by backtest: who forecast better, whether the difference is real, and how to mix them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allometry.forecasts.backtest import Backtest
from allometry.forecasts.splits import Array
from allometry.forecasts.stack import resample_groups, share_of_rows, stack_weights
from allometry.notices import Interval, Refused

RESAMPLES = 2000
FEW_GROUPS = 5
# Mean |ln| that a solver's last digits can make up: two spellings of one law differ by 1e-11 to 1e-8, always one way.
TIE = 1e-6


@dataclass(frozen=True)
class Standing:
    """One law's place: its errors on the common rows, and by how much the best one beats it.

    `error_mean`, `error_max` are |predicted/measured - 1|, `log_error_rms` of ln(predicted/measured), `bias` the mean
    of the latter; `coverage` of the new-run intervals, None without draws; `behind` the mean of |ln| minus the best
    law's, with an interval by resampling held-out runs whole; `weight` its share in the stack.
    """

    law: str
    parameters: int
    error_mean: float
    error_max: float
    log_error_rms: float
    bias: float
    coverage: float | None
    behind: Interval
    weight: float
    failed: tuple[str, ...]

    @property
    def distinguishable(self) -> bool:
        """Whether the best law is better by more than chance among these runs."""
        return self.behind.low is not None and self.behind.low > TIE


@dataclass(frozen=True)
class Tournament:
    """Laws from the smallest mean error on; `recommended` is the simplest that the best one does not beat by more than
    chance; `rows` and `groups` are what they were scored on; `stack_error` is the mean error of a stack
    whose weights at each cut come from forecasts of runs below it (None where no cut has any), `stack_beside` that of
    the law which was best at the same forecasts, `stack_behind` the stack's |ln| minus the least of any law there; `missed`
    names laws that are not ranked because some of their forecasts are not positive numbers."""

    standings: tuple[Standing, ...]
    recommended: str
    rows: int
    groups: int
    stack_error: float | None
    stack_beside: float | None
    stack_behind: float | None
    missed: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Who is recommended, and who cannot be told from the best."""
        best = self.standings[0].law
        if len(self.standings) == 1:
            return f"{best} alone: nothing to compare it with"
        if self.groups < FEW_GROUPS:
            return f"{best} missed least, but {self.groups} held-out runs are too few to call any law better"
        level = [s.law for s in self.standings[1:] if not s.distinguishable]
        if not level:
            return f"{best} forecasts best"
        alike = f"{best} and {' and '.join(level)} are not distinguishable on {self.groups} held-out runs"
        return f"{alike}; recommended: {self.recommended}, the simplest of them"

    @property
    def stack_sentence(self) -> str:
        """How a stack would have forecast beside the best law; empty for one law, and where no cut lets weights be made."""
        if self.stack_error is None or len(self.standings) < 2:
            return ""
        return (
            f"a stack, weighted at each cut by forecasts of the runs below it, missed by {self.stack_error:.2%} where the "
            f"law that was best there missed by {self.stack_beside:.2%}"
        )


def tournament(backtests: Sequence[Backtest], *, seed: int = 0) -> Tournament:
    """Rank laws by how they forecast the same held-out rows.

    Use it on the result of `backtest`. Every cut counts alike. The interval of a difference resamples held-out runs
    whole, in all cuts together, at the level of the backtests: it says what other runs of this kind would have shown,
    not what another table would. With fewer than five held-out runs nothing is called distinguishable.

    Errors: `Refused` where the laws have no row in common.

    >>> import numpy as np
    >>> from allometry.fits import Settings
    >>> from allometry.forecasts import backtest
    >>> from allometry.laws import find_law
    >>> from allometry.runs import read_runs
    >>> n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 1e11, 5)))
    >>> runs = read_runs({"params": n, "tokens": d, "loss": 1.7 + 400 / n**0.34 + 410 / d**0.28})
    >>> found = tournament(backtest(runs, [find_law("kaplan"), find_law("chinchilla")], Settings(bootstrap=0)))
    >>> found.standings[0].law, found.recommended
    ('chinchilla', 'chinchilla')
    """
    whole = [test for test in backtests if np.isfinite(test.error).all()]
    missed = tuple(_missed(test) for test in backtests if test not in whole)
    if not whole:
        raise Refused("no-forecast", "; ".join(missed), "the laws", "leave out laws that can fall below zero")
    backtests = whole
    common = _common(backtests)
    errors = np.stack([test.error[rows] for test, rows in zip(backtests, common, strict=True)])
    first = backtests[0]
    cut, group = first.cut[common[0]], first.group[common[0]]
    codes = np.unique(group, return_inverse=True)[1]
    share = share_of_rows(cut)
    draws = resample_groups(codes, RESAMPLES, seed)
    size = (np.abs(errors) * share) @ draws[codes] / (share @ draws[codes])
    mean = np.abs(errors) @ share
    order = np.argsort(mean, kind="stable")
    behind = [_behind(mean[i] - mean[order[0]], size[i] - size[order[0]], first.level, codes) for i in range(len(mean))]
    weights = stack_weights(errors, share, codes, seed)
    standings = tuple(_standing(backtests[i], common[i], errors[i], share, behind[i], float(weights[i])) for i in order)
    stack = _stacked(errors, cut, first.reach[common[0]], codes, seed)
    alike = [s for s in standings if not s.distinguishable]
    groups = int(codes.max()) + 1
    # with too few held-out runs to tell anything apart, being simple is no reason to be preferred
    chosen = min(alike, key=lambda s: s.parameters) if groups >= FEW_GROUPS else standings[0]
    return Tournament(standings, chosen.law, len(share), groups, *stack, missed)


def _missed(test: Backtest) -> str:
    return f"{test.law.name}: {int(np.isinf(test.error).sum())} of {len(test.row)} forecasts are not positive numbers"


def _common(backtests: Sequence[Backtest]) -> list[np.ndarray]:
    """For each law the places of the rows and cuts that all laws scored, in one order."""
    keys = [list(zip(test.cut.tolist(), test.row.tolist(), strict=True)) for test in backtests]
    keys = [[(None if cut != cut else cut, row) for cut, row in own] for own in keys]
    shared = set.intersection(*(set(own) for own in keys))
    if not shared:
        names = ", ".join(test.law.name for test in backtests)
        raise Refused("nothing-common", "no row was scored by all laws", names, "leave out the law that fails")
    ordered = [key for key in keys[0] if key in shared]
    places = [{key: place for place, key in enumerate(own)} for own in keys]
    return [np.array([place[key] for key in ordered]) for place in places]


def _behind(value: float, draws: Array, level: float, codes: np.ndarray) -> Interval:
    groups = int(codes.max()) + 1
    if groups < FEW_GROUPS:
        return Interval(float(value), None, None, f"{groups} held-out runs are too few")
    # cuts are not resampled: a resample that misses every row of all cuts is undefined and left out
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def _standing(
    test: Backtest, rows: np.ndarray, error: Array, share: Array, behind: Interval, weight: float
) -> Standing:
    relative = np.abs(np.expm1(error))
    inside = test.inside[rows] if np.isfinite(test.low[rows]).all() else None
    return Standing(
        law=test.law.name, parameters=len(test.law.parameters), error_mean=float(relative @ share),
        error_max=float(relative.max()), log_error_rms=float(np.sqrt(error**2 @ share)), bias=float(error @ share),
        coverage=None if inside is None else float(inside @ share), behind=behind, weight=weight, failed=test.failed,
    )  # fmt: skip


def _stacked(
    errors: Array, cut: Array, reach: Array, codes: np.ndarray, seed: int
) -> tuple[float | None, float | None, float | None]:
    """Mean error of the stack, that of the best law at the same forecasts, and the stack's |ln| minus the least there.

    At each cut the weights are made from what was known there: forecasts at earlier cuts of runs that end below it.
    """
    mixed, rows = [], []
    for here in np.unique(cut[np.isfinite(cut)]):
        known = (cut < here) & (reach <= here)
        if known.any():
            weights = stack_weights(errors[:, known], share_of_rows(cut[known]), _renumbered(codes[known]), seed)
            rows.append(np.flatnonzero(cut == here))
            mixed.append(weights @ errors[:, rows[-1]])
    if not rows:
        return None, None, None
    asked, own = np.concatenate(rows), np.concatenate(mixed)
    share = share_of_rows(cut[asked])
    beside = float((np.abs(np.expm1(errors[:, asked])) @ share).min())
    least = float((np.abs(errors[:, asked]) @ share).min())
    return float(np.abs(np.expm1(own)) @ share), beside, float(np.abs(own) @ share) - least


def _renumbered(codes: np.ndarray) -> np.ndarray:
    """The same groups numbered from 0 without gaps, or a resample would draw groups that are not there."""
    return np.unique(codes, return_inverse=True)[1]
