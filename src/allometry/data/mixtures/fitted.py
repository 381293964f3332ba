"""One law a validation domain, fitted to the same mixtures: their weighted loss at any mixture, over joint draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from allometry.data.mixtures.simplex import Array, Objective
from allometry.data.mixtures.table import SHARES, Mixtures
from allometry.fits import Fit, Settings, Tick, fit, reweigh
from allometry.forecasts import metric_at
from allometry.laws import Law, find_law
from allometry.notices import Refused
from allometry.runs import Rows

DEFAULT = "data_mixing"
SYNERGY = "synergy"


@dataclass(frozen=True)
class MixtureFit:
    """Fits by validation domain with their `weights`, which sum to one.

    `held` are further axes of the law at one value each, `transfer` (k, k) the pairs that a law with an axis `synergy`
    takes it from. `draws` by validation domain are (B, P), the same resamples of the mixtures in each.
    """

    domains: tuple[str, ...]
    fits: Mapping[str, Fit]
    weights: Mapping[str, float]
    draws: Mapping[str, Array]
    held: Mapping[str, float]
    transfer: Array | None

    @property
    def law(self) -> Law:
        return next(iter(self.fits.values())).law

    @property
    def count(self) -> int:
        """How many joint draws there are."""
        return len(next(iter(self.draws.values())))

    @property
    def estimates(self) -> dict[str, Array]:
        return {name: found.estimate[None] for name, found in self.fits.items()}

    def points(self, shares: Array) -> dict[str, Array]:
        """The law's axes (..., ) at mixtures (..., k)."""
        points = {name: shares[..., i] for i, name in enumerate(share_axes(self.law))}
        points |= {name: np.full(shares.shape[:-1], value) for name, value in self.held.items()}
        return points if self.transfer is None else points | {SYNERGY: synergy(shares, self.transfer)}

    def losses(self, shares: Array, draws: Mapping[str, Array] | None = None) -> dict[str, Array]:
        """The loss (B, j) on each validation domain at mixtures (j, k) or, each draw having its own, (B, j, k)."""
        points = self.points(shares)
        with np.errstate(all="ignore"):
            return {name: metric_at(self.law, own, points) for name, own in (draws or self.estimates).items()}

    def total(self, shares: Array, draws: Mapping[str, Array] | None = None) -> Array:
        """The weighted loss (B, j); infinite where a draw has no value."""
        found = sum(self.weights[name] * loss for name, loss in self.losses(shares, draws).items())
        return np.nan_to_num(np.asarray(found), nan=np.inf, posinf=np.inf)

    def objective(self, draws: Mapping[str, Array] | None = None) -> Objective:
        """The weighted loss as what is minimised over shares, one member a draw."""
        return lambda shares: self.total(shares, draws)


def share_axes(law: Law) -> tuple[str, ...]:
    return tuple(name for name in law.axes if name.startswith(SHARES))


def synergy(shares: Array, transfer: Array) -> Array:
    """Sum over ordered pairs of different domains of share * share * transfer, for mixtures (..., k).

    >>> synergy(np.array([0.5, 0.5]), np.array([[0.0, 0.2], [0.1, 0.0]])).round(3).tolist()
    0.075
    """
    apart = transfer * (1 - np.eye(len(transfer)))
    return np.einsum("...i,ij,...j->...", shares, apart, shares)


def mixture_law(name: str | None, domains: int) -> Law:
    """The law of so many training domains; by default that of data mixing, whose last domain is the reference.

    >>> mixture_law(None, 3).axes
    ('share_1', 'share_2')
    """
    law = find_law(f"{DEFAULT}:{domains - 1}" if name is None else name if ":" in name else f"{name}:{domains}")
    if len(share_axes(law)) not in (domains, domains - 1):
        raise Refused("other-shares", f"{law.name} takes {len(share_axes(law))} shares and the table has {domains} training domains",
                      "--law", f"give data_mixing:{domains - 1}, or another law of mixtures")  # fmt: skip
    return law


