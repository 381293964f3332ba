"""The pruned perceptron: theory beside simulated students, all from one run.

Where keeping the hardest or the easiest wins and where they cross, what a weaker probe does, and how the error falls when
pruned best, against the power law of random examples.

    python benchmarks/perceptron.py [--write] [--repeats 24] [--size 200]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from _report import Report
from allometry.data.pruning import (
    Keep,
    best_kept,
    best_kept_of_pool,
    crossing,
    pruning_curve,
    simulate_student,
    student_error,
)
from allometry.runs import read_runs

FIGURE = Path(__file__).parents[1] / "docs" / "perceptron.svg"
KEPT = (0.25, 0.5)
POOLS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
PARETO = (1.0, 1.3, 1.6, 2.0, 2.5, 3.0)
LEAST = 0.02  # smallest fraction kept along the Pareto frontier: pools of up to 150 examples per dimension
SIDES: tuple[Keep, ...] = ("hardest", "easiest", "random")


def main() -> None:
    options = _options()
    report = Report("perceptron")
    report(f"{options.size} dimensions, {options.repeats} students a point; sd: of the mean")
    misses = [*_sides(report, options), *_probes(report, options)]
    points = _pareto(report, options)
    misses += [miss for _, _, _, miss in points]
    far = float(np.mean(np.abs(misses) > 3))
    report(f"\npoints {len(misses)}: beyond 3 sd of the theory {far:.1%}, mean {np.mean(misses):+.2f} sd, "
           f"rms {np.sqrt(np.mean(np.square(misses))):.2f} sd")  # fmt: skip
    _crossings(report, options)
    scaled = [f"{pool:g}: {pool * student_error(pool, 1.0).error:.4f}" for pool in (10.0, 30.0, 60.0, 100.0)]
    report(
        "\nrandom examples by the theory, error times examples per dimension, a constant for a power law of exponent 1"
    )
    report("   ".join(scaled))
    report("\nthe fraction of a pool that is on the Pareto frontier, by the theory")
    for angle in (0.0, 10.0, 20.0, 40.0):
        found = [f"{pool:g}: {best_kept_of_pool(pool, angle):.3f}" for pool in (2.0, 4.0, 8.0, 16.0)]
        report(f"probe at {angle:2g} degrees, examples per dimension and fraction  " + "   ".join(found))
    if options.write:
        report.write()
        _draw(points)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=24)
    parser.add_argument("--size", type=int, default=200)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _simulated(options: argparse.Namespace, pool: float, kept: float, angle: float, keep: Keep) -> np.ndarray:
    seeds = range(options.repeats)
    return np.array([simulate_student(pool, kept, angle, keep, size=options.size, seed=seed) for seed in seeds])


def _line(
    report: Report, options: argparse.Namespace, pool: float, kept: float, angle: float, keep: Keep
) -> tuple[float, np.ndarray]:
    """Print one point; how many standard errors the simulation lies from the theory, and its errors."""
    theory, errors = student_error(pool, kept, angle, keep).error, _simulated(options, pool, kept, angle, keep)
    sd = float(errors.std(ddof=1) / np.sqrt(len(errors)))
    miss = (float(errors.mean()) - theory) / sd
    report(f"{pool:5g} {kept:6.3g} {angle:5g} {keep:8}  {theory:8.5f}  {errors.mean():8.5f} {sd:8.5f}  {miss:+5.1f}")
    return miss, errors


def _sides(report: Report, options: argparse.Namespace) -> list[float]:
    report("\n pool   kept angle keep        theory simulated       sd   miss")
    return [_line(report, options, pool, 0.5, 0.0, keep)[0] for keep in SIDES for pool in POOLS]


def _probes(report: Report, options: argparse.Namespace) -> list[float]:
    report("\nthe same with probes that are off")
    settings = [(4, 1.0, 30), (4, 0.5, 30), (8, 0.5, 20), (8, 0.25, 20), (2, 0.5, 40), (6, 0.5, 10)]
    return [_line(report, options, pool, kept, angle, "hardest")[0] for pool, kept, angle in settings]


def _pareto(report: Report, options: argparse.Namespace) -> list[tuple[float, float, np.ndarray, float]]:
    """Trained on, fraction, simulated errors and the miss, of each point pruned best."""
    report(
        f"\nfewest errors for the examples trained on: the best fraction, {LEAST:g} at least, of as large a pool as that takes"
    )
    points = []
    for trained in PARETO:
        kept = best_kept(trained, least=LEAST)
        miss, errors = _line(report, options, trained / kept, kept, 0.0, "hardest")
        points.append((trained, kept, errors, miss))
    table: dict[str, list[object]] = {"examples": [], "error": [], "metric": []}
    random = [(trained, "random", _simulated(options, trained, 1.0, 0.0, "random")) for trained in PARETO]
    for trained, name, values in [*random, *((trained, "pruned", errors) for trained, _, errors, _ in points)]:
        table["examples"] += [trained] * len(values)
        table["error"] += values.tolist()
        table["metric"] += [name] * len(values)
    for curve in pruning_curve(read_runs(table)):
        sizes = [place.examples for place in curve.places]
        report(f"{curve.metric}, {sizes[0]:g} to {sizes[-1]:g} examples per dimension: exponent {curve.exponent.value:.3g} "
               f"[{curve.exponent.low:.3g}, {curve.exponent.high:.3g}]; {curve.verdict}; {curve.reason}")  # fmt: skip
    return points


def _crossings(report: Report, options: argparse.Namespace) -> None:
    report(
        "\nwhere keeping hardest and easiest cross, examples per dimension: theory, then simulated [90%] in more dimensions"
    )
    for kept in KEPT:
        at, said = crossing(kept), []
        for size in (options.size // 2, options.size, 2 * options.size):
            value, low, high = _crossed(argparse.Namespace(repeats=options.repeats, size=size), at, kept)
            said.append(f"{size}: {value:.2f} [{low:.2f}, {high:.2f}]")
        report(f"kept {kept:4g}: {at:6.3f}   " + "   ".join(said))


def _crossed(options: argparse.Namespace, at: float, kept: float) -> tuple[float, float, float]:
    pools = at * np.geomspace(0.6, 1.6, 5)
    sides: tuple[Keep, Keep] = ("hardest", "easiest")
    logs = [[np.log(_simulated(options, pool, kept, 0.0, keep)) for pool in pools] for keep in sides]
    gaps = np.array(logs[0]) - np.array(logs[1])
    draw = np.random.default_rng(0)
    found = [_zero(pools, gaps[:, draw.integers(0, gaps.shape[1], gaps.shape[1])].mean(axis=1)) for _ in range(400)]
    low, high = np.nanquantile(found, (0.05, 0.95))
    return _zero(pools, gaps.mean(axis=1)), float(low), float(high)


def _zero(pools: np.ndarray, gaps: np.ndarray) -> float:
    """Where a parabola through the gaps over the logarithm of the pool is zero, in the range."""
    roots = np.roots(np.polyfit(np.log(pools), gaps, 2))
    real = np.exp(roots.real[np.abs(roots.imag) < 1e-9])
    middle = float(np.exp(np.log(pools).mean()))
    return float(min(real, key=lambda root: abs(np.log(root / middle)), default=np.nan))


def _draw(points: list[tuple[float, float, np.ndarray, float]]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "perceptron"
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    pools = np.geomspace(0.8, 14, 40)
    for keep, colour in zip(SIDES, ("#D55E00", "#0072B2", "#666666"), strict=True):
        left.loglog(
            pools, [student_error(pool, 0.5, keep=keep).error for pool in pools], color=colour, label=f"keep {keep}"
        )
    left.axvline(crossing(0.5), color="black", linewidth=0.8, linestyle=":")
    left.set(xlabel="examples per parameter before pruning", ylabel="test error, half kept", title="which half to keep")
    trained = np.geomspace(0.9, 4, 40)
    right.loglog(trained, [student_error(a, 1.0).error for a in trained], color="#666666", label="random (theory)")
    best = [student_error(a / f, f).error for a in trained for f in [best_kept(a, least=LEAST)]]
    right.loglog(trained, best, color="#D55E00", label="pruned best (theory)")
    places, means = [point[0] for point in points], [point[2].mean() for point in points]
    right.loglog(places, means, "o", color="#D55E00", markersize=4, label="pruned best (simulated)")
    right.set(xlabel="examples per parameter trained on", ylabel="test error", title="faster than a power law")
    for axes in (left, right):
        axes.legend(frameon=False)
    figure.savefig(FIGURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
