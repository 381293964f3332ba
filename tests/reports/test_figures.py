"""Figures against known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allometry.fits import Fit
from allometry.laws import find_law, list_laws
from allometry.plans import plan
from allometry.reports.groups import MOST_GROUPS, grouped
from allometry.reports.mathml import formula_mathml
from allometry.reports.style import label
from allometry.reports.surface import frontier


def test_the_frontier_is_the_plan(chinchilla_fit: Fit) -> None:
    ours = frontier(
        chinchilla_fit, chinchilla_fit.estimate[None], "params", np.array([1e20]), np.geomspace(1e6, 1e11, 70)
    )
    assert ours[0, 0] == pytest.approx(plan(chinchilla_fit, flops=1e20, refit=None).at["params"].value, rel=1e-3)


@pytest.mark.parametrize(("stated", "unit"), [("nats per byte", "nats per byte"), ("not stated", "nats per token")])
def test_the_unit_is_what_the_table_states(chinchilla_fit: Fit, stated: str, unit: str) -> None:
    rows = replace(chinchilla_fit.rows, conventions={"loss_unit": stated})
    assert label(replace(chinchilla_fit, rows=rows), "loss") == f"loss ({unit})"


def test_groups_hold_every_run_once(chinchilla_fit: Fit) -> None:
    found = grouped(chinchilla_fit)
    assert sorted(np.concatenate([group.rows for group in found.groups])) == list(range(len(chinchilla_fit.rows)))
    assert len(found.groups) == 5 <= MOST_GROUPS
    assert (found.name, found.by) == ("compute", "params")


@pytest.mark.parametrize("law", list_laws(), ids=lambda law: law.name)
def test_every_law_has_mathml_that_is_well_formed(law: object) -> None:
    from xml.etree import ElementTree

    text = formula_mathml(law)  # type: ignore[arg-type]
    assert text is None or ElementTree.fromstring(text).tag == "math"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("(a + b) * examples", "<mo>(</mo><mi>a</mi><mo>+</mo><mi>b</mi><mo>)</mo>"),
        ("a - (b - examples)", "<mo>(</mo><mi>b</mi><mo>−</mo><mi>n</mi><mo>)</mo>"),
        ("(a / b)**examples", "<mo>(</mo><mfrac><mi>a</mi><mi>b</mi></mfrac><mo>)</mo>"),
        ("a * log(examples)", "<mi>ln</mi><mrow><mo>(</mo><mi>n</mi><mo>)</mo></mrow>"),
    ],
)
def test_brackets_stand_where_they_must(text: str, wanted: str) -> None:
    assert wanted in (formula_mathml(find_law(text)) or "")
