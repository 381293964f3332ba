"""Copies to hand on: what leaves with them, what does not, and what still works."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from allometry.fits import Fit, Settings, diagnose, fit, fit_to_dict, load_fit, refit, save_fit
from allometry.forecasts import forecast
from allometry.history import Check, Ledger, diff, say_forecasts, share
from allometry.history.anonymous import Aliases
from allometry.laws import find_law
from allometry.notices import Notice, Refused
from allometry.plans import default_quantities, plan
from allometry.reports import write_report
from allometry.runs import read_runs

POINT = {"params": 1e11, "tokens": 2e12}
SECRETS = ("moon", "/data", "alice", "https", "wandb", "nebula", "C:\\", "internal.example")


@pytest.fixture
def secretive(table, tmp_path) -> Fit:
    """A fit whose every text names something."""
    path = tmp_path / "alice" / "moon.csv"
    path.parent.mkdir()
    columns = {**table(40), "family": ["nebula"] * 38 + ["other"] * 2, "state": ["finished"] * 39 + ["crashed"]}
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]))
    runs = read_runs(
        path, where='family == "nebula"', conventions={"tokenizer": "/data/alice/tok.model", "params": "total"}
    )
    law = replace(find_law("chinchilla"), name="own", subject="alice", source="https://wiki.internal.example/laws?id=3",
                  papers=("see C:\\alice\\law.pdf",), avoid="as moon-03 showed")  # fmt: skip
    found = fit(runs, law, Settings(bootstrap=20))
    told = Notice("seen", "moon-07 and moon-11 are in wandb:alice/moon and on www.internal.example/moon; row 3 is odd")
    return replace(found, rows=replace(found.rows, notices=(told,)), notices=(told,))


def test_no_name_path_or_address_leaves(secretive: Fit) -> None:
    assert all(
        secret in json.dumps(fit_to_dict(secretive)) for secret in ("moon-07", "/data", "alice", "https", "nebula")
    )
    found = share(secretive, anonymous=True)
    text = json.dumps(fit_to_dict(found.fit))
    assert not [secret for secret in SECRETS if secret in text]
    assert found.replaced["runs"] == 38
    assert found.replaced["texts"] == 1
    assert found.fit.rows.names[:2] == ("run-1", "run-2")
    assert found.fit.notices[0].message == "run-8 and run-12 are in [url] and on [url] row 3 is odd"
    assert found.left["filter"] == 'family == "text-1"'
    assert {left_out.reason for left_out in found.fit.rows.excluded} == {"not in the filter"}


def test_nor_in_the_ledger(secretive: Fit) -> None:
    said = say_forecasts(secretive, forecast(secretive, [POINT]), datetime(2026, 7, 1, tzinfo=UTC), level=0.9)
    done = Check(
        "2026-08-01T00:00:00Z", said[0].id, "moon-77", "0" * 16, POINT, 2.0, 2.0, 1.9, 2.1, 1.0, 0.0, True, True, 0.5
    )
    assert "alice" in json.dumps(said[0].as_line())
    found = share(secretive, Ledger(said, (done,)), anonymous=True)
    text = json.dumps([entry.as_line() for entry in found.ledger.entries])
    assert not [secret for secret in SECRETS if secret in text]
    assert found.ledger.checks[0].run == "run-39"
    # what a copy hides is no other convention
    assert diff(found.fit, secretive).parameters["alpha"].factor == 1


def test_aliases_that_are_names_of_others_are_not_replaced_again() -> None:
    aliases = Aliases()
    for name in ("run-2", "run-1"):
        aliases.run(name)
    assert aliases.text("run-2 before run-1") == "run-1 before run-2"


def test_the_numbers_are_the_same(secretive: Fit, tmp_path) -> None:
    found = load_fit(save_fit(share(secretive, anonymous=True).fit, tmp_path / "shared.json"))
    assert found.rows.fingerprint == secretive.rows.fingerprint
    assert np.array_equal(found.draws, secretive.draws)
    again = refit(found, np.ones(len(found.rows), bool))
    np.testing.assert_allclose(again.estimate, secretive.estimate, rtol=1e-9)


def test_a_law_of_the_catalogue_keeps_its_words(june: Fit) -> None:
    assert share(june, anonymous=True).fit.law == june.law


@pytest.mark.parametrize("text", ["moon-1 ended", "seen in moon-12", "moon-1: 2 rows"])
def test_a_name_within_another_is_left_whole(text: str) -> None:
    aliases = Aliases()
    for name in ("moon-1", "moon-12", "x", "7"):
        aliases.run(name)
    assert "moon" not in aliases.text(text)
    assert aliases.text("7 of 9 runs by x") == "7 of 9 runs by x"


@pytest.mark.parametrize(
    "text", ["tokens/params", "A / params**alpha", "5e-3 of 6.02e23", "and/or", "loss 3.25. Then", "v1.2"]
)
def test_what_is_no_path_stays(text: str) -> None:
    assert Aliases().text(text) == text


def test_without_rows_the_curve_is_still_forecast(june: Fit, tmp_path) -> None:
    bare = load_fit(save_fit(share(june, with_rows=False).fit, tmp_path / "bare.json"))
    contents = json.loads((tmp_path / "bare.json").read_text())["rows"]
    assert contents["target"] == contents["axes"]["params"] == contents["numbers"] == contents["excluded"] == []
    assert (contents["withheld"], contents["names"]) == (40, None)
    assert (bare.rows.count, bare.rows.fingerprint) == (40, june.rows.fingerprint)
    whole, told = forecast(june, [POINT])[0], forecast(bare, [POINT])[0]
    assert told.fit_noise == whole.fit_noise
    assert told.extrapolation.word == "unknown"
    assert "not handed on" in told.extrapolation.sentence


def test_without_rows_nothing_narrow_passes_for_calibrated(june: Fit) -> None:
    bare = share(june, with_rows=False).fit
    one = forecast(bare, [POINT], of="new-run")[0]
    assert one.result.low is None
    assert "not handed on" in one.result.why
    assert one.interval == "none"
    found = plan(bare, flops=1e24)
    assert found.loss_calibrated.low is None
    assert found.calibration is None
    assert "plan-untested" in {notice.code for notice in found.notices}
    assert found.at["params"].value == pytest.approx(plan(june, flops=1e24).at["params"].value)


def test_what_needs_rows_refuses_or_says_so(june: Fit, tmp_path) -> None:
    bare = share(june, with_rows=False).fit
    with pytest.raises(Refused, match="handed on without its 40 rows, and a refit needs them"):
        refit(bare, np.zeros(0, bool))
    assert diagnose(bare, default_quantities(bare)).influence == ()
    assert "rows-withheld" in {notice.code for notice in bare.notices}
    text = write_report(bare, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "handed on without its 40 rows" in text
    with pytest.raises(Refused, match="without its 40 rows"):
        share(bare)
    assert share(bare, with_rows=False).fit.rows.count == 40


def test_residuals_without_rows_tell_no_row(june: Fit) -> None:
    assert np.array_equal(share(june, with_rows=False).fit.residuals, np.sort(june.residuals))
