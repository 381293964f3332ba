"""Is the campaign fair to its mechanisms? The learning rate was tuned on plain ladders alone; here each mechanism has its own.

    python benchmarks/campaign_rates.py --out FOLDER [--workers 1] [--write]      trains; killed, it goes on
    python benchmarks/campaign_rates.py [--write]                                 from the committed rows

Every setting of the campaign's four ladders of mechanisms, at their smallest and largest width, 262,144 tokens and three
seeds, is trained at five rates around the law's. The rows lie in campaign/rates.csv. Printed: the loss at each rate, and
how far each setting lies above its ladder's trivial one (one loop, stream, expert, no growth) at the law's rate, and at
the best of the five of either. A best of five is flattered by noise, of either alike.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from _report import Report

FOLDER = Path(__file__).parent / "campaign"
ROWS = FOLDER / "rates.csv"
AXES = {"looped": "loops", "streams": "streams", "experts": "experts", "growth": "growth_factor"}
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
LAW = FACTORS.index(1.0)
TOKENS, SEEDS = 262_144, 3


def main() -> None:
    options = _options()
    if options.out is not None:
        train(options.out, options.workers).write_csv(ROWS)
    report = Report("campaign_rates")
    rows = pl.read_csv(ROWS)
    report(
        f"{len(rows)} runs of {TOKENS} tokens, {SEEDS} seeds; mean losses in nats per held-out byte, differences with their standard error over seeds"
    )
    for name, axis in AXES.items():
        for (width,), part in rows.filter(ladder=name).group_by("width", maintain_order=True):
            told(report, f"{name}, width {width}", axis, part)
    if options.write:
        report.write()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def train(out: Path, workers: int) -> pl.DataFrame:
    """The ends of all runs; those that `out` holds are not trained again."""
    from allometry.lab.executors import find_executor
    from allometry.lab.ladders import ladder_of, run_ladder

    found = []
    for name, axis in AXES.items():
        contents = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
        for factor in FACTORS:
            outcome = run_ladder(
                ladder_of(at_rate(contents, factor)), out / f"{name}-{factor:g}", find_executor("local", workers)
            )
            ends = pl.read_csv(outcome.table).filter(pl.col("step") == pl.col("steps"))
            kept = ends.select(
                "width", "seed", "params", "flops", "learning_rate", "loss", "state", setting=pl.col(axis)
            )
            found.append(kept.select(pl.lit(name).alias("ladder"), pl.lit(factor).alias("factor"), pl.all()))
    return pl.concat(found).sort("ladder", "width", "setting", "factor", "seed")


def at_rate(contents: dict[str, Any], factor: float) -> dict[str, Any]:
    """The ladder file of the campaign at its ends of width and another scale of its law of rates."""
    training = contents["training"]
    law = training["learning_rate"]
    rate = {**law, "values": {**law["values"], "A": law["values"]["A"] * factor}}
    sizes = contents["sizes"]
    return {
        **contents, "sizes": [sizes[0], sizes[-1]], "seeds": SEEDS, "budget": {"tokens": [TOKENS]},
        "training": {**training, "learning_rate": rate},
    }  # fmt: skip


def told(report: Report, title: str, axis: str, rows: pl.DataFrame) -> None:
    """The losses of each setting at each rate, and what the choice of rates does to the comparison with the trivial one."""
    report()
    report(
        f"{title:24}"
        + "".join(f"{f'x {factor:g}':>8}" for factor in FACTORS)
        + f"{'over trivial: law rate':>26}{'own best':>18}"
    )
    trivial = losses(rows.filter(setting=rows["setting"].min()))
    for (setting,), part in rows.group_by("setting", maintain_order=True):
        own = losses(part)
        apart = (own[:, LAW] - trivial[:, LAW], own[:, best(own)] - trivial[:, best(trivial)])
        report(f"{f'  {axis} {setting}':24}" + "".join(f"{loss:8.3f}" for loss in own.mean(axis=0))
               + f"{spread(apart[0]):>26}{spread(apart[1]):>18}")  # fmt: skip


def losses(rows: pl.DataFrame) -> np.ndarray:
    """Losses (seeds, rates)."""
    return rows.sort("seed", "factor")["loss"].to_numpy().reshape(SEEDS, len(FACTORS))


def best(losses: np.ndarray) -> int:
    """The rate of the least mean loss."""
    return int(np.argmin(losses.mean(axis=0)))


def spread(apart: np.ndarray) -> str:
    """A mean over seeds with its standard error."""
    return f"{apart.mean():+.3f} +- {apart.std(ddof=1) / np.sqrt(len(apart)):.3f}"


if __name__ == "__main__":
    main()
