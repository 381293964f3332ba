"""Does pruning pay on real data: byte models on the standard library and small networks on handwritten digits.

Pools of two sizes, metrics by the side that they keep, four kept shares, paired seeds; every run takes the same steps,
so that what is kept is repeated the more, the less is kept. Runs are kept in benchmarks/campaign/ as they end, and a
killed campaign goes on from there; with --report nothing is trained.

    python benchmarks/pruning_real.py [--seeds 0 1 2] [--only {text,images}] [--report] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from itertools import groupby
from typing import Any

import numpy as np
from scipy.stats import t as student

from _pruning_rows import IMAGES, KEPT, TEXT, Rows
from _report import Report
from allometry.data.filtering import Arm, compare_pruning
from allometry.data.pruning import pruning_curve
from allometry.fits import Settings
from allometry.notices import Interval, Refused
from allometry.runs import read_runs

LEVEL, WHOLE, DRAWS = 0.9, 1.0, 200
SAID = {
    TEXT: "windows of the standard library, 10% planted noise, 20% planted copies; nats per held-out clean byte",
    IMAGES: "digits of scikit-learn, nothing planted; share of 597 test images mistaken",
}
TABLE = list[dict[str, Any]]


def main() -> None:
    options = _options()
    chosen = [name for name in (TEXT, IMAGES) if options.only in ("", name.removeprefix("pruning_"))]
    if not options.report:
        for name in chosen:
            _train(name, options.seeds)
    report = Report("pruning_real")
    report(f"{LEVEL:.0%} intervals of paired differences over seeds (Student's t); those with * exclude 0")
    for name in chosen:
        rows = sorted(Rows(name).read(), key=lambda row: row["pool"])
        for pool, part in groupby(rows, key=lambda row: row["pool"]):
            _report_pool(report, name, int(pool), list(part))
    if options.write:
        report.write()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=("text", "images"), default="")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def _train(name: str, seeds: list[int]) -> None:
    # Torch and scikit-learn only where something is trained.
    if name == TEXT:
        import _pruning_text
        from allometry.lab.corpus import read_corpus

        _pruning_text.train(read_corpus(), seeds)
    else:
        import _pruning_images

        _pruning_images.train(seeds)


def _report_pool(report: Report, name: str, pool: int, rows: TABLE) -> None:
    seeds, metrics = len({row["seed"] for row in rows}), sorted({row["metric"] for row in rows} - {"random"})
    if seeds < 2 or len(rows) < seeds * (len(KEPT) * (len(metrics) + 1) + 1):
        report(f"\n{name}, pool of {pool}: {len(rows)} runs of {seeds} seeds are there; run it without --report first")
        return
    whole = _errors(rows, "random", WHOLE)
    report(f"\n{name}, pool of {pool}: {SAID[name]}; {seeds} seeds")
    report(f"error of random, and of metrics less random's; the whole pool {np.mean(list(whole.values())):.4f}")
    report(f"{'kept':20}" + "".join(f"{kept:>28}" for kept in KEPT))
    for metric in ["random", *metrics]:
        report(f"{metric:20}" + "".join(f"{_cell(rows, metric, kept):>28}" for kept in KEPT))
    _report_sides(report, rows, metrics)
    if name == TEXT:
        _report_dropped(report, rows, metrics)
    _report_laws(report, rows)


def _errors(rows: TABLE, metric: str, kept: float) -> dict[float, float]:
    return {row["seed"]: row["error"] for row in rows if row["metric"] == metric and row["kept"] == kept}


def _cell(rows: TABLE, metric: str, kept: float) -> str:
    own = _errors(rows, metric, kept)
    if metric == "random":
        return f"{np.mean(list(own.values())):.4f}"
    return _difference(own, _errors(rows, "random", kept))


def _difference(own: dict[float, float], other: dict[float, float]) -> str:
    """The mean difference of paired seeds with its interval."""
    apart = np.array([own[seed] - other[seed] for seed in own if seed in other])
    half = float(student.ppf((1 + LEVEL) / 2, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart)))
    mean = float(apart.mean())
    return f"{mean:+.4f} [{mean - half:+.4f}, {mean + half:+.4f}]{'*' if abs(mean) > half else ' '}"


def _report_sides(report: Report, rows: TABLE, metrics: list[str]) -> None:
    report("easiest less hardest")
    for name in dict.fromkeys(metric.partition(" ")[0] for metric in metrics):
        if {f"{name} easiest", f"{name} hardest"} <= set(metrics):
            cells = [_difference(*(_errors(rows, f"{name} {side}", kept) for side in ("easiest", "hardest")))
                     for kept in KEPT]  # fmt: skip
            report(f"{name:20}" + "".join(f"{cell:>28}" for cell in cells))


def _report_dropped(report: Report, rows: TABLE, metrics: list[str]) -> None:
    report("share of the planted that is dropped: noise / copies")
    for metric in ["random", *metrics]:
        own = [[row for row in rows if row["metric"] == metric and row["kept"] == kept] for kept in KEPT]
        cells = [" / ".join(f"{np.mean([row[f'{kind}_dropped'] for row in part]):.0%}" for kind in ("noise", "copies"))
                 for part in own]  # fmt: skip
        report(f"{metric:20}" + "".join(f"{cell:>28}" for cell in cells))


def _report_laws(report: Report, rows: TABLE) -> None:
    table = {key: [row[key] for row in rows] for key in ("metric", "kept", "examples", "error", "seed")}
    report("laws over examples kept, as far as four sizes tell them")
    for curve in pruning_curve(read_runs(table, rows="all"), level=LEVEL, bootstrap=DRAWS):
        at = curve.exponent
        said = "no interval" if at.low is None else f"[{at.low:.3g}, {at.high:.3g}]"
        report(f"{curve.metric:20} exponent {at.value:.3g} {said}; {curve.verdict}")
    # The largest size that every arm was run at.
    budget = max(row["examples"] for row in rows if row["kept"] == max(KEPT))
    found = compare_pruning(table, budget, settings=Settings(bootstrap=4 * DRAWS, level=LEVEL))  # for all arms at once
    report(f"by fitted curves at {budget:g} examples (what was measured there is in the table): {found.sentence}")
    for arm in found.arms:
        report(f"{arm.name:20} {_crossing(arm)}")


def _crossing(arm: Arm) -> str:
    assert arm.crossings is not None
    ends = [f"{_with_ends(one.at)}, beyond it {'the metric' if one.lower_beyond == 'first' else 'random'} is ahead"
            for one in arm.crossings.crossings]  # fmt: skip
    ahead = "the metric" if "first is lower" in arm.crossings.sentence else "random"
    said = f"crosses random at {'; '.join(ends)}" if ends else f"no crossing, {ahead} ahead at every size"
    return f"{said} ({arm.crossings.share or 0:.0%} of draws cross)"


def _with_ends(at: Interval) -> str:
    if at.low is None or at.high is None:
        return f"{at.value:.4g} (no interval: {at.why})"
    return f"{at.value:.4g} [{at.low:.4g}, {at.high:.4g}]"


if __name__ == "__main__":
    try:
        main()
    except Refused as refused:
        sys.exit(str(refused))