def fit_mixtures(
    table: Mixtures,
    *,
    law: str | None = None,
    weights: Mapping[str, float] | None = None,
    at: Mapping[str, float] | None = None,
    transfer: Array | None = None,
    settings: Settings | None = None,
    tick: Tick = lambda _: None,
) -> MixtureFit:
    """Fit the law of mixtures to each validation domain of a table, all on the same resamples.

    Arguments: `weights` of validation domains, 1 for each that is not named, taken relative to their sum; `at` gives every
    further axis of the law one value; `transfer` (k, k) is what `synergy` needs, from pairs of domains.
    Errors: `Refused` for weights of unknown domains, a law of other shares, and parameters that the mixtures cannot tell.
    """
    chosen = mixture_law(law, len(table.domains))
    held = _held(chosen, at or {}, transfer)
    found = dict[str, Fit]()
    for name, rows in table.measured.items():
        found[name] = _fitted(name, _with_synergy(rows, table, transfer), chosen, settings or Settings())
        tick(1)
    return MixtureFit(table.domains, found, _weights(weights, tuple(table.measured)), _paired(found), held, transfer)


def _fitted(name: str, rows: Rows, law: Law, settings: Settings) -> Fit:
    try:
        found = fit(rows, law, settings)
    except Refused as refused:
        raise Refused(refused.code, f"{name}: {refused.message}", refused.where, refused.mend) from None
    for parameter, why in found.confounded.items():
        raise Refused("not-identified", f"{name}: {parameter} is not told by these mixtures ({why})", "the table",
                      "train mixtures that differ more")  # fmt: skip
    return found


def _with_synergy(rows: Rows, table: Mixtures, transfer: Array | None) -> Rows:
    return rows if transfer is None else replace(rows, axes={**rows.axes, SYNERGY: synergy(table.shares, transfer)})


def _held(law: Law, at: Mapping[str, float], transfer: Array | None) -> dict[str, float]:
    own = [name for name in law.axes if name not in share_axes(law) and not (name == SYNERGY and transfer is not None)]
    missing, unknown = [name for name in own if name not in at], [name for name in at if name not in own]
    if missing:
        how = "give the pairs (--transfer)" if missing[0] == SYNERGY else "give one, such as --at params=1e9"
        raise Refused("missing-axis", f"{law.name} needs a value for {missing[0]}", "--at", how)
    if unknown:
        raise Refused("unknown-axis", f"{law.name} has no axis {unknown[0]}", "--at", f"it has {', '.join(law.axes)}")
    return dict(at)


def _weights(weights: Mapping[str, float] | None, names: tuple[str, ...]) -> dict[str, float]:
    for name, value in (weights or {}).items():
        if name not in names:
            raise Refused(
                "unknown-domain", f"no validation domain is called {name}", "--weigh", f"there are {', '.join(names)}"
            )
        if not (np.isfinite(value) and value >= 0):
            raise Refused(
                "bad-weight", f"{value:g} is no weight of {name}", "--weigh", "give numbers of zero and above"
            )
    given = dict.fromkeys(names, 1.0) | dict(weights or {})
    total = sum(given.values())
    if total == 0:
        raise Refused("bad-weight", "all weights are zero", "--weigh", "give one of them a positive number")
    return {name: given[name] / total for name in names}


def _paired(fits: Mapping[str, Fit]) -> dict[str, Array]:
    """The draws of resamples that every fit kept, row by row the same."""
    common = reduce(np.intersect1d, [found.draw_numbers for found in fits.values()])
    return {name: found.draws[np.isin(found.draw_numbers, common)] for name, found in fits.items()}


def mixture_groups(found: MixtureFit) -> NDArray[np.int64]:
    """Which rows (n,) are repeats of one mixture: they carry one number."""
    rows = next(iter(found.fits.values())).rows
    return np.arange(len(rows)) if rows.cluster is None else rows.cluster


def held_out_error(found: MixtureFit) -> Array:
    """The relative error (n,) of the weighted loss at each mixture by fits that left it out, repeats and all.

    NaN where the fits cannot do without it: the mixture at the end of a share.
    """
    first = next(iter(found.fits.values())).rows
    group = mixture_groups(found)
    left_out = (group[:, None] != group[None, :]).astype(float)
    row = np.arange(len(first))
    predicted, measured = np.zeros(len(first)), np.zeros(len(first))
    for name, one in found.fits.items():
        own = reweigh(one, one.rows, left_out, one.estimate[None])
        predicted += found.weights[name] * metric_at(one.law, own, one.rows.axes)[row, row]
        measured += found.weights[name] * one.rows.target
    return np.asarray(predicted / measured - 1)


def best_by(found: MixtureFit, candidates: Array) -> int:
    """Which of some mixtures (j, k) the fits put lowest."""
    return int(np.argmin(found.total(candidates)[0]))
