"""What the intervals of `data select` hold: mixtures of three simulated sources whose shares are known.

Each world draws samples of three normal sources one apart and of a target that mixes them by known shares. Judged are
the intervals of the shares, beside plain percentiles of the same resamples, and those of how much further from the
target other mixtures are: against the mean of that over fresh samples of the same size, for distances fall as samples
grow. What a distance itself is at other sizes is shown below.

    python benchmarks/selection_intervals.py [--worlds 30] [--rows 60] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse

import numpy as np

from _report import Report
from allometry.data.selection import Mixtures, Pilot, nearest_mixture, pilot
from allometry.data.selection.resamples import resampled

TRUTHS = {"one source alone": (1.0, 0.0, 0.0), "two of three": (0.7, 0.3, 0.0), "all three": (0.5, 0.3, 0.2)}
SIZE, RESAMPLES, FRESH, LEVEL = 6, 40, 10, 0.9
CENTRES = np.eye(3, SIZE)
BESIDE = {"even shares": np.full(3, 1 / 3)} | {f"{i} alone": corner for i, corner in enumerate(np.eye(3))}


def draw(moved: np.random.Generator, truth: tuple[float, ...], rows: int) -> tuple[dict[str, Pilot], Pilot]:
    sources = {str(i): pilot(centre + moved.normal(size=(rows, SIZE))) for i, centre in enumerate(CENTRES)}
    own = moved.choice(3, size=rows, p=truth)
    return sources, pilot(CENTRES[own] + moved.normal(size=(rows, SIZE)))


def one_world(truth: tuple[float, ...], rows: int, seed: int) -> dict[str, np.ndarray]:
    """What held, (3,) of the shares and (4,) of the differences, and the shares themselves."""
    moved = np.random.default_rng(seed)
    sources, target = draw(moved, truth, rows)
    found = nearest_mixture(sources, target, beside=BESIDE, resamples=RESAMPLES, seed=seed)
    shares = np.array([one.value for one in found.shares.values()])
    fresh = [Mixtures(*draw(moved, truth, rows)) for _ in range(FRESH)]
    chosen = np.mean([one.distance(shares / shares.sum()).value for one in fresh])
    further = [np.mean([one.distance(other).value for one in fresh]) - chosen for other in BESIDE.values()]
    plain = resampled(_nearest, sources, target, RESAMPLES, 3, seed, None, "plain", lambda _: None)
    ends = np.quantile(plain, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return {
        "shares": shares, "plain": (ends[0] - 1e-9 <= truth) & (truth <= ends[1] + 1e-9),
        "held": np.array([one.low - 1e-9 <= true <= one.high + 1e-9 for one, true in zip(found.shares.values(), truth, strict=True)]),
        "width": np.array([one.high - one.low for one in found.shares.values()]),
        "further": np.array([one.low <= true <= one.high for one, true in zip(found.further.values(), further, strict=True)]),
        "wrong": np.array([one.low > 0 >= true for one, true in zip(found.further.values(), further, strict=True)]),
    }  # fmt: skip


def _nearest(sources: dict[str, Pilot], target: Pilot) -> list[float]:
    return Mixtures(sources, target).nearest()[0].tolist()


def by_size(truth: tuple[float, ...], sizes: tuple[int, ...]) -> list[float]:
    """The distance of the true mixture itself, which is 0 of endless samples, at several sizes."""
    moved = np.random.default_rng(0)
    return [np.mean([Mixtures(*draw(moved, truth, rows)).distance(list(truth)).value for _ in range(5)]) for rows in sizes]  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--worlds", type=int, default=30)
    options.add_argument("--rows", type=int, default=60)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    report = Report("selection_intervals")
    report(
        f"{asked.worlds} worlds each, {asked.rows} rows of every sample, {RESAMPLES} resamples, {LEVEL:.0%} intervals"
    )
    report("                    mean share told      true shares held     by percentiles alone   width")
    worlds = {}
    for name, truth in TRUTHS.items():
        each = [one_world(truth, asked.rows, seed) for seed in range(asked.worlds)]
        worlds[name] = {part: np.array([one[part] for one in each]) for part in each[0]}
        told = worlds[name]
        lines = [" ".join(f"{value:4.0%}" for value in told[part].mean(axis=0)) for part in ("shares", "held", "plain")]
        report(f"{name:20}{lines[0]:21}{lines[1]:21}{lines[2]:23}{told['width'].mean():.2f}")
    for part, label in (("held", "true shares in their intervals"), ("plain", "by percentiles alone")):
        every = np.concatenate([one[part].ravel() for one in worlds.values()])
        report(f"{label:32}{every.mean():.1%} of {len(every)}")
    report()
    report("how much further other mixtures are, of fresh samples of this size: held of " + ", ".join(BESIDE))
    for name, told in worlds.items():
        report(f"{name:20}" + " ".join(f"{value:4.0%}" for value in told["further"].mean(axis=0)))
    every, wrong = (np.concatenate([one[part].ravel() for one in worlds.values()]) for part in ("further", "wrong"))
    report(f"all {every.mean():.1%} of {len(every)}; said to be further and is not {wrong.mean():.1%}")
    report()
    sizes = (60, 200, 400)
    away = by_size(TRUTHS["two of three"], sizes)
    report("the distance of the true mixture, 0 of endless samples: " + ", ".join(f"{d:.2f} at {n} rows" for d, n in zip(away, sizes, strict=True)))  # fmt: skip
    if asked.write:
        report.write()


if __name__ == "__main__":
    main()
