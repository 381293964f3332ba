"""Backtests and tournaments on tables whose law is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allometry.fits import Settings, select
from allometry.forecasts import Backtest, backtest, by_distance, tournament
from allometry.forecasts.splits import cut_at, held_out, rolling_cuts
from allometry.laws import Law, find_law
from allometry.notices import Refused
from allometry.runs import Runs, read_runs

TRUTH = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 410.0, "beta": 0.28}
LAWS = ("chinchilla", "kaplan")


def ladder(seed: int, noise: float = 0.003, seeds: int = 1) -> Runs:
    """Runs of the chinchilla law over three decades of each axis, `seeds` at each setting."""
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 3e11, 6)))
    n, d = np.repeat(n, seeds), np.repeat(d, seeds)
    exact = find_law("chinchilla").evaluate(TRUTH, {"params": n, "tokens": d})
    return read_runs(
        {"params": n, "tokens": d, "loss": exact * np.exp(np.random.default_rng(seed).normal(0, noise, len(n)))}
    )


def laws(*names: str) -> list[Law]:
    return [find_law(name) for name in names or LAWS]


@pytest.fixture(scope="module")
def tests() -> tuple[Backtest, ...]:
    return backtest(ladder(0), laws(), Settings(bootstrap=100))


def test_the_true_law_wins_and_a_law_without_a_floor_does_not(tests: tuple[Backtest, ...]) -> None:
    found = tournament(tests)
    assert [standing.law for standing in found.standings] == ["chinchilla", "kaplan"]
    assert found.recommended == "chinchilla"
    assert found.standings[1].distinguishable
    assert found.verdict == "chinchilla forecasts best"
    assert found.standings[0].error_mean < 0.006


def test_two_spellings_of_one_law_are_not_distinguishable() -> None:
    spelled = find_law("E + A * params**-alpha + B * tokens**-beta")
    found = tournament(backtest(ladder(1), [find_law("chinchilla"), spelled], Settings(bootstrap=0)))
    assert "not distinguishable" in found.verdict
    assert not any(standing.distinguishable for standing in found.standings)


def test_the_simplest_of_equals_is_recommended() -> None:
    """With equal exponents both laws are true, and over-training has one unknown less."""
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 7), np.geomspace(1e9, 3e11, 6)))
    loss = (1.7 + 400 / n**0.3 + 410 / d**0.3) * np.exp(np.random.default_rng(0).normal(0, 0.003, len(n)))
    runs = read_runs({"params": n, "tokens": d, "loss": loss})
    found = tournament(backtest(runs, laws("chinchilla", "overtraining"), Settings(bootstrap=0)))
    assert found.recommended == "overtraining"


def test_intervals_of_the_true_law_cover_what_they_say() -> None:
    """Nominal 90%, over five ladders: within what 5 x 40 dependent rows can tell."""
    covered = [
        tournament(backtest(ladder(seed), laws("chinchilla"), Settings(bootstrap=100))).standings[0].coverage
        for seed in range(5)
    ]
    assert 0.75 <= float(np.mean([c for c in covered if c is not None])) <= 1.0


def test_the_stack_is_hardly_worse_than_the_best_law(tests: tuple[Backtest, ...]) -> None:
    found = tournament(tests)
    assert sum(standing.weight for standing in found.standings) == pytest.approx(1)
    assert found.standings[0].weight > 0.8
    three = tournament(backtest(ladder(2), laws("chinchilla", "kaplan", "overtraining"), Settings(bootstrap=0)))
    assert three.stack_behind is not None
    assert three.stack_behind < 0.006
    assert three.stack_error is not None
    assert three.stack_beside is not None
    assert f"{three.stack_error:.2%}" in three.stack_sentence
    assert tournament(tests[:1]).stack_sentence == ""


def test_the_stack_is_weighted_by_what_was_known_at_each_cut() -> None:
    """Forecasts made below a cut of runs above a later one do not move the weights at that one."""
    found = backtest(ladder(0), laws("chinchilla", "kaplan", "overtraining"), Settings(bootstrap=0))
    plain = tournament(found)
    cuts = np.unique(found[0].cut)

    def spoilt(when: np.ndarray) -> tuple[Backtest, ...]:
        return (replace(found[0], predicted=np.where(when, 1.3 * found[0].predicted, found[0].predicted)), *found[1:])

    early = found[0].cut == cuts[0]
    unseen = tournament(spoilt(early & (found[0].reach > cuts[-1])))
    assert unseen.standings[0].error_mean != plain.standings[0].error_mean
    assert (unseen.stack_error, unseen.stack_beside) == (plain.stack_error, plain.stack_beside)
    known = tournament(spoilt(early & (found[0].reach <= cuts[1])))
    assert known.stack_error != plain.stack_error


def test_where_runs_end_is_told_of_each_run() -> None:
    found = backtest(ladder(0), laws("chinchilla"), Settings(bootstrap=0))[0]
    compute = np.asarray(ladder(0).columns["flops"])
    np.testing.assert_allclose(found.reach, compute[found.row])
    assert (found.reach > found.cut).all()


def test_a_forecast_sees_nothing_above_its_cut(tests: tuple[Backtest, ...]) -> None:
    """Losses above the highest cut are changed: what the rows between the first two cuts were forecast stays."""
    runs = ladder(0)
    first, second = np.unique(tests[0].cut)[:2]
    compute = np.asarray(runs.columns["flops"])
    changed = np.where(compute > second, 99.0, runs.columns["loss"])
    table = {"params": runs.columns["params"], "tokens": runs.columns["tokens"], "loss": changed}
    again = backtest(read_runs(table), laws("chinchilla"), Settings(bootstrap=0))[0]
    np.testing.assert_allclose(
        again.predicted[again.cut == first], tests[0].predicted[tests[0].cut == first], rtol=1e-9
    )


def test_repeats_and_checkpoints_stay_on_one_side() -> None:
    found = backtest(ladder(0, seeds=3), laws("chinchilla"), Settings(bootstrap=0))[0]
    assert len(np.unique(found.group)) * 3 == len(np.unique(found.row))
    values, groups = np.array([1.0, 3.0, 2.0, 9.0, 1.0, 2.0]), np.array([0, 0, 1, 1, 2, 2])
    split = cut_at(values, groups, 3.0)
    assert split.fitted.tolist() == [True, True, False, False, True, True]
    assert split.scored.tolist() == [False, False, False, True, False, False]
    given = held_out(np.array([False, True, False, False, False, False]), groups)
    assert given.fitted.tolist() == [False, False, True, True, True, True]


def test_errors_are_told_by_distance(tests: tuple[Backtest, ...]) -> None:
    bins = by_distance(tests[0])
    assert sum(found.rows for found in bins) == len(tests[0].row)
    kaplan = by_distance(tests[1])
    assert kaplan[-1].error_mean > kaplan[0].error_mean


def test_a_given_hold_out_is_one_split() -> None:
    found = backtest(ladder(0), laws(), Settings(bootstrap=0), holdout="params > 2e9")
    assert set(found[0].row) == set(np.flatnonzero(np.asarray(ladder(0).columns["params"]) > 2e9))
    assert tournament(found).stack_error is None
    assert tournament(found).stack_sentence == ""


def test_the_rows_of_a_fit_are_tested_as_their_table_is(tests: tuple[Backtest, ...]) -> None:
    rows = select(ladder(0), find_law("chinchilla"), Settings())
    again = backtest(rows, laws(), Settings(bootstrap=0))
    for ours, theirs in zip(again, tests, strict=True):
        assert (ours.along, theirs.along) == ("flops", "flops")
        np.testing.assert_array_equal(ours.row, theirs.row)
        np.testing.assert_allclose(ours.cut, theirs.cut, rtol=1e-12)
        np.testing.assert_allclose(ours.predicted, theirs.predicted, rtol=1e-9)


def test_the_rows_of_a_fit_keep_their_groups() -> None:
    rows = select(ladder(0, seeds=3), find_law("chinchilla"), Settings())
    found = backtest(rows, laws("chinchilla"), Settings(bootstrap=0))[0]
    assert len(np.unique(found.group)) * 3 == len(np.unique(found.row))


def test_what_the_rows_of_a_fit_do_not_hold_is_refused() -> None:
    rows = select(ladder(0), find_law("chinchilla"), Settings())
    with pytest.raises(Refused, match="a hold-out is a filter of a table"):
        backtest(rows, laws(), Settings(bootstrap=0), holdout="params > 1e9")
    with pytest.raises(Refused, match="have no batch"):
        backtest(rows, laws(), Settings(bootstrap=0), along="batch")
    with pytest.raises(Refused, match="have no unique_tokens"):
        backtest(rows, laws("data_constrained"), Settings(bootstrap=0))
    with pytest.raises(Refused, match="have no error"):
        backtest(rows, laws("downstream_error"), Settings(bootstrap=0), along="loss")
    with pytest.raises(Refused, match="is not positive"):
        backtest(replace(rows, target=rows.target - 3), laws(), Settings(bootstrap=0))


def test_bad_questions_are_refused() -> None:
    with pytest.raises(Refused, match="no cut leaves"):
        backtest(ladder(0).where("params < 3e7"), laws(), Settings(bootstrap=0))
    with pytest.raises(Refused, match="leaves no row to fit"):
        backtest(ladder(0), laws(), Settings(bootstrap=0), holdout="params > 1")
    with pytest.raises(Refused, match="different metrics"):
        backtest(ladder(0), [find_law("chinchilla"), find_law("downstream_error")], Settings(bootstrap=0))
    with pytest.raises(Refused, match="must be positive"):
        rolling_cuts(np.array([0.0, 1.0]), np.array([0, 1]), 2)


def test_a_law_whose_forecasts_are_not_positive_is_not_ranked() -> None:
    """A straight line in the logarithm of compute, fitted where the loss falls fast, crosses zero where it levels."""
    x = np.geomspace(1e18, 1e24, 30)
    runs = read_runs({"flops": x, "loss": 0.02 + 3 * (x / 1e18) ** -0.5})
    line = find_law("A - B * log(flops)", bounds={"A": (None, None), "B": (None, None)})
    found = tournament(backtest(runs, [find_law("power"), line], Settings(bootstrap=0)))
    assert [standing.law for standing in found.standings] == ["power"]
    assert found.missed[0].endswith("forecasts are not positive numbers")


def test_too_few_held_out_runs_recommend_the_best_and_say_so() -> None:
    found = tournament(backtest(ladder(0), laws(), Settings(bootstrap=0), holdout="(params > 5e9) and (tokens > 3e10)"))
    assert found.groups < 5
    assert found.recommended == "chinchilla"
    assert "too few" in found.verdict
