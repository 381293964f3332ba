"""A fit's parameters, formula and method as text for a paper: LaTeX, Markdown or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from allometry.expressions import latex, parse
from allometry.fits import Fit
from allometry.forecasts import interval_label
from allometry.laws import Parameter
from allometry.notices import Interval, Refused
from allometry.reports.method import method
from allometry.reports.numbers import tex
from allometry.reports.words import parameter_unit, parameters

TableFormat: TypeAlias = Literal["latex", "markdown", "csv"]
_TEX = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"} | {
    sign: "\\" + sign for sign in "{}$&#_%"
}


def parameter_table(fit: Fit, format: TableFormat) -> str:
    """The parameters with their intervals, the formula, and the sentence of method.

    Use it for a paper or a wiki; read numbers by program from the saved fit. Markdown and LaTeX round to four digits,
    CSV keeps all of them and repeats formula and method on each line, so that the tables of several fits can be put
    below each other. LaTeX needs the packages booktabs, array and amsmath.

    Errors: `Refused` for another format.

    >>> from allometry.fits import published_fit
    >>> print(parameter_table(published_fit("chinchilla@hoffmann"), "csv").splitlines()[1].split(",")[:3])
    ['E', '1.69', '']
    """
    if format not in TABLE_FORMATS:
        mend = f"write {', '.join(TABLE_FORMATS)}"
        raise Refused("bad-format", f"{format!r} is no format of a table of parameters", "--format", mend)
    return TABLE_FORMATS[format](fit)


def _markdown(fit: Fit) -> str:
    heads = ("parameter", "value", _interval_head(fit), "unit", "meaning")
    lines = [heads, ("---",) * len(heads), *parameters(fit)]
    table = "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)
    code = "\n".join(f"    {line}" for line in fit.law.equation.splitlines())
    return f"{code}\n\n{table}\n\n{_prose(method(fit))}\n"


def _cell(text: str) -> str:
    return _prose(text.replace("\n", " "))


def _prose(text: str) -> str:
    """Text in which no sign is Markdown's or HTML's."""
    for sign in "\\|*_`[]":
        text = text.replace(sign, "\\" + sign)
    return text.replace("<", "&lt;")


def _latex(fit: Fit) -> str:
    meant = {parameter.name: parameter for parameter in fit.law.parameters}
    lines = [
        f"${latex(parse(name))}$ & {tex(found.value)} & {_tex_ends(found)} & {_tex(_meant(fit, meant[name]))} \\\\"
        for name, found in fit.parameters.items()
    ]
    metric = fit.law.axis(fit.law.metric)
    head = f"{fit.settings.level:.0%} interval" if len(fit.draws) else "interval"  # its kind is in the sentence below
    return "\n".join([
        "% needs \\usepackage{booktabs,array,amsmath}",
        "\\begin{equation}",
        f"  {metric.latex or latex(parse(fit.law.metric))} = {fit.law.latex()}",
        "\\end{equation}",
        "\\begin{tabular}{lrr>{\\raggedright\\arraybackslash}p{0.42\\linewidth}}",
        "\\toprule",
        f"parameter & value & {_tex(head)} & meaning \\\\",
        "\\midrule",
        *lines,
        "\\bottomrule",
        "\\end{tabular}",
        "",
        "\\medskip\\noindent",
        _tex(method(fit)),
        "",
    ])  # fmt: skip


def _meant(fit: Fit, parameter: Parameter) -> str:
    unit = parameter_unit(fit, parameter)
    return f"{parameter.meaning} ({unit})" if unit not in ("", "1") else parameter.meaning


def _interval_head(fit: Fit) -> str:
    return f"{fit.settings.level:.0%} interval ({interval_label(fit)})" if len(fit.draws) else "interval"


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)


def _tex_ends(found: Interval) -> str:
    if found.low is None and found.high is None:
        return _tex(found.why)
    return f"{tex(found.low)} to {tex(found.high)}"


def _csv(fit: Fit) -> str:
    meant = {parameter.name: parameter for parameter in fit.law.parameters}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ("parameter", "value", "low", "high", "why", "level", "unit", "meaning", "law", "formula", "method")
    )
    for name, found in fit.parameters.items():
        ends = [found.value, found.low, found.high, found.why, fit.settings.level if found.low is not None else None]
        about = [
            parameter_unit(fit, meant[name]),
            meant[name].meaning,
            fit.law.name,
            fit.law.formula.text.strip(),
            method(fit),
        ]
        writer.writerow(["" if value is None else value for value in (name, *ends, *about)])
    return text.getvalue()


TABLE_FORMATS: Mapping[TableFormat, Callable[[Fit], str]] = {"latex": _latex, "markdown": _markdown, "csv": _csv}
