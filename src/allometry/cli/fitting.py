"""`allometry fit`: a law, a table, joint uncertainty, and what to look at before using it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from allometry.cli.options import (
    Convention,
    Json,
    Level,
    Map,
    MapFile,
    RowsRule,
    Seed,
    Starts,
    Table,
    Where,
    assignments,
    check_out,
    level_of,
    mapping_of,
    notices_json,
    quantities,
)  # fmt: skip
from allometry.cli.output import (
    interval_cells,
    number,
    print_json,
    print_lines,
    print_notices,
    print_table,
    progress,
    working,
)
from allometry.expressions import parse_number
from allometry.fits import Diagnosis, Fit, Prior, Settings, diagnose, load_fit, objective_named, save_fit
from allometry.fits import fit as fit_law
from allometry.history import ledger_path
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import default_quantities, paired_optima
from allometry.runs import Reading, Runs, read_runs


def fit(
    context: typer.Context,
    table: Table,
    law: Annotated[str | None, typer.Option(help="Catalogue name, TOML file or formula text.")] = None,
    map: Map = None, map_file: MapFile = None, where: Where = None, rows: RowsRule = None, convention: Convention = None,
    target: Annotated[list[str] | None, typer.Option(help="Metric column; repeatable: one fit each on the same resamples.")] = None,
    robust: Annotated[str, typer.Option(help="huber, squared, absolute or asymmetric.")] = "huber",
    delta: Annotated[str, typer.Option(help="Half-width of Huber's quadratic part, or auto.")] = "auto",
    fix: Annotated[list[str] | None, typer.Option(help="name=value; repeatable.")] = None,
    prior: Annotated[list[str] | None, typer.Option(help="name=mean,sd or name=value,xFACTOR; repeatable.")] = None,
    space: Annotated[str | None, typer.Option(help="log, log1p, identity or logit.")] = None,
    weights: Annotated[str | None, typer.Option(help="Column of row weights.")] = None,
    tie: Annotated[list[str] | None, typer.Option(help="beta=alpha makes beta equal alpha; repeatable.")] = None,
    by: Annotated[str | None, typer.Option(help="Column: one fit a group.")] = None,
    starts: Starts = None,
    bootstrap: Annotated[int, typer.Option(help="Resamples; 0 for none.", min=0)] = 1000,
    cluster: Annotated[str | None, typer.Option(help="Column whose groups are resampled whole, or none.")] = None,
    like: Annotated[Path | None, typer.Option(help="A saved fit: its law, every setting, and how its table was read, on this table.")] = None,
    level: Level = None, seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Save the fit here.")] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Fit a scaling law to a table of runs."""
    pattern = None if like is None else _pattern(like, context)
    runs = _read(table, mapping_of(map, map_file), where, rows, assignments(convention, "--convention"), pattern)
    if pattern is not None:
        chosen, settings = pattern.law, pattern.settings
    else:
        if law is None:
            raise Refused(
                "no-law",
                "no law was given",
                "--law",
                "name one of `allometry laws`, e.g. --law chinchilla, or write a formula",
            )
        chosen = find_law(law, axes=runs.columns, metric=(target or ["loss"])[0])
        settings = Settings(
            objective=objective_named(robust, delta if delta == "auto" else parse_number(delta, "--delta")), space=space,
            fixed=quantities(fix, "--fix"), ties=assignments(tie, "--tie"),
            priors={name: Prior.parse(name, text) for name, text in assignments(prior, "--prior").items()},
            weights=weights, starts=starts, bootstrap=bootstrap, cluster=cluster, seed=seed, level=level_of(level, 0.9),
        )  # fmt: skip
    if settings.bootstrap == 1:
        raise Refused("one-resample", "one resample gives no interval", "--bootstrap", "write 1000, or 0 for none")
    groups = {"": runs} if by is None else runs.by(by)
    targets = target or [chosen.metric]
    _check_out(out, len(groups) * len(targets))
    results = [
        _one(part, chosen, settings, name, {"group": group, "target": name})
        for group, part in groups.items() for name in targets
    ]  # fmt: skip
    if out is not None:
        save_fit(results[0][0], out)
    if pattern is not None and not json:
        print_lines(f"as in {like}: " + ", ".join(["every setting", *filter(None, [pattern.rows.reading.words])]))
    _print(results, json, out, grouped=by is not None, like=like)


_OF_A_FIT = (
    "law", "robust", "delta", "fix", "prior", "tie", "space", "weights", "starts", "bootstrap", "cluster", "level", "seed",
)  # fmt: skip


def _pattern(like: Path, context: typer.Context) -> Fit:
    """The fit to repeat; options that it decides may not be given beside it."""
    given = [
        f"--{name}"
        for name in _OF_A_FIT
        if str(getattr(context.get_parameter_source(name), "name", "")) == "COMMANDLINE"
    ]
    if given:
        raise Refused(
            "like-and-more",
            f"--like repeats the law and every setting of that fit, and {', '.join(given)} would change it",
            "--like",
            "leave it out, or leave --like out" if len(given) == 1 else "leave them out, or leave --like out",
        )
    return load_fit(like)


