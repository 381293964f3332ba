"""A campaign of small real ladders: the law of each, what it says of runs it has not seen, and mechanisms side by side.

The ladder files and the rows they gave lie in `campaign/`. A ladder is trained again by
    allometry lab run benchmarks/campaign/NAME.toml --out DIR --workers 1; cp DIR/runs.csv benchmarks/campaign/NAME.csv
Runs above a third of the ladder's largest FLOPs are held out; laws are fitted to the ends of the others, and every run
held out is forecast. The first law of each ladder was named before its runs were made, the others after the plain ladder
was seen, and so was the form that mechanisms are compared by. Which law would have been chosen is told by backtests of
the runs below the cut alone, as `allometry compare` makes them.

Usage: python benchmarks/campaign.py [--write]     (about a minute)
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from _report import Report
from allometry.costs import Shape
from allometry.fits import Fit, Settings, fit
from allometry.forecasts import Backtest, backtest, tournament
from allometry.laws import find_law
from allometry.notices import Interval, Refused
from allometry.plans import arms
from allometry.runs import Runs, read_runs

FOLDER = Path(__file__).parent / "campaign"
HELD_OUT = 3.0  # runs above the largest FLOPs over this
SETTINGS = Settings(bootstrap=400)


# Tokens are counted at the deep model's price, for those before stacking cost less; growing multiplies the loss, by
# less than 1 where gamma is above 1 (ours).
SEPARATE = "E + A / params**alpha + B / (flops / params)**beta"
# The form that backtests of the plain ladder choose: size and tokens limit together, and there is no floor.
JOINT = "((Nc / params)**(alpha_N / alpha_D) + Dc * params / flops)**alpha_D"
KAPLAN = "((Nc / ({size}))**(alpha_N / alpha_D) + Dc / tokens)**alpha_D"


@dataclass(frozen=True)
class Ladder:
    """A ladder and the laws that are held to it by name, the first one named in advance, others as rivals."""

    laws: Mapping[str, str]
    published: Mapping[str, str] = field(default_factory=dict)  # parameters of the first law, and what its source found


LADDERS = {
    "plain": Ladder({name: name for name in ("chinchilla", "kaplan", "multiplicative", "skaling")}),
    "looped": Ladder({
        "looped_training": "looped_training", "stored parameters alone": "chinchilla",
        "kaplan, unrolled": KAPLAN.format(size="fixed_params + loops * core_params"),
    }),
    "streams": Ladder(
        {"parscale": "parscale", "parscale_additive": "parscale_additive"},
        {"k": ".39 on code, .33 on the Pile, 5e8 to 4e9 parameters (recalled)"},
    ),
    "experts": Ladder({  # ours: experts multiply what is active, or divide it where gamma is below 1
        "chinchilla, experts": "E + A / (active_params**alpha * experts**(gamma - 1)) + B / tokens**beta",
        "kaplan, experts": KAPLAN.format(size="active_params * experts**(gamma - 1)"),
    }),
    "growth": Ladder({
        "chinchilla, grown": f"({SEPARATE}) * growth_factor**(1 - gamma)", "kaplan, grown": f"({JOINT}) * growth_factor**(1 - gamma)",
    }),
}  # fmt: skip


def main() -> None:
    report = Report("campaign")
    counted = 0
    for name, ladder in LADDERS.items():
        if (FOLDER / f"{name}.csv").exists():
            counted += measured(report, name, ladder)
    report()
    report(f"{counted} runs in all")
    report()
    exponents(report)
    for name in ("looped", "streams", "experts"):
        beside_plain(report, name)
    grown(report)
    if "--write" in sys.argv:
        report.write()


def ends_of(name: str) -> pl.DataFrame:
    """The last row of each run, with the parameters inside and outside of loops."""
    rows = pl.read_csv(FOLDER / f"{name}.csv", schema_overrides={"entropy_rate": pl.Float64})
    rows = rows.filter(pl.col("step") == pl.col("steps"), pl.col("state") == "finished")
    core = [
        looped_params(**shape) for shape in rows.select("depth", "width", "heads", "ffn", "loops").iter_rows(named=True)
    ]
    return rows.with_columns(core_params=pl.Series(core, dtype=pl.Float64)).with_columns(
        fixed_params=pl.col("params") - pl.col("core_params")
    )


def looped_params(depth: int, width: int, heads: int, ffn: int, loops: int, inside: int = 2) -> float:
    """Parameters of the layers that a ladder with `looped_layers` of 2 runs more than once."""

    def total(layers: int) -> int:
        return (
            Shape(layers=layers, width=width, heads=heads, head_size=width // heads, ffn=ffn, vocab=256)
            .parameters()
            .total
        )

    return float(total(depth) - total(depth - inside)) if depth > inside else 0.0


def runs_of(table: pl.DataFrame) -> Runs:
    return read_runs(table.to_dict(as_series=False))


def measured(report: Report, name: str, ladder: Ladder) -> int:
    """One ladder: its laws on the smaller runs, and the runs held out."""
    table = ends_of(name)
    limit = table["flops"].max() / HELD_OUT
    few = table.filter(pl.col("flops") <= limit)
    report()
    report(f"{name}: {len(table)} runs of {table['params'].min()} to {table['params'].max()} parameters on {table['tokens'].min()} to "
           f"{table['tokens'].max()} tokens, {table['flops'].min():.2g} to {table['flops'].max():.2g} FLOPs, losses {table['loss'].max():.3f} to "
           f"{table['loss'].min():.3f}; fitted below {limit:.2g} FLOPs: {len(few)} runs")  # fmt: skip
    laws = [replace(find_law(text, axes=table.columns, metric="loss"), name=name) for name, text in ladder.laws.items()]
    for law in laws:
        (test,) = backtest(runs_of(table), [law], SETTINGS, holdout=f"flops > {limit!r}")
        report(f"  {law.name}: " + (held(test, table) if len(test.row) else "; ".join(test.failed)))
        report("    " + parameters(fit(runs_of(few), law, SETTINGS)))
    if len(laws) > 1:
        found = tournament(backtest(runs_of(few), laws, replace(SETTINGS, bootstrap=0)))
        report(f"  chosen by backtests of those runs: {found.recommended} ({found.verdict})")
    for parameter, source in ladder.published.items():
        report(f"    published {parameter}: {source}")
    return len(table)


def held(test: Backtest, table: pl.DataFrame) -> str:
    """How far forecasts of the runs held out were off, and the one with the most FLOPs by itself."""
    off, top = np.abs(np.expm1(test.error)), int(np.argmax(table["flops"].to_numpy()[test.row]))
    return (
        f"{len(off)} held out, mean |error| {off.mean():.2%}, 90% intervals held {test.inside.sum()}; the largest measured "
        f"{test.measured[top]:.3f}, forecast {test.predicted[top]:.3f} ({test.low[top]:.3f} to {test.high[top]:.3f})"
    )


def parameters(found: Fit) -> str:
    return ", ".join(f"{name} {words(found.parameters[name], value)}" for name, value in found.values.items())


def words(interval: Interval, value: float) -> str:
    ends = (
        "no interval" if interval.low is None or interval.high is None else f"{interval.low:.3g} to {interval.high:.3g}"
    )
    return f"{value:.3g} ({ends})"


def exponents(report: Report) -> None:
    """Best loops and tokens with compute: what the fitted law gives beside what its source found."""
    table = ends_of("looped")
    found = fit(runs_of(table), "looped_training", SETTINGS)
    x, y = (found.draws[:, found.law.parameter_names.index(name)] for name in ("x", "y"))
    unrolled, tokens = y / (x + y), x / (x + y)
    report(f"loops, all runs: best unrolled parameters grow as C**{ends(unrolled)}, tokens as C**{ends(tokens)}; published, at fixed "
           "stored parameters: loops as C**.40, tokens as C**.78 (recalled; the two sum to more than 1 as part of a model is not looped)")  # fmt: skip


def ends(draws: np.ndarray) -> str:
    low, middle, high = np.nanpercentile(draws, [5, 50, 95])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def beside_plain(report: Report, name: str) -> None:
    """The mechanism at work against the same ladder with it set to one, at equal FLOPs and size (of what is active)."""
    field, size = {
        "looped": ("loops", "params"),
        "streams": ("streams", "params"),
        "experts": ("experts", "active_params"),
    }[name]
    table = ends_of(name).with_columns(params=pl.col(size))
    for value in sorted(set(table[field]) - {1}):
        report(f"{field} {value} against 1: {told(table.filter(pl.col(field).is_in([1, value])), field)}")


def grown(report: Report) -> None:
    report(f"stacked growth by 2 against scratch: {told(ends_of('growth'), 'growth_factor')}")


def told(table: pl.DataFrame, by: str) -> str:
    """Both at the size of the largest model without the mechanism, and at the most FLOPs that both were trained to."""
    alone = table.filter(pl.col(by) == 1)
    at = {
        "params": float(alone["params"].max()),
        "flops": float(table.group_by(by).agg(pl.col("flops").max())["flops"].min()),
    }
    recipes = table.with_columns(recipe=pl.col(by).cast(pl.String))
    law = find_law(JOINT, axes=recipes.columns, metric="loss")
    try:
        found = arms(runs_of(recipes), "recipe", law, at, baseline="1", settings=SETTINGS, tried="all")
    except Refused as refused:
        return f"no curve at equal FLOPs ({refused.message}); {at_equal_size(table, by)}"
    return f"{found.verdict}; worth {words(found.multiplier, found.multiplier.value or float('nan'))} times the FLOPs"


def at_equal_size(table: pl.DataFrame, by: str) -> str:
    """What the mechanism changes at equal width and tokens, where it costs more FLOPs; runs paired by their seed."""
    rung = ["width", "tokens", "seed"]
    pairs = table.filter(pl.col(by) > 1).join(table.filter(pl.col(by) == 1), on=rung, suffix="_alone")
    gap = (pairs["loss"] - pairs["loss_alone"]).to_numpy()
    ratio = float((pairs["flops"] / pairs["flops_alone"]).mean())
    return f"at equal width and tokens, {ratio:.2f} times the FLOPs, {gap.mean():+.3f} nats +- {gap.std(ddof=1) / len(gap) ** 0.5:.3f} ({len(gap)} pairs)"


if __name__ == "__main__":
    main()
