"""Projected against trained accuracy: mixtures of three synthetic sources, one near the target, one shifted, one mislabelled.

A logistic regression is trained on mixtures at two small sizes; the law of transport distance and size, fitted to those,
says the accuracy of other mixtures at larger sizes, where they are then trained. Beside it two predictions from the same
runs that know of no transport: a line in the logarithm of the size alone, and a plane in the shares and that logarithm.
The proportions chosen from samples are trained too, beside even ones and each source alone.

    python benchmarks/selection.py [--seeds 5] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from _report import Report
from allometry.data.selection import Mixtures, Pilot, nearest_mixture, pilot, project
from allometry.fits import Settings

CLASSES, PILOT = 5, 200
WORLDS = {  # features, and how far apart classes lie along each
    "classes well apart, 120 features": (120, 0.3),
    "classes hardly apart, 120 features": (120, 0.16),
    "classes well apart, 20 features": (20, 0.55),
}
NAMES = ("near", "shifted", "mislabelled")
SMALL, LARGE = (500, 1500), (4000, 8000)
TRIED = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5), (1 / 3, 1 / 3, 1 / 3)]
UNSEEN = [(0.7, 0.3, 0), (0.3, 0.7, 0), (0.6, 0.2, 0.2), (0.2, 0.2, 0.6), (0.8, 0, 0.2), (0.1, 0.5, 0.4)]


class World:
    """Five classes of normal examples about centres; the target holds a share of shifted ones too."""

    def __init__(self, seed: int, size: int, apart: float) -> None:
        self.moved, self.size = np.random.default_rng(seed), size
        self.centres = self.moved.normal(0, apart, (CLASSES, size))
        self.shift = self.moved.normal(0, 0.35, size)

    def draw(self, source: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = self.moved.integers(CLASSES, size=count)
        features = self.centres[labels] + self.moved.normal(0, 1, (count, self.size))
        if source == "shifted":
            features = features + self.shift
        if source == "mislabelled":
            wrong = self.moved.random(count) < 0.5
            labels = np.where(wrong, self.moved.integers(CLASSES, size=count), labels)
        return features, labels

    def mixed(self, shares: tuple[float, ...], count: int) -> tuple[np.ndarray, np.ndarray]:
        counts = np.floor(np.array(shares) * count).astype(int)
        counts[np.argmax(counts)] += count - counts.sum()
        parts = [self.draw(name, own) for name, own in zip(NAMES, counts, strict=True) if own]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def trained(data: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> float:
    """Accuracy of multinomial logistic regression with a fixed ridge."""
    features = np.column_stack([data[0], np.ones(len(data[0]))])
    right = np.eye(CLASSES)[data[1]]

    def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(-1, CLASSES)
        scores = features @ weights
        logs = scores - logsumexp(scores, axis=1, keepdims=True)
        slope = features.T @ (np.exp(logs) - right) / len(right) + 1e-3 * weights
        return float(-(right * logs).sum() / len(right) + 5e-4 * (weights**2).sum()), slope.ravel()

    found = minimize(
        value, np.zeros(features.shape[1] * CLASSES), jac=True, method="L-BFGS-B", options={"maxiter": 200}
    )
    scores = np.column_stack([test[0], np.ones(len(test[0]))]) @ found.x.reshape(-1, CLASSES)
    return float(np.mean(scores.argmax(axis=1) == test[1]))


def samples(world: World, source: str, count: int = PILOT) -> Pilot:
    return pilot(*world.draw(source, count), name=source)


def plane(rows: list[tuple[tuple[float, ...], int]]) -> np.ndarray:
    return np.array([[1.0, shares[0], shares[1], np.log(count)] for shares, count in rows])


def one_seed(world: World) -> dict[str, float]:
    goal = (0.7, 0.3, 0.0)
    test, target = world.mixed(goal, 20_000), pilot(*world.mixed(goal, PILOT))
    mixtures = Mixtures({name: samples(world, name) for name in NAMES}, target)
    fitted = [(shares, count) for shares in TRIED for count in SMALL]
    away = {shares: mixtures.distance(list(shares)).value for shares in (*TRIED, *UNSEEN)}
    seen = np.array([trained(world.mixed(*row), test) for row in fitted])
    table = {"examples": [c for _, c in fitted], "transport_distance": [away[s] for s, _ in fitted], "accuracy": seen}
    law = project(table, settings=Settings(bootstrap=200))
    sizes = np.polynomial.polynomial.polyfit(np.log([c for _, c in fitted]), seen, 1)
    shares_too = np.linalg.lstsq(plane(fitted), seen, rcond=None)[0]
    chosen = nearest_mixture({name: samples(world, name) for name in NAMES}, target, resamples=20)
    best = tuple(chosen.shares[name].value or 0.0 for name in NAMES)
    found = dict[str, float]()
    for where, counts in (("sizes tried", SMALL), ("larger sizes", LARGE)):
        later = [(shares, count) for shares in UNSEEN for count in counts]
        true = np.array([trained(world.mixed(*row), test) for row in later])
        told = [law.accuracy(count, away[shares]) for shares, count in later]
        # Where the line leaves 0 to 1 there is no value; all three are judged where there is one.
        given = [i for i, one in enumerate(told) if one.value is not None]
        found[f"with a value at {where}"] = len(given) / len(later)
        later, true, told = [later[i] for i in given], true[given], [told[i] for i in given]
        line = np.polynomial.polynomial.polyval(np.log([c for _, c in later]), sizes)
        found[f"|error| at {where}, transport law"] = np.abs([one.value for one in told] - true).mean()
        found[f"|error| at {where}, size alone"] = np.abs(line - true).mean()
        found[f"|error| at {where}, shares and size"] = np.abs(plane(later) @ shares_too - true).mean()
        found[f"in 90% interval at {where}"] = np.mean(
            [one.low <= t <= one.high for one, t in zip(told, true, strict=True)]
        )
    found |= {f"share of {name}": share for name, share in zip(NAMES, best, strict=True)}
    found["accuracy, chosen"] = trained(world.mixed(best, 2000), test)
    found["accuracy, even"] = trained(world.mixed((1 / 3, 1 / 3, 1 / 3), 2000), test)
    for i, name in enumerate(NAMES):
        found[f"accuracy, {name} alone"] = trained(world.mixed(tuple(np.eye(3)[i]), 2000), test)
    return found


def show(report: Report, title: str, every: list[dict[str, float]]) -> None:
    report()
    report(f"{title:44}{'mean':>9}{'least':>9}{'most':>9}")
    for name in every[0]:
        values = np.array([one[name] for one in every if np.isfinite(one[name])])
        report(f"{name:44}{values.mean():9.4f}{values.min():9.4f}{values.max():9.4f}")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    report = Report("selection")
    report(
        f"{asked.seeds} seeds; fitted to {len(TRIED)} mixtures at {SMALL} examples, judged on {len(UNSEEN)} others at {LARGE}"
    )
    report(
        f"target: 70% near, 30% shifted; {PILOT} samples of each source and of the target; the chosen are trained at 2000"
    )
    for name, (size, apart) in WORLDS.items():
        show(report, name, [one_seed(World(seed, size, apart)) for seed in range(asked.seeds)])
    if asked.write:
        report.write()


if __name__ == "__main__":
    main()
