"""A law as a table: from TOML to `Law` with everything checked, and back for an artifact.

A declaration is refused before anything is computed with it: keys that are not known, names in the formula that are
neither axis nor parameter, bounds and starts that contradict each other, published constants that are not complete.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from allometry.axes import AXES
from allometry.expressions import Formula, parse
from allometry.expressions.compiled import SPACES
from allometry.laws._axes import axis_table, read_axes
from allometry.laws._constants import STATUSES, read_design, read_figures, read_publications
from allometry.laws._parameters import MOST_PARAMETERS, read_parameters
from allometry.laws._tables import Table, listed
from allometry.laws.law import Law, Parameter, Published
from allometry.notices import Refused


def read_law(path: Path | str, sizes: Mapping[str, int] | None = None) -> Law:
    """The law that a TOML file declares; its name is the file's, its subject the folder's, unless the file says so.

    Arguments: `sizes` overrides the declared number of members of parameter families.
    Errors: `Refused` with the file and the key for anything in it that is wrong.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused("no-such-file", f"cannot read the law: {error.strerror}", str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused("bad-declaration", f"the file is not TOML: {error}", str(path)) from None
    return law_from_table({"name": path.stem, "subject": path.parent.name, **content}, str(path), sizes)


def law_from_table(content: Mapping[str, object], where: str, sizes: Mapping[str, int] | None = None) -> Law:
    """The law that a table declares, as TOML or JSON gives it; `where` names its source in refusals.

    >>> table = {"name": "mine", "formula": "A * tokens**-b", "axes": ["tokens"], "metric": "loss",
    ...          "parameters": {"A": {}, "b": {"low": 0, "high": 1}}}
    >>> law_from_table(table, "mine.toml").parameter_names
    ('A', 'b')
    """
    table = Table(content, where)
    families = _sizes(table, sizes or {})
    formula = _formula(table, families)
    metric = table.text("metric")
    axes, declared = read_axes(table, families, metric)
    parameters = read_parameters(table.table("parameters"), families, axes)
    _check_names(table, formula, axes, parameters)
    design, figures = table.table("design"), table.table("figures")
    published = read_publications(table.table("published"), parameters, resized=bool(sizes))
    law = Law(
        name=table.text("name"),
        title=table.text("title", ""),
        subject=table.text("subject", ""),
        formula=formula,
        axes=axes,
        metric=metric,
        parameters=parameters,
        min_runs=max(table.whole("min_runs", 0), len(parameters) + 1),
        published=published,
        source=table.text("source", ""),
        use=table.text("use", ""),
        avoid=table.text("avoid", ""),
        metric_unit=table.text("metric_unit", AXES[metric].unit if metric in AXES else ""),
        space=_space(table),
        declared=declared,
        sizes=families,
        design=None if sizes else read_design(design, axes, parameters, published),
        papers=table.texts("papers", ()),
        status=_status(table),
        provisional=table.truth("provisional", False),
        figures=() if sizes else read_figures(figures, axes, parameters, published),
    )
    _check_provisional(table, law)
    table.finish()
    return law


def _status(table: Table) -> str:
    status = table.text("status", "")
    if status and status not in STATUSES:
        raise table.refuse("bad-declaration", f"must be one of {listed(STATUSES)}", "status")
    return status


def _check_provisional(table: Table, law: Law) -> None:
    """A form seen only in an abstract is a proposal, and a proposal has no published constants."""
    if law.provisional and (law.published or law.status != "proposed"):
        message = "a provisional law has the status proposed and publishes no constants"
        raise table.refuse("bad-declaration", message, "provisional", "remove one of the two")


def _sizes(table: Table, sizes: Mapping[str, int]) -> dict[str, int]:
    families = table.table("families")
    declared = {key: families.whole(key) for key in list(families.content)}
    for name, size in {**declared, **sizes}.items():
        if name not in declared:
            raise families.refuse("unknown-family", f"no family is called {name!r}", mend=f"it has {listed(declared)}")
        if not 1 <= size <= MOST_PARAMETERS:
            raise families.refuse("bad-size", f"{size} {name} cannot be unrolled", name, "give at least 1")
    return {**declared, **sizes}


def _formula(table: Table, families: Mapping[str, int]) -> Formula:
    text = table.text("formula")
    try:
        return parse(text, families)
    except Refused as error:
        where = f"{table.where('formula')}: {error.where}" if error.where else table.where("formula")
        raise Refused(error.code, error.message, where, error.mend) from None


def _check_names(table: Table, formula: Formula, axes: tuple[str, ...], parameters: tuple[Parameter, ...]) -> None:
    names = [parameter.name for parameter in parameters]
    known = [*axes, *names]
    if not axes or len(set(known)) < len(known):
        message = "must name at least one axis, and no name twice among axes and parameters"
        raise table.refuse("bad-declaration", message, "axes")
    for name in formula.names:
        if name not in known:
            message = f"{name!r} in the formula is neither an axis nor a parameter"
            raise table.refuse("unknown-name", message, "formula", f"it knows {listed(known)}")
    for name in known:
        if name not in formula.names:
            key = "axes" if name in axes else f"parameters.{name}"
            raise table.refuse("unused-name", f"{name!r} is not in the formula", key, "remove it")


def _space(table: Table) -> str:
    space = table.text("space", "log")
    if space not in SPACES:
        raise table.refuse("unknown-space", f"no space is called {space!r}", "space", f"use one of {listed(SPACES)}")
    return space


def law_table(law: Law) -> dict[str, object]:
    """The declaration of a law as plain texts, numbers, lists and tables, for an artifact.

    `law_from_table` gives the same law again, but for `design` and `figures`, which only tests read.

    >>> from allometry.laws import find_law
    >>> table = law_table(find_law("power"))
    >>> table["formula"], law_from_table(table, "artifact").parameters == find_law("power").parameters
    ('E + A * flops**-alpha', True)
    """
    keys = ("name", "subject", "title", "source", "use", "avoid", "metric", "metric_unit", "space", "status")
    return {
        **{key: getattr(law, key) for key in (*keys, "provisional")},
        "papers": list(law.papers),
        "formula": law.formula.text,
        "axes": list(law.axes),
        "min_runs": law.min_runs,
        "families": dict(law.sizes),
        "axis": {name: axis_table(axis) for name, axis in law.declared.items()},
        "parameters": {parameter.name: _parameter_table(parameter) for parameter in law.parameters},
        "published": {key: _published_table(published) for key, published in law.published.items()},
    }


def _parameter_table(parameter: Parameter) -> dict[str, object]:
    table: dict[str, object] = {key: getattr(parameter, key) for key in ("meaning", "unit", "symbol", "along")}
    bounds = {key: value for key, value in (("low", parameter.low), ("high", parameter.high)) if value is not None}
    start = {} if parameter.start is None else {"start": list(parameter.start)}
    return {**table, **(bounds or {"free": True}), **start}


def _published_table(published: Published) -> dict[str, object]:
    table = {key: getattr(published, key) for key in ("source", "status", "where", "note")}
    return {**table, "values": dict(published.values), "conventions": dict(published.conventions)}
