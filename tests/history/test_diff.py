"""What changed between two fits: rows, numbers, and what each row did, against refits by the ordinary path."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from allometry.fits import Fit, Huber, Prior, Settings, Squared, fit, published_fit, refit
from allometry.history import Diff, diff, share
from allometry.history.causes import BANDS
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import plan
from allometry.runs import read_runs, row_changes

FIXED_DELTA = Settings(objective=Huber(5e-3), bootstrap=0)


@pytest.fixture(scope="session")
def found(june: Fit, july: Fit) -> Diff:
    return diff(june, july)


def fitted(table, settings: Settings = FIXED_DELTA, **more) -> Fit:
    return fit(read_runs(table), "chinchilla", replace(settings, **more))


def test_the_rows_that_came_are_named(found: Diff) -> None:
    assert (found.counts, len(found.rows.common), found.went, found.changed) == ((40, 50), 40, (), ())
    assert [row.run for row in found.came] == [f"moon-{i}" for i in range(40, 50)]
    assert [row.number for row in found.came] == list(range(40, 50))


def test_the_numbers_are_those_of_either_fit(found: Diff, june: Fit, july: Fit) -> None:
    assert found.parameters["alpha"].before == june.parameters["alpha"]
    assert found.parameters["alpha"].after == july.parameters["alpha"]
    assert found.plan["params"].after.value == pytest.approx(
        plan(july, flops=found.flops, refit=None).at["params"].value
    )
    told = next(iter(found.forecasts.values()))
    assert told.factor == pytest.approx(july.predict(found.points[0]) / june.predict(found.points[0]))
    assert found.parameters["E"].inside in (True, False)


def test_the_parts_make_the_whole_move(found: Diff) -> None:
    whole = {**{f"plan.{n}": m for n, m in found.plan.items()}, **found.forecasts, **found.parameters}
    for name, moved in whole.items():
        parts = sum(cause.effects[name].mean for cause in found.causes)
        assert parts == pytest.approx(math.log(moved.factor), abs=1e-9)
    assert [cause.what for cause in found.causes] == ["came"] * 10 + ["settings", "together"]
    assert "delta" in found.settings[0]
    assert not found.notices


def test_an_effect_is_that_of_an_ordinary_refit(table) -> None:
    rows = table(30)
    one, two = fitted({n: c[:29] for n, c in rows.items()}), fitted(rows)
    found = diff(one, two)
    (cause,) = found.causes
    assert cause.rows[0].run == "moon-29"
    for name, moved in found.parameters.items():
        effect = cause.effects[name]
        assert effect.first == pytest.approx(effect.last, abs=1e-9)
        assert math.exp(effect.last) == pytest.approx(moved.factor, rel=1e-4)
    both = diff(fitted({n: c[:28] for n, c in rows.items()}), two)
    last = next(cause for cause in both.causes if cause.what == "came" and cause.rows[0].run == "moon-29")
    without = refit(two, np.arange(30) != 29)
    for name, value in two.values.items():
        assert math.exp(last.effects[name].last) == pytest.approx(value / without.values[name], rel=1e-4)


def test_one_bad_row_is_found_to_have_moved_the_plan(table) -> None:
    rows = table(46)
    bad = {**rows, "loss": np.where(np.arange(46) == 43, rows["loss"] * 1.08, rows["loss"])}
    found = diff(fitted({n: c[:40] for n, c in bad.items()}, objective=Squared()), fitted(bad, objective=Squared()))
    first, second = found.causes[:2]
    assert first.rows[0].run == "moon-43"
    assert abs(first.effects["plan.params"].mean) > 3 * abs(second.effects["plan.params"].mean)


def test_a_row_measured_anew_is_changed_and_one_that_went_went(table) -> None:
    rows = table(30)
    mended = {**rows, "loss": np.where(np.arange(30) == 7, rows["loss"] * 1.02, rows["loss"])}
    found = diff(fitted(rows), fitted({n: np.delete(c, 3) for n, c in mended.items()}))
    (old, new), (gone,) = found.changed[0], found.went
    assert (old.run, new.run, gone.run) == ("moon-07", "moon-07", "moon-03")
    assert new.measured == pytest.approx(1.02 * old.measured)
    assert new.number == 6
    assert {cause.what for cause in found.causes} - {"together"} == {"changed", "went"}
    back = diff(fitted({n: np.delete(c, 3) for n, c in mended.items()}), fitted(rows))
    for name, moved in found.parameters.items():
        assert back.parameters[name].factor == pytest.approx(1 / moved.factor, rel=1e-9)


def test_other_settings_on_the_same_rows(table) -> None:
    found = diff(fitted(table(30)), fitted(table(30), objective=Squared()))
    assert (found.came, found.went, found.changed) == ((), (), ())
    assert found.settings[0] == "objective huber -> squared"
    (cause,) = found.causes
    assert cause.what == "settings"
    assert math.exp(cause.effects["alpha"].mean) == pytest.approx(found.parameters["alpha"].factor, rel=1e-4)


def test_the_same_fit_differs_in_nothing(june: Fit) -> None:
    found = diff(june, june)
    assert (found.causes, found.causes_why, found.settings) == ((), "", ())
    assert all(moved.factor == 1 and moved.inside for moved in found.parameters.values())
    assert found.as_json()["complete"]


@pytest.mark.parametrize("more", [
    {"priors": {"alpha": Prior(0.34, 0.02)}}, {"fixed": {"E": 1.8}}, {"ties": {"beta": "alpha"}}, {"weights": "w"},
    {"space": "identity", "objective": Huber(0.01)},
])  # fmt: skip
def test_settings_are_kept_in_every_refit(table, more: dict) -> None:
    rows = {**table(40), "w": 1.0 + np.arange(40) % 3}
    found = diff(fitted({n: c[:37] for n, c in rows.items()}, **more), fitted(rows, **more))
    assert not found.notices
    assert sum(cause.what == "came" for cause in found.causes) == 3
    if "fixed" in more:
        assert found.parameters["E"].factor == 1
        assert all(cause.effects["E"].mean == 0 for cause in found.causes)


def test_a_copy_under_other_names_has_the_same_rows(june: Fit, july: Fit, found: Diff) -> None:
    again = diff(share(june, anonymous=True).fit, july)
    assert again.rows == found.rows
    assert again.as_json() == found.as_json()


def test_without_rows_the_numbers_are_still_compared(june: Fit, july: Fit) -> None:
    found = diff(share(june, with_rows=False).fit, july, flops=1e23)
    assert (found.rows, found.causes) == (None, ())
    assert "handed on without its 40 rows" in found.rows_why
    assert found.plan["params"].factor == pytest.approx(diff(june, july, flops=1e23).plan["params"].factor)
    assert not found.as_json()["complete"]


def test_published_constants_may_stand_on_either_side(july: Fit) -> None:
    found = diff(published_fit("chinchilla@hoffmann"), published_fit("chinchilla@epoch"), flops=5.76e23)
    assert found.plan["params"].factor > 2
    assert found.parameters["alpha"].before.low is None
    assert "published" in diff(published_fit("chinchilla@epoch"), july).rows_why
    assert diff(published_fit("chinchilla@hoffmann"), published_fit("chinchilla@epoch")).points == ()


def test_two_tables_with_nothing_in_common(table) -> None:
    found = diff(fitted(table(30)), fitted(table(30, seed=5)))
    assert (len(found.rows.common), len(found.came), len(found.went)) == (0, 30, 30)
    assert found.causes == ()
    assert "share no row" in found.causes_why
    assert [notice.code for notice in found.notices] == ["no-common-rows"]


def test_checkpoints_of_a_run_are_one_cause(table) -> None:
    rows = table(12)
    long = {n: np.repeat(np.asarray(c), 3) for n, c in rows.items()}
    step = np.tile([1.0, 2.0, 3.0], 12)
    long["tokens"] = long["tokens"] * step / 3
    long["loss"] = 1.8 + 480 / long["params"] ** 0.35 + 2100 / long["tokens"] ** 0.37
    long["step"] = step

    def every(columns):
        return fit(read_runs(columns, rows="all"), "chinchilla", FIXED_DELTA)

    found = diff(every({n: c[:30] for n, c in long.items()}), every(long))
    assert [(cause.what, len(cause.rows)) for cause in found.causes][:2] == [("came", 3), ("came", 3)]
    assert found.causes[0].says in ("moon-10, 3 rows", "moon-11, 3 rows")


def test_very_many_rows_are_taken_in_bands(table) -> None:
    found = diff(fitted(table(40)), fitted(table(300)))
    came = [cause for cause in found.causes if cause.what == "came"]
    assert len(came) == BANDS
    assert sum(len(cause.rows) for cause in came) == 260


def test_a_law_that_plans_nothing_is_compared_beyond_its_first_axis() -> None:
    x = np.geomspace(1e3, 1e6, 16)
    law = find_law("a + b * examples**-c", metric="loss")
    loss = (0.5 + 30 * x**-0.4) * np.exp(np.random.default_rng(0).normal(0, 0.003, 16))
    fits = [fit(read_runs({"examples": x[:n], "loss": loss[:n]}), law, Settings(bootstrap=0)) for n in (12, 16)]
    found = diff(*fits)
    assert found.plan == {}
    assert found.plan_why
    assert list(found.forecasts) == ["loss at examples=1e+07"]
    assert found.causes[0].effects.keys() == {"loss at examples=1e+07", "a", "b", "c"}


def test_own_points_and_budget(june: Fit, july: Fit) -> None:
    found = diff(june, july, at=[{"params": 1e9, "tokens": 1e11}, {"params": 7e9, "tokens": 2e12}], flops=1e23)
    assert list(found.forecasts) == ["loss at params=1e+09 tokens=1e+11", "loss at params=7e+09 tokens=2e+12"]
    assert found.flops == 1e23


def test_what_is_not_the_same_thing_is_refused(june: Fit, table) -> None:
    other = {**table(40), "accuracy": 1 / table(40)["loss"]}
    with pytest.raises(Refused, match="another formula"):
        diff(
            june,
            fit(
                read_runs(other),
                "E + A / params**alpha + B / tokens**beta + c",
                Settings(bootstrap=0, fixed={"c": 0.1}),
            ),
        )
    with pytest.raises(Refused, match="one fit is of loss, the other of accuracy"):
        diff(june, fit(read_runs(other), "chinchilla", Settings(bootstrap=0), target="accuracy"))
    units = [
        replace(june, rows=replace(june.rows, conventions={"loss_unit": unit}))
        for unit in ("nats per token", "bits per byte")
    ]
    with pytest.raises(Refused, match="loss_unit is nats per token in one"):
        diff(*units)
    with pytest.raises(Refused, match="no axis"):
        diff(june, june, at=[{"params": 1e9, "tokens": 1e9, "epochs": 2.0}])


def test_repeats_are_paired_in_order() -> None:
    one = read_runs({"params": [1e6, 1e6, 1e7], "loss": [3.0, 3.1, 2.0]}).rows_for(["params"], "loss")
    two = read_runs({"params": [1e6, 1e6, 1e6, 1e7], "loss": [3.1, 3.0, 3.2, 2.1]}).rows_for(["params"], "loss")
    found = row_changes(one, two)
    assert [tuple(pair) for pair in found.common] == [(0, 1), (1, 0)]
    assert [tuple(pair) for pair in found.changed] == [(2, 3)]
    assert found.came == (2,)
