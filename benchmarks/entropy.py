"""Whether the irreducible loss that a law estimates is the true one: five sources whose entropy rate is known.

    python benchmarks/entropy.py --out FOLDER [--workers 2] [--write]      trains five ladders; killed, it goes on
    python benchmarks/entropy.py --rows benchmarks/results/entropy         fits the committed rows again

Each source is a Markov chain over 256 symbols of which the entropy rate is solved for (`lab.corpora.markov`), each ladder
the one in entropy.toml: six sizes at five budgets, 30 runs. What was fixed before any of the five was trained: ladder,
rates, seeds, the law (chinchilla, everything by default) and the targets. Ladder, source (256
symbols, decay 1) and law were chosen on five other ladders (seed 99), for which the rate was known too: with 64 or 128
symbols, most with a flatter decay, models come to the floor faster than any power law, and chinchilla's E was 3% to 4% low. So
this says that a floor is found where the losses fall as the law has it, not that it is found on any source. Largest runs
had to stay above the floor, for a floor that is reached is read off and not estimated. Targets: the 90%
interval of E holds the rate in at least four, and E is within 2% of it in the median. Other laws with an irreducible loss
are printed beside it, so that what hangs on the choice of a law is seen, and the largest run's own loss. `truth` is the loss of the source itself on the same held-out text: how
far it lies from the rate is the luck of that text, which every run shares and no interval holds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from _report import RESULTS, Report
from allometry.fits import fit
from allometry.lab.batches import evaluation_windows
from allometry.lab.corpora.markov import markov_chain
from allometry.lab.executors import find_executor
from allometry.lab.ladders import Ladder, ladder_of, run_ladder
from allometry.runs import Runs, read_runs

LADDER = Path(__file__).with_suffix(".toml")
RATES = (0.5, 1.0, 1.5, 2.25, 3.0)
LAW, OTHERS = "chinchilla", ("kaplan_floor", "skaling", "overtraining", "multiplicative")
HELD, WITHIN = 4, 0.02


@dataclass(frozen=True)
class Judged:
    """What one source gave: of each law whether its interval holds the rate, and how far its E is off; and how far
    above the rate the largest run's own loss is."""

    holds: dict[str, bool]
    off: dict[str, float]
    largest: float


def main() -> None:
    options = _options()
    report = Report("entropy")
    found = []
    for seed, rate in enumerate(RATES, start=1):
        ladder = _ladder(rate, seed)
        table = options.rows / f"{rate:g}.csv" if options.rows else _trained(ladder, options)
        found.append(_judge(report, ladder, rate, seed, read_runs(table)))
        if options.write and not options.rows:
            (RESULTS / "entropy").mkdir(exist_ok=True)
            shutil.copy(table, RESULTS / "entropy" / f"{rate:g}.csv")
    report()
    for law in (LAW, *OTHERS):
        held, off = sum(each.holds[law] for each in found), median(each.off[law] for each in found)
        target = f"  (target: {HELD} of {len(found)}, {WITHIN:.0%})" if law == LAW else ""
        report(
            f"{law:15} the 90% interval of E holds the rate in {held} of {len(found)}; E is {off:.2%} off in the median{target}"
        )
    report(f"the largest run's own loss is {median(each.largest for each in found):.2%} off in the median")
    if options.write:
        report.write()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="folder of the five ladders")
    where.add_argument("--rows", type=Path, help="folder of tables that were measured before; nothing is trained")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="keep what is printed, and the rows")
    return parser.parse_args()


def _ladder(rate: float, seed: int) -> Ladder:
    contents = tomllib.loads(LADDER.read_text(encoding="utf-8"))
    contents["corpus"].update(rate=rate, seed=seed)
    return ladder_of(contents, f"entropy-{rate:g}")


def _trained(ladder: Ladder, options: argparse.Namespace) -> Path:
    outcome = run_ladder(ladder, options.out / ladder.name, find_executor("local", options.workers))
    if outcome.failed:
        raise SystemExit(f"{ladder.name}: {outcome.failed[0].why}")
    return outcome.table


def _judge(report: Report, ladder: Ladder, rate: float, seed: int, runs: Runs) -> Judged:
    """Fit every law to the runs of one source, and print what comes of it."""
    losses, flops = runs.columns["loss"], runs.columns["flops"]
    largest = float(losses[np.argmax(flops)] / rate - 1)
    report()
    report(f"rate {rate:g} nats per byte: {len(losses)} runs, losses {losses.max():.4f} to {losses.min():.4f}; truth "
           f"{_truth(ladder, rate, seed):.4f}; largest run's own loss {losses[np.argmax(flops)]:.4f} ({largest:+.1%})")  # fmt: skip
    found = Judged({}, {}, largest)
    for law in (LAW, *OTHERS):
        fitted = fit(runs, law)
        floor = fitted.parameters["E"]
        assert floor.value is not None
        assert floor.low is not None
        assert floor.high is not None
        found.holds[law], found.off[law] = floor.low <= rate <= floor.high, abs(floor.value / rate - 1)
        report(f"  {law:15} E {floor.value:.4f} [{floor.low:.4f}, {floor.high:.4f}] ({floor.value / rate - 1:+.1%}) "
               f"{'holds' if found.holds[law] else 'MISSES'} the rate; residuals {fitted.residuals.std():.4f}")  # fmt: skip
    return found


def _truth(ladder: Ladder, rate: float, seed: int) -> float:
    """Mean loss of the source itself on the windows that the runs are measured on."""
    job = ladder.jobs[0]
    windows = evaluation_windows(ladder.corpus.held_out, job.context, job.evaluation.windows).numpy()
    chain = markov_chain(rate=rate, symbols=ladder.corpus.vocab, seed=seed)
    return float(-np.log(chain.transitions[windows[:, :-1], windows[:, 1:]]).mean())


if __name__ == "__main__":
    main()
