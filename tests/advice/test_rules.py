"""Each rule sees the fault it is for, on tables whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allometry.advice import Finding, Study, advise, list_rules
from allometry.laws import find_law
from allometry.runs import read_runs

Columns = dict[str, np.ndarray]
Clean = Callable[..., Columns]
Asked = Callable[..., dict[str, Finding]]


def grave(found: dict[str, Finding]) -> set[str]:
    return {code for code, finding in found.items() if finding.level != "note"}


@pytest.mark.parametrize(
    ("seed", "sizes", "budgets", "again"), [(0, 5, 5, 0), (1, 7, 5, 8), (3, 5, 5, 0), (4, 6, 7, 6)]
)
def test_clean_ladders_raise_nothing_above_a_note(
    clean: Clean, asked: Asked, seed: int, sizes: int, budgets: int, again: int
) -> None:
    assert grave(asked(clean(seed, sizes, budgets, again))) == set()


def test_bad_rows_are_named_with_their_filter_and_effect(clean: Clean, asked: Asked) -> None:
    columns = clean(1, 8, 8, 0)
    bad = np.argsort(columns["params"] * columns["tokens"])[-3:]
    columns["loss"][bad] *= 1.15
    finding = asked(columns, "influence")["few-rows-decide"]
    assert finding.level == "warning"
    assert set(finding.rows) == set(bad.tolist())
    assert len(read_runs(columns).where(finding.do.split("'")[1])) == len(columns["loss"]) - 3
    change = next(change for change in finding.effect if change.quantity.startswith("loss"))
    assert change.before.value is not None
    assert change.after.value is not None
    assert change.after.value < change.before.value
    assert change.factor == pytest.approx(change.after.value / change.before.value)


def test_rows_above_the_curve_are_named_and_rows_below_it_are_not(clean: Clean, asked: Asked) -> None:
    columns = clean(2, 7, 6, 10)
    columns["loss"][3] *= 1.08
    found = asked(columns, "influence", "above_curve")
    assert 3 in {row for finding in found.values() for row in finding.rows}
    columns["loss"][3] *= 0.92 / 1.08
    assert "above-the-curve" not in asked(columns, "above_curve")


def test_rungs_above_their_envelope_are_found_only_where_the_rate_matters(clean: Clean, asked: Asked) -> None:
    rng = np.random.default_rng(3)
    once = clean(3, again=0)
    tripled = {name: np.tile(column, 3) for name, column in once.items()}
    rates = np.repeat([1e-3, 2e-3, 4e-3], len(once["loss"]))
    noise = np.exp(rng.normal(0, 0.003, len(rates)))
    assert "under-tuned" not in asked({**tripled, "lr": rates, "loss": tripled["loss"] * noise}, "under_tuned")
    worse = np.exp(0.04 * np.log2(rates / (2e-3 * (tripled["params"] / 5e8) ** -0.2)) ** 2)
    columns = {**tripled, "lr": rates, "loss": tripled["loss"] * worse * noise}
    finding = asked(columns, "under_tuned")["under-tuned"]
    assert finding.level == "warning"
    assert "`lr`" in finding.evidence
    settings = len(once["loss"])
    lowest = columns["loss"].reshape(3, settings).min(axis=0)
    assert all(columns["loss"][row] > 1.02 * lowest[row % settings] for row in finding.rows)


def test_rows_of_other_families_are_no_rivals(clean: Clean, asked: Asked) -> None:
    one, other = clean(4, 5, 5, 4), clean(5, 5, 5, 4)
    other["loss"] = other["loss"] * 1.1
    table = {name: np.concatenate([one[name], other[name]]) for name in one}
    table["dataset"] = np.repeat(["web", "books"], [len(one["loss"]), len(other["loss"])]).astype(object)
    table["lr"] = np.repeat([1e-3, 2e-3], [len(one["loss"]), len(other["loss"])])
    found = asked(table, "under_tuned", "families")
    assert "under-tuned" not in found
    assert found["mixed-families"].level == "warning"
    assert "books is on average 0.09" in found["mixed-families"].evidence


def test_rows_entered_twice(clean: Clean, asked: Asked) -> None:
    columns = clean(6)
    count = len(columns["loss"])
    twice = {name: np.concatenate([column, column[[4, 9]]]) for name, column in columns.items()}
    assert asked(twice, "duplicates")["duplicates"].rows == (count, count + 1)


def test_ties_that_rounding_makes_are_no_duplicates(clean: Clean, asked: Asked) -> None:
    columns = clean(7, again=20, noise=0.004)
    columns["loss"] = np.round(columns["loss"], 2)
    assert "duplicates" not in asked(columns, "duplicates")


def test_rows_of_two_tables_written_in_other_digits(clean: Clean, asked: Asked) -> None:
    columns = clean(8)
    rounded = {"params": np.round(columns["params"]), "tokens": np.round(columns["tokens"])}
    shared = {**rounded, "loss": np.round(columns["loss"], 6)}
    fresh = {name: np.round(column, 6 if name == "loss" else 0) for name, column in clean(9, again=0).items()}
    other = {name: np.concatenate([shared[name][:10], fresh[name]]) for name in shared}
    finding = asked(columns, "duplicates_across", others=(read_runs(other),))["duplicates-across"]
    assert finding.level == "warning"
    assert sorted(finding.rows) == list(range(10))
    assert asked(columns, "duplicates_across", others=(read_runs(fresh),)) == {}


def test_two_ways_of_counting(clean: Clean, asked: Asked) -> None:
    columns = clean(10)
    flops = 6 * columns["params"] * columns["tokens"]
    third = np.arange(len(flops)) % 3 == 0
    finding = asked({**columns, "flops": np.where(third, 1.3 * flops, flops)}, "conventions")["mixed-conventions"]
    assert finding.level == "warning"
    assert set(finding.rows) == set(np.flatnonzero(third).tolist())
    by_size = np.where(columns["params"] < 1e8, 1.3 * flops, flops)
    assert "mixed-conventions" not in asked({**columns, "flops": by_size}, "conventions")


def test_stated_conventions_that_differ_are_found_although_the_fit_is_refused(clean: Clean, asked: Asked) -> None:
    columns = clean(11)
    said = np.array(["total", "non-embedding"] * len(columns["loss"]), dtype=object)[: len(columns["loss"])]
    found = asked({**columns, "params_convention": said}, "conventions", "no_fit")
    assert grave(found) >= {"mixed-conventions", "no-fit"}
    assert found["no-fit"].effect == ()


def test_runs_below_where_the_law_holds(clean: Clean, asked: Asked) -> None:
    columns = clean(12, 7, 6, 10, 0.003)
    compute = 6 * columns["params"] * columns["tokens"]
    short = np.log10(1e19 / compute)
    columns["loss"] = columns["loss"] * np.exp(0.05 * np.maximum(short, 0))
    finding = asked(columns, "small_runs")["small-runs"]
    assert finding.level == "advice"
    assert "above the curve of the others" in finding.evidence
    assert all(compute[row] < 10 * compute.min() for row in finding.rows)


def test_runs_that_did_not_end(clean: Clean, asked: Asked) -> None:
    columns = clean(13)
    planned = columns["tokens"].copy()
    assert "not-decayed" not in asked({**columns, "train_tokens": planned}, "undecayed")
    planned[[2, 5]] *= 1.5
    finding = asked({**columns, "train_tokens": planned}, "undecayed")["not-decayed"]
    assert (finding.level, finding.rows) == ("warning", (2, 5))


def test_one_size_borrows_the_term_of_size(clean: Clean, asked: Asked) -> None:
    columns = clean(14, 6, 8, 0)
    one = {name: column[columns["params"] == columns["params"][0]] for name, column in columns.items()}
    found = asked(one, "axes_together", "few_sizes", "borrow", flops=1e21)
    assert {"axis-constant", "few-sizes", "borrow-constants"} <= grave(found)
    borrowed = found["borrow-constants"]
    assert "--fix A=482.01 --fix alpha=0.3478" in borrowed.do
    assert all(change.before.value is None and change.after.value for change in borrowed.effect)


def test_axes_that_move_together(clean: Clean, asked: Asked) -> None:
    columns = clean(15, 6, 6, 0)
    tied = {**columns, "tokens": 20 * columns["params"]}
    assert asked(tied, "axes_together")["axes-together"].level == "warning"
    loose = {**columns, "tokens": 20 * columns["params"] * np.exp(np.random.default_rng(0).normal(0, 0.1, 36))}
    assert asked(loose, "axes_together")["axes-together"].level == "advice"


def test_the_gap_to_the_target(clean: Clean, asked: Asked) -> None:
    columns = clean(16)
    largest = float(np.max(6 * columns["params"] * columns["tokens"]))
    assert "scale-gap" not in asked(columns, "scale_gap", flops=largest)
    assert asked(columns, "scale_gap", flops=10 * largest)["scale-gap"].level == "note"
    far = asked(columns, "scale_gap", at={"params": 1e12, "tokens": 2e13})["scale-gap"]
    assert far.level == "advice"
    assert f"{6e12 * 2e13 / largest:.3g}" in far.evidence


def test_too_few_rows_is_a_finding_and_no_refusal(asked: Asked) -> None:
    found = asked({"params": np.array([1e8, 2e8, 4e8]), "tokens": np.full(3, 1e9), "loss": np.array([3.9, 3.7, 3.6])})
    assert found["no-fit"].level == "warning"
    assert found["noise-unknown"].level == "advice"


def test_order_is_by_level_then_effect(clean: Clean) -> None:
    columns = clean(17)
    columns["loss"][-3:] *= 1.2
    advice = advise(Study(read_runs(columns), find_law("chinchilla")))
    levels = ["warning", "advice", "note"]
    ranks = [(levels.index(finding.level), -finding.size) for finding in advice.findings]
    assert ranks == sorted(ranks)
    assert advice.checked == tuple(list_rules())
    assert advice.worst == advice.findings[0].level
