"""The mixture of least weighted loss: with intervals from the joint draws, how far shares may move, and what it gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import nnls

from allometry.data.mixtures.fitted import MixtureFit, best_by, fit_mixtures, held_out_error, mixture_groups
from allometry.data.mixtures.result import Mixture, Profile, Region
from allometry.data.mixtures.simplex import Array, least
from allometry.data.mixtures.table import ROUNDING, Mixtures
from allometry.fits import Settings, Tick
from allometry.forecasts import percentiles
from allometry.notices import Interval, Notice, Refused, Step

WITHIN = (0.001, 0.005)  # of the least loss: a per mille of loss is about a hundredth of the compute
PLACES = 33  # of a profile, from the least to the most of a share that was tried
AT_EDGE = 1e-4
OUTSIDE = 1e-3  # distance from the hull of the mixtures tried that counts as outside


def best_mixture(
    table: Mixtures,
    *,
    law: str | None = None,
    weights: Mapping[str, float] | None = None,
    at: Mapping[str, float] | None = None,
    transfer: Array | None = None,
    now: Mapping[str, float] | None = None,
    within: Sequence[float] = WITHIN,
    take_edge: bool = False,
    settings: Settings | None = None,
    tick: Tick = lambda _: None,
) -> Mixture:
    """The shares of least weighted validation loss, and every share that is nearly as good.

    Use it on small runs of one size and length that differ in their mixture alone. Not beyond the shares tried: the
    floor of each law is set by the richest mixtures, so an optimum at the edge of what was tried is refused.
    Arguments: as of `fit_mixtures`; `now` is a mixture to compare with, by default the best one tried; `within` the
    excesses of loss, relative to the least, that near-optimal regions allow; `take_edge` gives the best inside what was
    tried also where it lies at the edge.
    Errors: `Refused` as `fit_mixtures`, and for an optimum at the edge.
    Source: Ye et al. 2024, arXiv 2403.16952 (data mixing laws); the optimum and its intervals are ours.

    >>> from allometry.data.mixtures import read_mixtures
    >>> code = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    >>> losses = {"loss_code": 1 + np.exp(-3 * code), "loss_web": 2 + 0.6 * np.exp(-3 * (1 - code))}
    >>> found = best_mixture(read_mixtures({"share_code": code, "share_web": 1 - code, **losses}), settings=Settings(bootstrap=0))
    >>> round(found.shares["code"].value, 3)  # (3 + log(1 / 0.6)) / 6
    0.585
    """
    settings = settings or Settings()
    for excess in within:
        if not (np.isfinite(excess) and excess >= 0):
            raise Refused("bad-value", f"{excess:g} is no excess of loss", "--within", "write 0.001 for a per mille")
    found = fit_mixtures(table, law=law, weights=weights, at=at, transfer=transfer, settings=settings, tick=tick)
    low, high = table.shares.min(axis=0), table.shares.max(axis=0)
    base = table.shares[best_by(found, table.shares)] if now is None else _mixture(now, table.domains)
    starts = np.stack([table.shares.mean(axis=0), table.shares[best_by(found, table.shares)]])
    at_best = least(found.objective(), starts[:1], low, high), least(found.objective(), starts[1:], low, high)
    best = min(at_best, key=lambda one: float(one.value[0])).shares[0]
    edges = _edges(best, low, high)
    if edges and not take_edge:
        raise Refused("at-edge", f"the loss still falls at the {edges[0][1]} share of {table.domains[edges[0][0]]} that was tried, "
                      f"{best[edges[0][0]]:.4g}", table.source, "train mixtures beyond it, or take the best of those within (--take-edge)")  # fmt: skip
    drawn = least(found.objective(found.draws), np.repeat(best[None], found.count, 0), low, high).shares
    level = settings.level
    why = next(iter(found.fits.values())).interval_kind
    shares = {
        name: _ends(float(best[i]), drawn[:, i], low[i], high[i], level, why) for i, name in enumerate(table.domains)
    }
    profiles = _profiles(found, best, low, high, level)
    value = float(found.total(best[None])[0, 0])
    losses = _losses(found, best, level, why)
    gain = _gain(found, base, best, level, why)
    error = held_out_error(found)
    return Mixture(
        domains=table.domains, shares=shares, loss=losses.pop(""), losses=losses, weights=found.weights,
        base=dict(zip(table.domains, base.tolist(), strict=True)), base_is="the mixture given" if now else "the best mixture tried",
        gain=gain, near=tuple(_region(profiles, table.domains, value, excess, low, high) for excess in sorted(within)),
        profiles=profiles, tried={name: (float(low[i]), float(high[i])) for i, name in enumerate(table.domains)},
        draws=drawn, mixtures=table.shares, held_out=error, rows=table.given, kept=len(table.shares), level=level, interval=why,
        law=found.law.name, equation=found.law.equation, steps=_steps(found, table, error), notices=_notices(found, table, best, low, high, bool(edges)),
    )  # fmt: skip


def _mixture(given: Mapping[str, float], domains: Sequence[str]) -> Array:
    unknown = [name for name in given if name not in domains]
    if unknown:
        raise Refused(
            "unknown-domain", f"no training domain is called {unknown[0]}", "--now", f"there are {', '.join(domains)}"
        )
    shares = np.array([given.get(name, 0.0) for name in domains])
    if np.any(shares < 0) or abs(shares.sum() - 1) > ROUNDING:
        raise Refused(
            "not-one",
            f"the shares sum to {shares.sum():.4g}, not to 1",
            "--now",
            "give every training domain its share",
        )
    return shares / shares.sum()


def _edges(best: Array, low: Array, high: Array) -> list[tuple[int, str]]:
    """Which shares lie at the end of what was tried, where that is not the end of what can be."""
    least_tried = [(i, "least") for i in range(len(best)) if low[i] > AT_EDGE and best[i] < low[i] + AT_EDGE]
    most_tried = [(i, "largest") for i in range(len(best)) if high[i] < 1 - AT_EDGE and best[i] > high[i] - AT_EDGE]
    return most_tried + least_tried


def _ends(value: float, draws: Array, low: float, high: float, level: float, why: str) -> Interval:
    """Percentiles of the optima of the draws; an end that lies at the edge of what was tried is open."""
    found = percentiles(value, draws, level, why)
    if found.low is None or found.high is None:
        return found
    open_low = low > AT_EDGE and found.low < low + AT_EDGE
    open_high = high < 1 - AT_EDGE and found.high > high - AT_EDGE
    if not (open_low or open_high):
        return found
    reason = "the interval reaches the edge of the shares tried"
    return Interval(value, None if open_low else found.low, None if open_high else found.high, reason)


def _losses(found: MixtureFit, best: Array, level: float, why: str) -> dict[str, Interval]:
    """The weighted loss under the empty name, and that of each validation domain."""
    values, drawn = found.losses(best[None]), found.losses(best[None], found.draws)
    each = {name: percentiles(float(values[name][0, 0]), drawn[name][:, 0], level, why) for name in values}
    whole = found.total(best[None]), found.total(best[None], found.draws)
    return {"": percentiles(float(whole[0][0, 0]), whole[1][:, 0], level, why), **each}


def _gain(found: MixtureFit, base: Array, best: Array, level: float, why: str) -> Interval:
    pair = np.stack([base, best])
    value, drawn = found.total(pair)[0], found.total(pair, found.draws)
    return percentiles(float(value[0] - value[1]), drawn[:, 0] - drawn[:, 1], level, why)


def _profiles(found: MixtureFit, best: Array, low: Array, high: Array, level: float) -> tuple[Profile, ...]:
    """For each domain the least loss at each of its shares, the other shares best for it."""
    members, ends = list[tuple[int, float]](), list[tuple[Array, Array]]()
    for i in range(len(best)):
        for place in np.unique([*np.linspace(low[i], high[i], PLACES), best[i]]):
            down, up = low.copy(), high.copy()
            down[i] = up[i] = place
            if down.sum() <= 1 + 1e-9 and up.sum() >= 1 - 1e-9:
                members.append((i, float(place)))
                ends.append((down, up))
    lows, highs = (np.stack(each) for each in zip(*ends, strict=True))
    reached = least(found.objective(), np.repeat(best[None], len(lows), 0), lows, highs)
    drawn = found.total(reached.shares, found.draws)
    tails = [(1 - level) / 2, (1 + level) / 2]
    bands = np.quantile(drawn, tails, axis=0) if found.count else np.full((2, len(lows)), np.nan)
    owner = np.array([i for i, _ in members])
    return tuple(
        Profile(found.domains[i], np.array([place for k, place in members if k == i]), reached.value[owner == i],
                bands[0][owner == i], bands[1][owner == i], reached.shares[owner == i])
        for i in range(len(best))
    )  # fmt: skip


def _region(
    profiles: Sequence[Profile], domains: Sequence[str], value: float, within: float, low: Array, high: Array
) -> Region:
    limit = value * (1 + within)
    return Region(within, {name: _reach(profiles[i], limit, low[i], high[i]) for i, name in enumerate(domains)})


def _reach(profile: Profile, limit: float, low: float, high: float) -> Interval:
    """The shares whose profile stays below the limit; open where it does so to the edge of what was tried."""
    inside = np.flatnonzero(profile.loss <= limit)
    ends = []
    for end, step in ((inside[0], -1), (inside[-1], 1)):
        beyond = end + step
        if not 0 <= beyond < len(profile.loss):
            ends.append(float(profile.share[end]))
            continue
        part = (limit - profile.loss[end]) / (profile.loss[beyond] - profile.loss[end])
        ends.append(float(profile.share[end] + part * (profile.share[beyond] - profile.share[end])))
    value = float(profile.share[np.argmin(profile.loss)])
    return _ends(value, np.array(ends), low, high, 1 - 1e-12, "")


def _outside(shares: Array, best: Array) -> float:
    """How far a mixture lies from every blend of those tried."""
    return float(nnls(np.vstack([shares.T, np.ones(len(shares))]), np.append(best, 1.0))[1])


def _steps(found: MixtureFit, table: Mixtures, error: Array) -> tuple[Step, ...]:
    used = {name: weight for name, weight in found.weights.items() if weight}
    equal = len(used) > 1 and len(set(used.values())) == 1
    weighed = (
        f"{len(used)} validation domains alike" if equal else ", ".join(f"{w:.3g} {name}" for name, w in used.items())
    )
    told = np.isfinite(error)
    usable, groups = np.abs(error[told]), len(np.unique(mixture_groups(found)[told]))
    held = (
        f"mean {usable.mean():.2%}, largest {usable.max():.2%} of the weighted loss, {groups} mixtures left out in turn"
    )
    count, rows = len(np.unique(table.shares, axis=0)), len(table.shares)
    runs = f"{count} mixtures" + (f" in {rows} runs" if rows > count else "")
    return (
        Step("law", f"{found.law.name}, one fit for each validation domain, to {runs}", "fitted"),
        Step("weights", weighed, "assumed"),
        Step("unseen mixtures", held if len(usable) else "no mixture can be left out", "measured"),
        Step("scale", "shares hold for the size and length of these runs; whether they hold for larger ones is not told", "assumed"),
    )  # fmt: skip


def _notices(
    found: MixtureFit, table: Mixtures, best: Array, low: Array, high: Array, edge: bool
) -> tuple[Notice, ...]:
    notices = _of_fits(found)
    if edge:
        notices.append(
            Notice(
                "at-edge", "the loss still falls at the edge of the shares tried: this is the best inside, not the best"
            )
        )
    if (away := _outside(table.shares, best)) > OUTSIDE:
        notices.append(
            Notice(
                "outside-hull",
                f"the best mixture is no blend of those tried (it lies {away:.2g} away): train it before relying on it",
            )
        )
    return tuple(notices)


def _of_fits(found: MixtureFit) -> list[Notice]:
    """What the fits say, each kind once: the first validation domain that it is said of, and how many more there are."""
    said = dict[str, list[str]]()
    for name, one in found.fits.items():
        for notice in one.notices:
            said.setdefault(notice.code, []).append(f"{name}: {notice.message}")
    more = {code: f" (and so {len(each) - 1} more)" if len(each) > 1 else "" for code, each in said.items()}
    return [Notice(code, each[0] + more[code]) for code, each in said.items()]
