"""Which proportions of sources to take, told whole: distances, what trained mixtures say of them, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allometry.data.selection.choose import Mixtures, Selection, nearest_mixture
from allometry.data.selection.reading import Samples
from allometry.data.selection.trained import Trained, read_trained
from allometry.data.selection.transport import Array
from allometry.data.told import told_json
from allometry.fits import Settings
from allometry.notices import Interval, Notice, Refused, Step
from allometry.plans.ends import ends_json

NEAREST, EVEN, GIVEN = "the nearest", "even shares", "the mixture given"
FEW_RESAMPLES = 20  # below which the ends of 90% intervals are the outermost resamples
ROOM = 0.1  # of the range of distances trained, beyond which one counts as outside; assumed
FEW_MIXTURES = 10  # at seven, 90% intervals held 67% of new mixtures (`Projection.accuracy`)


@dataclass(frozen=True)
class Projected:
    """The accuracy that a mixture would be measured at, trained on so many examples."""

    mixture: str
    examples: float
    distance: float
    accuracy: Interval


@dataclass(frozen=True)
class Chosen:
    """The proportions nearest to the target and every mixture they are held against, by name with its `distance`.

    `selection` has shares and intervals, `mixtures` the shares (k,) of each mixture by name, the nearest first;
    `trained` and `projected` are there where a table of trained mixtures was given.
    """

    selection: Selection
    mixtures: Mapping[str, Array]
    distances: Mapping[str, float]
    trained: Trained | None
    projected: tuple[Projected, ...]
    rows: int
    kept: int
    level: float
    interval: str
    steps: tuple[Step, ...]
    notices: tuple[Notice, ...]

    def as_json(self) -> dict[str, Any]:
        found, names = self.selection, list(self.selection.shares)
        fitted = None if self.trained is None else {
            "law": self.trained.projection.fit.law.name, "mixtures": self.trained.count, "runs": len(self.trained.mixtures),
            "held_out": self.trained.held_out, "size_alone": self.trained.size_alone,
            "accuracies": [{"mixture": one.mixture, "examples": one.examples, "distance": one.distance,
                            "accuracy": ends_json(one.accuracy)} for one in self.projected],
        }  # fmt: skip
        return {
            "mixture": {name: ends_json(share) for name, share in found.shares.items()},
            "distance": ends_json(found.distance), "gap": found.gap,
            "curve": [{"mixture": name, "shares": dict(zip(names, shares.tolist(), strict=True)), "distance": self.distances[name]}
                      for name, shares in self.mixtures.items()],
            "projection": fitted, **told_json(self),
        }  # fmt: skip


def choose_sources(
    samples: Samples,
    *,
    trained: object | None = None,
    examples: Sequence[float] = (),
    now: Mapping[str, float] | None = None,
    label_weight: float = 1.0,
    resamples: int = 40,
    where: str | None = None,
    settings: Settings | None = None,
    kept: Path | None = None,
    tick: Callable[[int], None] = lambda _: None,
) -> Chosen:
    """The proportions of sources nearest to a target, beside each source alone and even shares, and what they may be worth.

    Use it where only samples of sources are to be seen before they are bought. Not as proof of accuracy: train the
    nearest mixture beside even shares and single sources before it is relied on.
    Arguments: `now` a mixture to compare with; `trained` a table as of `read_trained`, from which accuracies at
    `examples` are projected, by default twice the largest trained; others as of `nearest_mixture`.
    Errors: `Refused` as of these, for shares that do not sum to one, and for `examples` without a table.
    """
    settings = settings or Settings()
    if examples and trained is None:
        raise Refused("no-table", "nothing says what accuracy a distance is worth", "--examples", "give --trained")
    for size in examples:
        if not (np.isfinite(size) and size > 0):
            raise Refused("bad-value", f"{size:g} is no number of examples", "--examples", "give a positive number")
    mixtures = Mixtures(samples.sources, samples.target, label_weight=label_weight)
    given = None if now is None else _given(now, mixtures)
    table = None if trained is None else read_trained(trained, mixtures, where=where, settings=settings)
    found = nearest_mixture(
        samples.sources, samples.target, label_weight=label_weight, resamples=resamples, level=settings.level,
        seed=settings.seed, kept=kept, tick=tick,
    )  # fmt: skip
    told = _mixtures(found, given)
    away = {name: mixtures.distance(shares).value for name, shares in told.items()}
    sizes = [] if table is None else list(examples) or [2 * float(table.columns["examples"].max())]
    projected = tuple(
        Projected(name, size, away[name], table.projection.accuracy(size, away[name]))
        for size in sizes for name in told if table is not None
    )  # fmt: skip
    return Chosen(
        found, told, away, table, projected, rows=sum(samples.given),
        kept=sum(len(one) for one in (*samples.sources.values(), samples.target)), level=settings.level,
        interval="resampled samples" if resamples else "none", steps=_steps(samples, label_weight, table),
        notices=(*found.notices, *_of_resamples(resamples), *_notices(table, sizes, away)),
    )  # fmt: skip


def _given(now: Mapping[str, float], mixtures: Mixtures) -> Array:
    for name in now:
        if name not in mixtures.names:
            raise Refused(
                "unknown-source", f"no source is called {name}", "--now", f"there are {', '.join(mixtures.names)}"
            )
    shares = np.array([now.get(name, 0.0) for name in mixtures.names])
    if np.any(shares < 0) or abs(shares.sum() - 1) > 1e-6:
        raise Refused(
            "not-one", f"the shares sum to {shares.sum():.4g}, not to 1", "--now", "give every source its share"
        )
    return shares


def _mixtures(found: Selection, given: Array | None) -> dict[str, Array]:
    names = list(found.shares)
    nearest = np.array([share.value for share in found.shares.values()], dtype=float)
    told = {NEAREST: nearest / nearest.sum(), EVEN: np.full(len(names), 1 / len(names))}
    if given is not None:
        told[GIVEN] = given
    return told | {f"{name} alone": corner for name, corner in zip(names, np.eye(len(names)), strict=True)}


def _steps(samples: Samples, label_weight: float, table: Trained | None) -> tuple[Step, ...]:
    every = {**samples.sources, "the target": samples.target}
    used = ", ".join(
        f"{len(one)} of {of} rows of {name}" for (name, one), of in zip(every.items(), samples.given, strict=True)
    )
    labelled = samples.target.labels is not None and label_weight > 0
    cost = "squared distance of features" + (
        f" plus {label_weight:g} times that of their labels' examples" if labelled else ", no labels"
    )
    steps = [
        Step("samples", used, "measured"),
        Step("distance", f"optimal transport of the {cost}", "measured"),
        Step("nearness", "it is not accuracy: of three simulated worlds the nearest mixture was worse than even shares in one and "
             "worse than a source alone in another (benchmarks/selection.py); train it beside those before it is relied on", "measured"),
    ]  # fmt: skip
    if table is not None:
        steps.append(Step("law", f"{table.projection.fit.law.name} over distance and size, fitted to {len(table.mixtures)} runs of "
                          f"{table.count} mixtures", "fitted"))  # fmt: skip
    if table is not None and table.held_out is not None:
        says = f"mean error of accuracy {table.held_out:.3g} by the law, {table.size_alone:.3g} by size alone, mixtures left out in turn"
        steps.append(Step("unseen mixtures", says, "measured"))
    return tuple(steps)


def _of_resamples(count: int) -> tuple[Notice, ...]:
    if not 0 < count < FEW_RESAMPLES:
        return ()
    return (
        Notice(
            "few-resamples",
            f"intervals end at the outermost of {count} resamples: give --resamples {2 * FEW_RESAMPLES}",
        ),
    )


def _notices(table: Trained | None, sizes: Sequence[float], away: Mapping[str, float]) -> tuple[Notice, ...]:
    if table is None:
        return ()
    # that groups are few is said below, of mixtures
    said = [
        Notice(one.code, f"trained mixtures: {one.message}")
        for one in table.projection.fit.notices
        if one.code != "few-groups"
    ]
    if table.held_out is not None and table.size_alone is not None and table.held_out >= table.size_alone:
        said.append(Notice("distance-tells-nothing", "unseen mixtures are told no better by distance than by size alone: "
                           "choose by trained runs, not by nearness"))  # fmt: skip
    if table.count < FEW_MIXTURES:
        said.append(Notice("few-mixtures", f"{table.count} mixtures were trained: intervals of accuracy are narrow for so few (of seven, "
                           "90% intervals held 67% of new ones)"))  # fmt: skip
    largest, tried = float(table.columns["examples"].max()), table.columns["transport_distance"]
    if sizes and max(sizes) > largest:
        said.append(Notice("beyond-sizes", f"{max(sizes):.4g} examples are {max(sizes) / largest:.3g} times the largest trained: at larger "
                           "sizes the law did no better than size alone in two of three simulated worlds; check it on one larger run"))  # fmt: skip
    room = ROOM * np.ptp(tried)
    beyond = [name for name, one in away.items() if not tried.min() - room <= one <= tried.max() + room]
    if beyond:
        said.append(
            Notice("beyond-distances", f"no mixture as near or as far was trained as {', '.join(beyond)}: train it")
        )
    return tuple(said)
