"""Forecasts scored against runs that finished since, where the truth is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from allometry.fits import Fit, Settings, fit
from allometry.forecasts import Surroundings, calibrated_draws, forecast, forecast_through
from allometry.history import Ledger, check, say_forecasts, say_plan
from allometry.laws import law_from_table
from allometry.notices import Refused
from allometry.plans import plan
from allometry.runs import read_runs

NOW = datetime(2026, 7, 1, tzinfo=UTC)
BIG = {"params": 2e10, "tokens": 1e12}
TRUTH = 1.8 + 480 / 2e10**0.35 + 2100 / 1e12**0.37


def ledger(fitted: Fit, *points: dict[str, float]) -> Ledger:
    return Ledger(say_forecasts(fitted, forecast(fitted, points or [BIG]), NOW, level=0.9))


def runs(*rows: tuple[object, ...], fewest: int = 1, **columns: list[object]):
    names = ("run_id", "params", "tokens", "loss")
    return read_runs({**dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), **columns}, fewest=fewest)


def test_a_run_as_the_law_says_is_inside(june: Fit) -> None:
    found = check(june, ledger(june), runs(("big", 2e10, 1e12, TRUTH)), NOW)
    ((said, one),) = found.pairs
    assert (one.run, one.of, one.measured, one.moved) == ("big", said.id, TRUTH, pytest.approx(1.0))
    assert one.error == pytest.approx(said.value / TRUTH - 1)
    assert abs(one.error) < 0.02
    assert one.inside
    assert 0.01 < one.rank < 0.99
    assert found.fresh == (one,)
    assert not found.outside
    assert found.error_mean == abs(one.error)


@pytest.mark.parametrize(("factor", "rank"), [(1.5, 1.0), (0.7, 0.0)])
def test_a_run_far_off_is_outside_and_at_the_end_of_the_draws(june: Fit, factor: float, rank: float) -> None:
    found = check(june, ledger(june), runs(("big", 2e10, 1e12, factor * TRUTH)), NOW)
    one = found.pairs[0][1]
    assert (one.inside, one.told_inside, one.rank) == (False, False, rank)
    assert found.outside


def test_ranks_are_those_of_the_draws(june: Fit) -> None:
    drawn = calibrated_draws(june, [BIG], [Surroundings(june.rows).of(BIG)])[:, 0]
    for measured in np.quantile(drawn, [0.003, 0.02, 0.11, 0.37, 0.5, 0.72, 0.93, 0.98]):
        one = check(june, ledger(june), runs(("big", 2e10, 1e12, measured)), NOW).pairs[0][1]
        assert one.rank == pytest.approx(np.mean(drawn <= measured), abs=0.01)


def test_sizes_may_be_rounded_and_the_forecast_moves_along(june: Fit) -> None:
    built = {"params": 2.07e10, "tokens": 0.97e12}
    found = check(june, ledger(june), runs(("big", *built.values(), 2.0)), NOW)
    said, one = found.pairs[0]
    there = forecast(june, [built])[0].result.value
    assert one.at == built
    assert one.value == pytest.approx(there, rel=2e-5)
    assert one.moved == pytest.approx(there / said.value, rel=2e-5)
    assert not check(june, ledger(june), runs(("big", 2.2e10, 1e12, 2.0)), NOW).pairs
    assert check(june, ledger(june), runs(("big", 2.2e10, 1e12, 2.0)), NOW, within=0.1).pairs


def test_the_nearest_run_answers_with_its_repeats(june: Fit) -> None:
    table = runs(("near", 2.01e10, 1e12, 2.0), ("a", 2e10, 1e12, 2.0), ("b", 2e10, 1e12, 2.01))
    assert [one.run for _, one in check(june, ledger(june), table, NOW).pairs] == ["a", "b"]


def test_a_run_beside_one_of_the_fit_answers_though_that_is_nearer(june: Fit) -> None:
    rows = june.rows
    place = {name: float(column[3]) for name, column in rows.axes.items()}
    table = runs(("old", *place.values(), float(rows.target[3])), ("new", place["params"] * 1.02, place["tokens"], 2.5))
    assert [one.run for _, one in check(june, ledger(june, place), table, NOW).pairs] == ["new"]


def test_unfinished_and_crashed_runs_answer_nothing(june: Fit) -> None:
    table = runs(("a", 2e10, 1e12, 2.0), ("b", 1e9, 1e11, 2.4), state=["running", "finished"])
    found = check(june, ledger(june), table, NOW)
    assert not found.pairs
    assert found.open[0][1] == "no finished run there yet"


def test_rows_of_the_fit_answer_nothing(june: Fit, july: Fit, table) -> None:
    rows = june.rows
    place = {name: float(column[3]) for name, column in rows.axes.items()}
    again = (rows.names[3], *place.values(), float(rows.target[3]))
    found = check(june, ledger(june, place), runs(again), NOW)
    assert found.open[0][1] == "the runs there are those it was fitted to"
    assert len(check(june, ledger(june, place), runs(again, ("seed-2", *place.values(), 2.5)), NOW).pairs) == 1
    # a fit of a longer table under the same name still answers for what the shorter one said
    new = {name: float(column[45]) for name, column in july.rows.axes.items()}
    found = check(july, ledger(june, new), read_runs(table(52)), NOW)
    assert [one.run for _, one in found.pairs] == ["moon-45"]


def test_another_table_under_the_same_name_is_told_apart(june: Fit, table) -> None:
    other = fit(read_runs(table(40, seed=9)), "chinchilla", Settings(bootstrap=20))
    found = check(other, ledger(june), runs(("big", 2e10, 1e12, 2.0)), NOW)
    assert not found.pairs
    assert "shares no row" in found.open[0][1]


def test_plans_are_scored_at_their_point(june: Fit) -> None:
    said = say_plan(june, plan(june, flops=1e23), NOW)
    at = said[0].at
    loss = 1.8 + 480 / at["params"] ** 0.35 + 2100 / at["tokens"] ** 0.37
    found = check(june, Ledger(said), runs(("built", round(at["params"], -8), round(at["tokens"], -10), loss)), NOW)
    assert found.pairs[0][1].inside


def test_a_run_is_appended_once_and_again_when_it_was_measured_anew(june: Fit) -> None:
    first = check(june, ledger(june), runs(("big", 2e10, 1e12, 2.0)), NOW)
    held = replace(ledger(june), checks=first.fresh)
    assert check(june, held, runs(("big", 2e10, 1e12, 2.0)), NOW).fresh == ()
    anew = check(june, held, runs(("big", 2e10, 1e12, 2.1)), NOW)
    assert len(anew.fresh) == 1
    both = replace(held, checks=(*held.checks, *anew.fresh))
    assert [one.measured for one in both.checks_of(both.said[0])] == [2.1]


def test_other_units_are_not_compared(june: Fit) -> None:
    known = replace(june, rows=replace(june.rows, conventions={"loss_unit": "nats per token"}))
    table = read_runs(
        {"params": [2e10], "tokens": [1e12], "loss": [2.0]}, conventions={"loss_unit": "bits per byte"}, fewest=1
    )
    found = check(known, ledger(known), table, NOW)
    assert not found.pairs
    assert "nats per token in one and bits per byte in the other" in found.open[0][1]


def test_a_forecast_in_two_steps_is_scored_by_its_last_metric(june: Fit) -> None:
    loss = np.linspace(2.0, 3.2, 12)
    error = (0.1 + 0.1 * loss) * np.exp(np.random.default_rng(0).normal(0, 0.005, 12))
    second = fit(read_runs({"loss": loss, "error": error}), "a + b * loss", Settings(bootstrap=60), target="error")
    told = forecast_through(june, second, [BIG], of="new-run")
    said = say_forecasts(june, told, NOW, then=second, level=0.9)
    assert (said[0].metric, said[0].run.low) == ("error", told[0].result.low)
    table = read_runs({"params": [2e10], "tokens": [1e12], "error": [0.1 + 0.1 * TRUTH]}, fewest=1)
    one = check(june, Ledger(said), table, NOW).pairs[0][1]
    assert one.inside
    assert abs(one.error) < 0.1


def test_an_axis_of_zero_matches_itself_only(table) -> None:
    columns = table(30)
    columns["dropout"] = np.tile([0.0, 0.1, 0.3], 10)
    declared = {"formula": "E + A / params**alpha + c * dropout", "axes": ["params", "dropout"], "metric": "loss", "name": "own",
                "axis": {"dropout": {"positive": False}}, "parameters": {name: {} for name in ("E", "A", "alpha", "c")}}  # fmt: skip
    law = law_from_table(declared, "own")
    found = fit(read_runs(columns), law, Settings(bootstrap=30))
    said = ledger(found, {"params": 1e10, "dropout": 0.0})
    rows = {"params": [1e10, 1e10], "dropout": [0.0, 0.01], "loss": [2.1, 2.2]}
    assert [one.measured for _, one in check(found, said, read_runs(rows), NOW).pairs] == [2.1]


def test_what_cannot_be_checked_is_refused(june: Fit) -> None:
    with pytest.raises(Refused, match="no forecast and no plan"):
        check(june, Ledger(), runs(("big", 2e10, 1e12, 2.0)), NOW)
    with pytest.raises(Refused, match="tokens"):
        check(june, ledger(june), read_runs({"params": [2e10, 1e9], "loss": [2.0, 2.1]}), NOW)
    for share in (-0.1, 0.5, float("nan")):
        with pytest.raises(Refused, match="--within"):
            check(june, ledger(june), runs(("big", 2e10, 1e12, 2.0)), NOW, within=share)
    with pytest.raises(Refused, match="none of 2 rows is left"):
        runs(("a", 2e10, 1e12, 2.0), ("b", 1e9, 1e11, 2.4), state=["running", "crashed"])
