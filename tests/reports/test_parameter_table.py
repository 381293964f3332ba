"""The table for a paper: what is in it, in all three formats, and that no name from elsewhere becomes markup."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from allometry.cli.main import main
from allometry.fits import Fit, Huber, Settings, fit, published_fit
from allometry.laws import list_laws
from allometry.notices import Refused
from allometry.reports import TABLE_FORMATS, TableFormat, method, parameter_table

EVIL = "a_b & 50% of $x$ | <script>alert(1)</script> \\input{x} # {~^*`"
PUBLISHED = [f"{law.name}@{key}" for law in list_laws() for key in law.published]


def test_the_sentence_says_how_the_fit_was_made(chinchilla_fit: Fit) -> None:
    said = method(chinchilla_fit)
    assert "n = 25 rows by minimising the sum of Huber losses" in said
    assert re.search(r"delta = 0\.00\d+, from the spread of the residuals", said)
    assert "60 joint resamples (pairs bootstrap over rows; fit noise only), seed 0" in said
    assert f"allometry {chinchilla_fit.versions['allometry']}" in said
    assert "from 64 starts" in said


def test_what_was_held_is_said(chinchilla_fit: Fit) -> None:
    settings = Settings(objective=Huber(1e-3), fixed={"E": 1.7}, ties={"beta": "alpha"}, bootstrap=0, seed=7)
    said = method(fit(chinchilla_fit.rows, chinchilla_fit.law, settings))
    assert "E fixed at 1.7; beta equal to alpha" in said
    assert "delta = 10⁻³, given" in said or "delta = 0.001, given" in said
    assert "no intervals (no resamples were asked for); seed 7" in said


def test_csv_holds_every_digit_and_stands_alone(chinchilla_fit: Fit) -> None:
    rows = list(csv.DictReader(io.StringIO(parameter_table(chinchilla_fit, "csv"))))
    found = {row["parameter"]: (float(row["value"]), float(row["low"]), float(row["high"])) for row in rows}
    assert found == {name: (p.value, p.low, p.high) for name, p in chinchilla_fit.parameters.items()}
    assert {row["formula"] for row in rows} == {chinchilla_fit.law.formula.text.strip()}
    assert {row["method"] for row in rows} == {method(chinchilla_fit)}


def test_a_parameter_without_a_value_says_why(chinchilla_fit: Fit) -> None:
    told = replace(chinchilla_fit, confounded={"B": "the rows do not tell it"})
    for format in TABLE_FORMATS:
        assert "the rows do not tell it" in parameter_table(told, format)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_law_has_a_table(name: str) -> None:
    found = published_fit(name)
    count = len(found.law.parameter_names)
    tex = parameter_table(found, "latex")
    bare = re.sub(r"\\[{}]", "", tex)
    assert bare.count("{") == bare.count("}")
    body = tex[tex.index("\\midrule") : tex.index("\\bottomrule")].splitlines()[1:]
    assert [len(re.findall(r"(?<!\\)&", line)) for line in body] == [3] * count
    markdown = [line for line in parameter_table(found, "markdown").splitlines() if line.startswith("| ")]
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in markdown] == [6] * (count + 2)


def test_names_from_elsewhere_are_text(chinchilla_fit: Fit) -> None:
    first = replace(chinchilla_fit.law.parameters[0], meaning=EVIL, unit=EVIL)
    law = replace(chinchilla_fit.law, name=EVIL, parameters=(first, *chinchilla_fit.law.parameters[1:]))
    evil = replace(chinchilla_fit, law=law)
    assert "<script" not in parameter_table(evil, "markdown")
    tex = parameter_table(evil, "latex")
    assert "\\input" not in tex
    assert "a\\_b \\& 50\\% of \\$x\\$" in tex
    row = next(csv.DictReader(io.StringIO(parameter_table(evil, "csv"))))
    assert row["meaning"] == EVIL


def test_the_command_prints_the_table_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    name: TableFormat
    for name in TABLE_FORMATS:
        with pytest.raises(SystemExit) as ended:
            main(["inspect", "chinchilla@epoch", "--format", name])
        assert not ended.value.code
        assert capsys.readouterr().out == parameter_table(published_fit("chinchilla@epoch"), name)


@pytest.mark.parametrize(
    ("words", "said"), [(("--format", "html"), "'html'"), (("--format", "csv", "--json"), "no JSON")]
)
def test_what_cannot_be_printed_is_refused(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", "chinchilla@epoch", *words])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert said in out + err
    with pytest.raises(Refused, match="'html'"):
        parameter_table(published_fit("chinchilla@epoch"), "html")  # type: ignore[arg-type]
