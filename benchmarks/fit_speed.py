"""Fitting speed: allometry beside the published procedure, on the same 240 runs and the same objective, in one run.

    ALLOMETRY_DATA=folder python benchmarks/fit_speed.py [--full] [--write]

Times are process time of one thread. By default the peer runs a random part of its starts and resamples, and the
figure is scaled up; --full runs all 4500 starts,
and the `chinchilla` package where it can be imported. Targets: point fit 1000 times, bootstrap 150 times.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys

import numpy as np

import _package_peer as package
import _scipy_peer as peer
from _measure import peak, process, timed
from _report import Report, published_table
from allometry.expressions import compile_formula, parse
from allometry.fits import Fit, Huber, Settings, fit
from allometry.fits._starts import starts
from allometry.fits.fitting import exponent_names, rebind, start_box
from allometry.laws import find_law
from allometry.runs import Rows, read_runs

Array = np.ndarray
CLEAN = "excluded_by_epoch == 0"
STARTS, RESAMPLES = 4500, 4000
AGREE = 1e-6


def compiled() -> object:
    law = find_law("chinchilla")
    axes = {name: law.axis(name).positive for name in law.axes}
    made = compile_formula(parse(law.formula.text), axes, {p.name: p.bounds for p in law.parameters}, law.space)
    return made.linear


def ours(rows: Rows, resamples: int) -> Fit:
    return fit(rows, "chinchilla", Settings(objective=Huber(peer.DELTA), bootstrap=resamples))


def peer_starts(chosen: Array, table: peer.Table) -> Array:
    return np.array([peer.minimise(v, table, "L-BFGS-B").fun for v in chosen])


def resampled(rows: int, count: int) -> list[Array]:
    """Rows of the first resamples, drawn as allometry draws them, so that both refit the same ones."""
    generator = np.random.default_rng(0)
    return [generator.integers(rows, size=rows) for _ in range(count)]


def seeds(found: Fit) -> Array:
    """The 64 starts of our fit in the peer's coordinates (64, 5)."""
    _, problem, _ = rebind(found)
    q = starts(problem, 64, 0, start_box(found.law, problem), exponent_names(found.law))
    natural = problem.compiled.natural(q, problem.pivots)
    columns = [natural[:, found.law.parameter_names.index(name)] for name in peer.ORDER]
    return np.stack([np.log(np.maximum(column, 1e-12)) for column in columns[:3]] + columns[3:], axis=1)


def optimum(estimate: Array, found: Fit) -> Array:
    values = dict(zip(found.law.parameter_names, estimate, strict=True))
    return np.array([np.log(values[name]) if len(name) == 1 else values[name] for name in peer.ORDER])


def whole_process(path: str, repeats: int) -> tuple[float, float]:
    code = (
        "from allometry.fits import *; from allometry.runs import read_runs;"
        f"fit(read_runs({path!r}, where={CLEAN!r}), 'chinchilla', Settings(objective=Huber(1e-3), bootstrap={RESAMPLES}))"
    )
    return process(code, repeats)


def compare(report: Report, path: str, options: argparse.Namespace) -> None:
    runs = read_runs(path, where=CLEAN)
    rows = runs.rows_for(("params", "tokens"), "loss")
    table = peer.Table(np.log(rows.axes["params"]), np.log(rows.axes["tokens"]), np.log(rows.target))
    report(f"chinchilla law, {len(rows)} runs, Huber delta {peer.DELTA:g} on log loss; process seconds, one thread")
    report(
        f"medians: ours of {options.repeats}, peer of {options.peer_repeats}; the first three lines leave imports out"
    )
    report()
    report(
        f"compile        ours {timed(compiled, options.repeats).seconds:9.4f} s   peer none: written by hand for this one law"
    )
    point, found, peer_point = point_line(report, rows, table, options)
    boot, peer_boot = bootstrap_line(report, rows, table, found, point, options)
    imports, bare = process("import numpy, scipy.optimize", options.peer_repeats)
    own, memory = whole_process(path, options.repeats)
    other = imports + peer_point + peer_boot
    report(f"whole process  ours {own:9.3f} s   peer {other:9.1f} s (its imports and the two scaled times)   "
           f"{other / own:8.0f}x   peak ours {memory:.0f} MB resident, peer's imports {bare:.0f} MB")  # fmt: skip
    report()
    report(
        f"point fit target 1000x: {verdict(peer_point / point, 1000)}; bootstrap target 150x: {verdict(peer_boot / boot, 150)}"
    )
    beside(report, rows, table, found, point, options.full)


