"""`allometry demo`: the main job on the runs that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.compare import show_tournament
from allometry.cli.fitting import fit_json, show_fit
from allometry.cli.options import Json, Seed
from allometry.cli.output import print_json, print_lines, progress, working
from allometry.cli.plans import show_forecasts, show_plan
from allometry.fits import Settings, diagnose, save_fit
from allometry.fits import fit as fit_law
from allometry.forecasts import Backtest, backtest, forecast, tournament
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import default_quantities, plan, target_compute
from allometry.runs import Runs, embedded_ladder

LAW, RIVAL = "chinchilla", "kaplan"
BACKTEST_DRAWS = 50  # of each fit below a cut: few, to keep the demo short
BYTES = 256  # vocabulary of the embedded ladder's byte-level models


def demo(
    out: Annotated[Path, typer.Option(help="Folder for fit.json and report.html.")] = Path("demo"),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fit, diagnose, backtest, forecast, plan and report on 70 real runs that come with the package."""
    from allometry.reports import write_report

    settings = Settings(seed=seed)
    _make(out)
    runs = embedded_ladder()
    with progress("resampling", settings.bootstrap) as tick:
        found = fit_law(runs, LAW, settings, tick=tick)
    diagnosis = diagnose(found, default_quantities(found))
    planned = plan(found, flops=target_compute(found), vocab=BYTES)
    best = {name: planned.at[name].value for name in found.law.axes}
    forecasts = forecast(found, [{name: float(value or 0.0) for name, value in best.items()}], of="new-run", seed=seed)
    save_fit(found, out / "fit.json")
    with working("fitting the smaller runs again"):
        tests = _tests(runs, seed)
    ranked = tournament(tests, seed=seed)
    page = write_report(
        found,
        out / "report.html",
        diagnosis=diagnosis,
        plan=planned,
        forecasts=forecasts,
        backtests=tests,
        tournament=ranked,
    )
    if json:
        print_json({"fit": fit_json(found, diagnosis), "forecast": {"forecasts": [f.as_json() for f in forecasts]},
                    "plan": planned.as_json(), "report": str(page), "saved": str(out / "fit.json")})  # fmt: skip
        return
    print_lines(
        "The embedded ladder: byte-level transformers trained on the Python standard library (measured by this project).",
        runs.usage,
        "",
    )
    show_fit(found, diagnosis)
    print_lines("", "Ten times beyond the largest run:")
    show_plan(planned)
    show_forecasts(forecasts)
    print_lines("", "Laws fitted to the smaller runs, asked for the larger ones:")
    show_tournament(ranked, tests)
    print_lines(ranked.verdict)
    print_lines(
        "",
        f"report: {page}",
        f"fit: {out / 'fit.json'}; try: allometry forecast {out / 'fit.json'} --at 'params=2e6 tokens=2e7'",
    )


def _tests(runs: Runs, seed: int) -> tuple[Backtest, ...]:
    """Both laws below the same cuts, which the law of more parameters sets; intervals, which take longest, of one."""
    plain = backtest(runs, [find_law(LAW), find_law(RIVAL)], Settings(seed=seed, bootstrap=0))
    return *backtest(runs, [find_law(LAW)], Settings(seed=seed, bootstrap=BACKTEST_DRAWS)), *plain[1:]


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(
            "no-folder", f"the folder cannot be made: {error.strerror}", str(folder), "choose another --out"
        ) from None
