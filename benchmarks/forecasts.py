"""Choosing a law without seeing the larger runs, on five splits of published tables: what each way of choosing costs.

Every law is fitted to the smaller runs of a table and forecasts the held-out larger ones. Beside each law's own error
stand three ways to choose among them from the smaller runs alone: always chinchilla, the tournament's recommended law,
and the tournament's stack; and the law that turned out best, which nobody can know beforehand. The over-training law
was published with the three gadre tables: its own row there is no evidence for it elsewhere.

    ALLOMETRY_DATA=DIR python benchmarks/forecasts.py [--write]
"""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

import numpy as np

from _report import Report, published_table
from allometry.fits import Settings, fit
from allometry.forecasts import backtest, stack_forecast, tournament
from allometry.laws import find_law
from allometry.runs import Runs, read_runs

LAWS = (
    "chinchilla", "overtraining", "kaplan", "kaplan_floor", "multiplicative", "shifted_separable", "skaling",
    "bounded_rational", "power",
)  # fmt: skip
QUICK = Settings(bootstrap=0)


class Case(NamedTuple):
    """A table, its rows and metric, and which of them are held out."""

    name: str
    table: str
    rows: str
    metric: str
    holdout: str


CASES = (
    *(
        Case(f"gadre, {train}", "gadre_overtraining", f'train_dataset == "{train}"', "loss_c4_val", "params > 5e8")
        for train in ("rpj", "c4_original", "rw_original")
    ),
    Case("epoch, 240 rows", "chinchilla_epoch", "excluded_by_epoch == 0", "loss", "flops > 1e21"),
    Case("misfitting", "misfitting_final", "", "loss", "TOP30"),
)


def read(case: Case) -> tuple[Runs, str]:
    """The rows of a case and its hold-out."""
    path = published_table(f"{case.table}.csv")
    if path is None:
        raise SystemExit(f"{case.table}.csv is not in the folder that ALLOMETRY_DATA names")
    runs = read_runs(str(path), map={"loss": case.metric} if case.metric != "loss" else None, where=case.rows or None)
    if case.holdout != "TOP30":
        return runs, case.holdout
    return runs, f"flops > {float(np.quantile(np.asarray(runs.columns['flops'], dtype=float), 0.7))!r}"


def run(case: Case, say: Report) -> dict[str, float]:
    """Mean |relative error| on the held-out rows of every law and every way to choose."""
    runs, holdout = read(case)
    laws = [find_law(name) for name in LAWS]
    held = {test.law.name: test for test in backtest(runs, laws, QUICK, holdout=holdout)}
    errors = {name: float(np.abs(np.expm1(test.error)).mean()) for name, test in held.items()}
    below = runs.keep(~runs.matches(holdout), "held out")
    usable = [law for law in laws if law.min_runs <= len(below)]
    inner = tournament(backtest(below, usable, QUICK))
    weights = {standing.law: standing.weight for standing in inner.standings}
    fits = [fit(below, law, QUICK) for law in usable]
    measured = next(iter(held.values()))
    columns = {name: np.asarray(runs.columns[name], dtype=float) for name in ("params", "tokens", "flops")}
    places = np.searchsorted(runs.row_numbers, measured.row)
    points = [{name: float(column[i]) for name, column in columns.items()} for i in places]
    stacked = np.array([told.value for told in stack_forecast(fits, [weights[law.name] for law in usable], points)])
    errors["= stack"] = float(np.abs(stacked / measured.measured - 1).mean())
    errors["= recommended"] = errors[inner.recommended]
    errors["= best in hindsight"] = min(errors[name] for name in LAWS)
    say(f"{case.name}: {len(below)} rows fitted, {len(measured.row)} held out; {inner.verdict}")
    say("   stack weights: " + ", ".join(f"{name} {w:.2f}" for name, w in weights.items() if w >= 0.005))
    return errors


def main() -> None:
    say, started = Report("forecasts"), time.process_time()
    tables = {case.name: run(case, say) for case in CASES}
    say()
    say(
        "mean |relative error| of held-out larger runs, %; rows with = choose from the smaller runs alone, but for hindsight"
    )
    say(f"{'':22s}" + "".join(f"{name:>20s}" for name in tables) + f"{'mean':>10s}")
    for row in (*LAWS, "= recommended", "= stack", "= best in hindsight"):
        values = [100 * table[row] for table in tables.values()]
        say(f"{row:22s}" + "".join(f"{value:20.2f}" for value in values) + f"{np.mean(values):10.2f}")
    say(f"process seconds {time.process_time() - started:.0f}")
    if "--write" in sys.argv:
        say.write()


if __name__ == "__main__":
    main()