def point_line(report: Report, rows: Rows, table: peer.Table, options: argparse.Namespace) -> tuple[float, Fit, float]:
    ours(rows, 0)
    point = timed(lambda: ours(rows, 0), options.repeats)
    grid = peer.grid()
    chosen = grid if options.full else np.random.default_rng(0).permutation(grid)[: options.starts]
    theirs = timed(lambda: peer_starts(chosen, table), 1 if options.full else options.peer_repeats)
    scaled = theirs.seconds * STARTS / len(chosen)
    how = "all 4500 starts, once" if options.full else f"{len(chosen)} random starts scaled to 4500"
    report(
        f"point fit      ours {point.seconds:9.4f} s   peer {scaled:9.1f} s ({how})   {scaled / point.seconds:8.0f}x"
    )
    own, other = point.result.objective, float(np.nanmin(theirs.result))
    share, lower = np.mean(theirs.result <= min(own, other) * (1 + AGREE)), own <= other * (1 + 1e-9)
    report(f"               F ours {own:.12f}, peer {other:.12f} ({'ours lower or equal' if lower else 'PEER LOWER'})")
    report(f"               at the optimum: ours {point.result.agree:.0%} of {point.result.finalists} finalists of 64 starts, "
           f"peer {share:.1%} of its starts")  # fmt: skip
    report(
        f"               peak ours {peak(lambda: ours(rows, 0)):.1f} MB, peer {peak(lambda: peer_starts(chosen[:20], table)):.2f} MB (Python and NumPy)"
    )
    return point.seconds, point.result, scaled


def bootstrap_line(
    report: Report, rows: Rows, table: peer.Table, found: Fit, point: float, options: argparse.Namespace
) -> tuple[float, float]:
    whole = timed(lambda: ours(rows, RESAMPLES), options.repeats)
    boot = whole.seconds - point
    start = optimum(found.estimate, found)
    chosen = [table.take(index) for index in resampled(len(rows), options.resamples)]
    theirs = timed(lambda: [peer.minimise(start, each, "BFGS").fun for each in chosen], options.peer_repeats)
    scaled = theirs.seconds * RESAMPLES / len(chosen)
    report(
        f"bootstrap      ours {boot:9.4f} s   peer {scaled:9.1f} s ({len(chosen)} resamples scaled to {RESAMPLES})   {scaled / boot:8.0f}x"
    )
    drawn = {int(number): i for i, number in enumerate(whole.result.draw_numbers)}
    pairs = [
        (peer.objective(optimum(whole.result.draws[drawn[i]], found), each), theirs.result[i])
        for i, each in enumerate(chosen)
        if i in drawn
    ]
    excess = np.array([own / other - 1 for own, other in pairs])
    report(f"               same {len(pairs)} resamples: ours lower or equal (1e-9) on {np.sum(excess <= 1e-9)}; relative F ours - peer "
           f"from {excess.min():.1e} to {excess.max():.1e}; ours kept {len(whole.result.draws)} of {RESAMPLES}")  # fmt: skip
    held = peak(lambda: ours(rows, RESAMPLES)), peak(lambda: peer.minimise(start, chosen[0], "BFGS"))
    report(f"               peak ours {held[0]:.1f} MB, peer {held[1]:.2f} MB (Python and NumPy)")
    return boot, scaled


def beside(report: Report, rows: Rows, table: peer.Table, found: Fit, point: float, full: bool) -> None:
    """Comparisons that are not targets: a peer with our gradient and seeds, and the package of this law."""
    given = seeds(found)
    exact = timed(lambda: np.array([peer.minimise(v, table, "BFGS", exact=True).fun for v in given]), 3)
    share = np.mean(exact.result <= found.objective * (1 + AGREE))
    report("beside it, whatever it is:")
    report(f"  scipy BFGS, exact gradient, our 64 seeds: {exact.seconds:.2f} s ({exact.seconds / point:.0f}x ours), F {np.nanmin(exact.result):.12f}, "
           f"{share:.0%} at the optimum")  # fmt: skip
    report(f"  {package.compare(rows, table) if full else 'package chinchilla: only with --full'}")


def verdict(ratio: float, target: float) -> str:
    return f"{ratio:.0f}x, {'met' if ratio >= target else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="run all 4500 starts of the peer")
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/results")
    parser.add_argument("--starts", type=int, default=300)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--peer-repeats", type=int, default=3)
    options = parser.parse_args()
    path = published_table("chinchilla_epoch.csv")
    if path is None:
        sys.exit("ALLOMETRY_DATA does not name a folder with chinchilla_epoch.csv")
    report = Report("fit_speed")
    compare(report, str(path), options)
    if options.write:
        report.write()


if __name__ == "__main__":
    main()