def _read(
    table: str, mapping: Mapping[str, str], where: str | None, rows: str | None, conventions: Mapping[str, str], like: Fit | None
) -> Runs:  # fmt: skip
    """The table, read as the pattern's was where nothing else is asked."""
    was = Reading() if like is None else like.rows.reading
    return read_runs(
        table, map={**was.map, **mapping}, where=where or was.where, rows=rows or was.rows,
        conventions={**was.conventions, **conventions}, drop_invalid=was.drop_invalid,
    )  # fmt: skip


def _check_out(out: Path | None, fits: int) -> None:
    if out is not None:
        check_out(out)
    if out is not None and fits > 1:
        raise Refused(
            "many-fits",
            f"{fits} fits do not go into one file",
            "--out",
            "fit one group and one target at a time to save it",
        )


def _one(
    runs: Runs, law: Any, settings: Settings, target: str, label: Mapping[str, str]
) -> tuple[Fit, Diagnosis, Mapping[str, str]]:
    with progress(f"resampling {label['group']}".strip(), settings.bootstrap) as tick:
        found = fit_law(runs, law, settings, target=target, tick=tick)
    with working("looking for the rows that decide"):
        return found, diagnose(found, default_quantities(found)), label


def fit_json(found: Fit, diagnosis: Diagnosis) -> dict[str, Any]:
    """What `fit --json` says of one fit."""
    return {
        "law": found.law.name, "formula": found.law.formula.text, "target": found.rows.metric, "n_runs": found.rows.count,
        "rows_given": found.rows.given, "objective": found.objective, "delta": found.delta, "space": found.space,
        "parameters": {name: {"value": p.value, "low": p.low, "high": p.high, "why": p.why} for name, p in found.parameters.items()},
        "interval": found.interval_kind, "interval_label": "fit noise only", "level": found.settings.level,
        "draws": len(found.draws), "status": found.status, "converged": found.converged,
        "starts": {"agree": found.agree, "finalists": found.finalists, "gap": found.gap},
        "prior_share": dict(found.prior_share), "conventions": dict(found.conventions), "provenance": found.provenance,
        "warnings": notices_json([*found.rows.notices, *found.notices, *diagnosis.notices]),
        "influence": [
            {"rows": list(i.rows), "quantity": i.quantity, "effect": i.effect, "expected": list(i.expected), "finding": i.finding}
            for i in diagnosis.influence
        ],
        "residual_trends": dict(diagnosis.trends), "complete": True,
    }  # fmt: skip


def _print(
    results: list[tuple[Fit, Diagnosis, Mapping[str, str]]],
    json: bool,
    out: Path | None,
    grouped: bool,
    like: Path | None,
) -> None:
    pairs = paired_optima([found for found, _, _ in results]) if len(results) > 1 else ()
    if json:
        each = [{**label, **fit_json(found, diagnosis)} for found, diagnosis, label in results]
        extra = {"fits": each, "paired": [pair.as_json() for pair in pairs]} if grouped or len(each) > 1 else {}
        files = {name: str(path) for name, path in (("like", like), ("out", out)) if path is not None}
        print_json({**{k: v for k, v in each[0].items() if k not in ("group",)}, **extra, **files})
        return
    for found, diagnosis, label in results:
        if label["group"] or len(results) > 1:
            print_lines("", " ".join(f"[{k}: {v}]" for k, v in label.items() if v))
        show_fit(found, diagnosis)
    if pairs:
        cells = [(p.label, number(p.ratio.value), number(p.ratio.low), number(p.ratio.high)) for p in pairs]
        print_table("paired ratios of optima, on the same resamples", ("ratio", "value", "low", "high"), cells)
    if out is not None:
        print_lines(f"saved to {out}")
        if ledger_path(out).exists():
            print_lines(f"{ledger_path(out)} keeps what earlier fits under this name said")


def show_fit(found: Fit, diagnosis: Diagnosis) -> None:
    """One fit as a person reads it."""
    print_lines(f"{found.law.name}", found.law.equation)
    print_lines(
        f"{found.rows.count} of {found.rows.given} rows used; {found.status}; {found.agree:.0%} of {found.finalists} best starts agree"
    )
    delta = "" if found.delta is None else f", delta {found.delta:.3g}"
    print_lines(f"objective {found.objective:.6g} ({found.settings.objective.name} in {found.space} space{delta})")
    cells = [(name, *interval_cells(p)) for name, p in found.parameters.items()]
    print_table(f"parameters, {found.settings.level:.0%} intervals: {found.interval_kind} (fit noise only)",
                ("parameter", "fitted", "low", "high", ""), cells)  # fmt: skip
    for item in diagnosis.influence:
        word = "finding" if item.finding else "not a finding"
        listed = ", ".join(map(str, item.rows))
        print_lines(
            f"influence ({word}): without rows {listed} {item.quantity} changes by x{item.effect:.3g}; simulated tables reach x{item.expected[0]:.3g}"
        )
    print_notices([*found.rows.notices, *found.notices, *diagnosis.notices])
