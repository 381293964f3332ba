"""How often the intervals of a best mixture hold the planted one, by the number of mixtures trained.

Three training and three validation domains with planted laws; mixtures are drawn evenly over the simplex, losses carry
noise in the logarithm. A share counts as held where the true best one lies in its 90% interval, an open end holding all
beyond it. Beside it how much loss the chosen mixture gives away, and what the best of the mixtures tried would.

    python benchmarks/mixtures.py [--repeats 60] [--noise 0.003] [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse

import numpy as np

from _report import Report, published_table
from allometry.data.mixtures import best_mixture, read_mixtures
from allometry.data.mixtures.simplex import least
from allometry.fits import Settings
from allometry.notices import Interval

COUNTS = (8, 12, 24, 48)
DOMAINS = 3


def one_repeat(seed: int, count: int, noise: float) -> dict[str, list[float]]:
    moved = np.random.default_rng([seed, count])
    floors, sizes = moved.uniform(1, 2.5, DOMAINS), moved.uniform(0.4, 1.0, DOMAINS)
    slopes = moved.normal(0, 0.4, (DOMAINS, DOMAINS)) - np.diag(moved.uniform(2, 4, DOMAINS))

    def losses(shares: np.ndarray) -> np.ndarray:
        return floors + sizes * np.exp(shares @ slopes.T)

    shares = moved.dirichlet(np.ones(DOMAINS), count)
    true = least(
        lambda at: losses(at).mean(axis=-1), np.full((1, DOMAINS), 1 / DOMAINS), np.zeros(DOMAINS), np.ones(DOMAINS)
    )
    table = {f"share_{i}": shares[:, i] for i in range(DOMAINS)}
    noisy = losses(shares) * np.exp(moved.normal(0, noise, (count, DOMAINS)))
    table |= {f"loss_{i}": noisy[:, i] for i in range(DOMAINS)}
    found = best_mixture(read_mixtures(table), take_edge=True, settings=Settings(bootstrap=300, seed=seed))
    best = np.array([found.shares[str(i)].value for i in range(DOMAINS)])
    return {
        "held": [_holds(found.shares[str(i)], true.shares[0, i]) for i in range(DOMAINS)],
        "width": [_width(found.shares[str(i)]) for i in range(DOMAINS)],
        "off": np.abs(best - true.shares[0]).tolist(),
        "excess": [float(losses(best).mean() / true.value[0] - 1)],
        "tried": [float(losses(shares[np.argmin(noisy.mean(axis=1))]).mean() / true.value[0] - 1)],
    }


def _holds(told: Interval, true: float) -> bool:
    return (told.low is None or told.low <= true) and (told.high is None or true <= told.high)


def _width(told: Interval) -> float:
    return float("nan") if told.low is None or told.high is None else told.high - told.low


def published(report: Report) -> None:
    """The mixtures of two domains of Ye et al. 2024 at 30,000 steps."""
    path = published_table("data_mixing_laws.csv")
    if path is None:
        return
    import polars as pl

    report()
    report("Ye et al. 2024, arXiv 2403.16952: five mixtures of Github and Pile-CC, 30,000 steps, both losses alike")
    frame = pl.read_csv(path).filter((pl.col("suite") == "2Mix") & (pl.col("step") == 30_000))
    for (size,), part in frame.group_by("model_size", maintain_order=True):
        shares = np.array([text.split("-") for text in part["mixture"]], dtype=float)
        table = {
            "share_Github": shares[:, 0],
            "share_Pile-CC": shares[:, 1],
            "loss": part["loss"],
            "valid": part["valid_domain"],
        }
        found = best_mixture(read_mixtures({name: list(column) for name, column in table.items()}, by="valid"))
        told, near = found.shares["Github"], found.near[0].shares["Github"]
        errors = np.abs(found.held_out)
        report(f"  {size}: Github {told.value:.1%} [{told.low:.1%}, {told.high:.1%}], within 0.1% of the least loss from {near.low:.1%} "
               f"to {near.high:.1%}; mixtures left out in turn: mean error {errors.mean():.2%}")  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--repeats", type=int, default=60)
    options.add_argument("--noise", type=float, default=0.003)
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    report = Report("mixtures")
    report(
        f"{asked.repeats} repeats a row, {DOMAINS} training and {DOMAINS} validation domains, noise {asked.noise:g}, 90% intervals"
    )
    report()
    report(f"{'mixtures':>9}{'held':>8}{'closed':>8}{'width':>8}{'off by':>8}{'excess loss':>13}{'best tried':>12}")
    for count in COUNTS:
        every = [one_repeat(seed, count, asked.noise) for seed in range(asked.repeats)]
        joined = {name: np.array([value for one in every for value in one[name]], dtype=float) for name in every[0]}
        width = joined["width"][np.isfinite(joined["width"])]
        report(f"{count:9}{joined['held'].mean():8.1%}{len(width) / len(joined['width']):8.0%}{np.median(width):8.3f}{joined['off'].mean():8.3f}"
               f"{joined['excess'].mean():13.3%}{joined['tried'].mean():12.3%}")  # fmt: skip
    published(report)
    if asked.write:
        report.write()


if __name__ == "__main__":
    main()
