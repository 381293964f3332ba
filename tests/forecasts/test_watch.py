"""Watching a run: ladders of known truth with checkpoints that come down to it as under a cosine schedule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allometry.fits import Settings
from allometry.forecasts import read_watched, watch
from allometry.forecasts._path_band import since_when
from allometry.forecasts._path_regression import tell, upper_bound
from allometry.notices import Refused

CHECKPOINTS = 12
STEPS = 12_000
Table = dict[str, Any]


def ladder(seed: int, sizes: int = 5, lengths: int = 4) -> Table:
    """Runs whose checkpoints lie above the law by an offset that shrinks to nothing, each run somewhat its own way."""
    generator = np.random.default_rng(seed)
    share = np.arange(1, CHECKPOINTS + 1) / CHECKPOINTS
    parts = []
    for size, n in enumerate(np.geomspace(2e7, 1e9, sizes)):
        for length, d in enumerate(n * np.geomspace(5, 80, lengths)):
            offset = generator.normal(0.06, 0.01) * (1 - share) ** 1.3
            noise = generator.normal(0, 0.002, CHECKPOINTS) + generator.normal(0, 0.008)
            loss = (1.7 + 400 / n**0.34 + 410 / (share * d) ** 0.28) * np.exp(offset + noise)
            parts.append((f"s{size}-d{length}", n, share * d, share * STEPS, loss))
    return {
        "run_id": np.array([name for name, *_ in parts for _ in share], dtype=object),
        "params": np.repeat([n for _, n, *_ in parts], CHECKPOINTS),
        "tokens": np.concatenate([part[2] for part in parts]),
        "step": np.concatenate([part[3] for part in parts]),
        "steps": np.full(len(parts) * CHECKPOINTS, float(STEPS)),
        "loss": np.concatenate([part[4] for part in parts]),
    }


def until(table: Table, run: str, share: float) -> Table:
    """The table while the run is at a share of its way."""
    keep = (table["run_id"] != run) | (table["step"] <= share * STEPS)
    return {name: column[keep] for name, column in table.items()}


def pushed(table: Table, run: str, after: float, by: float) -> Table:
    hit = (table["run_id"] == run) & (table["step"] > after * STEPS)
    return {**table, "loss": np.where(hit, table["loss"] * by, table["loss"])}


def final(table: Table, run: str) -> float:
    return float(table["loss"][table["run_id"] == run][-1])


def watched(table: Table, run: str, **options: Any) -> Any:
    return watch(read_watched(table, run), run, "chinchilla", **options)


def test_the_end_is_forecast_within_its_interval_and_nearer_the_end_better() -> None:
    inside, errors, widths = [], [], []
    for seed in range(3):
        table = ladder(seed)
        for run in ("s1-d2", "s2-d1", "s3-d3"):
            found = [watched(until(table, run, share), run) for share in (0.25, 0.75)]
            truth = final(table, run)
            inside += [one.forecast.low < truth < one.forecast.high for one in found]
            errors.append(
                [abs(np.log(told / truth)) for told in (found[0].law_alone, *(f.forecast.value for f in found))]
            )
            widths.append([np.log(one.forecast.high / one.forecast.low) for one in found])
    assert np.mean(inside) >= 0.72  # of 18 at 90%: 12 or fewer have probability 1%
    law, early, late = np.mean(errors, axis=0)
    assert late < early < law < 0.012
    wide, narrow = np.median(widths, axis=0)
    assert narrow < wide < 0.05


def test_an_unseen_size_is_forecast() -> None:
    table = ladder(3)
    run, size = "s4-d1", table["params"].max()
    keep = (table["params"] != size) | (table["run_id"] == run)
    found = watched(until({name: column[keep] for name, column in table.items()}, run, 0.5), run)
    assert found.forecast.low < final(table, run) < found.forecast.high
    assert found.extrapolation.axes["params"] > 0
    assert found.end["tokens"] == pytest.approx(table["tokens"][table["run_id"] == run].max())


def test_the_watched_run_teaches_nothing() -> None:
    table = ladder(0)
    told = [
        watched(until(pushed(table, "s2-d2", after=0.5, by=by), "s2-d2", 0.5), "s2-d2").forecast.value for by in (1, 9)
    ]
    assert told[0] == told[1]
    assert watched(until(table, "s2-d2", 0.5), "s2-d2").ladder == 19


def test_a_healthy_run_is_inside_at_every_look() -> None:
    table = ladder(1)
    found = watched(table, "s2-d2")
    assert not found.outside
    assert found.since is None
    assert [checkpoint.inside for checkpoint in found.band] == [True] * CHECKPOINTS


def test_few_healthy_runs_are_ever_called_outside() -> None:
    table = ladder(0)
    called = 0
    for run in dict.fromkeys(table["run_id"]):
        band = watched(table, run).band
        outside, measured = np.array([[not one.inside, one.measured] for one in band], dtype=float).T
        looks = range(1, CHECKPOINTS + 1)
        called += any(since_when(outside[:look], measured[:look]) is not None for look in looks)
    assert called <= 5  # of 20 at 10%: 6 or more have probability 1%


def test_a_run_that_jumps_is_outside_since_the_jump() -> None:
    table = pushed(ladder(1), "s2-d2", after=0.5, by=1.12)
    found = watched(table, "s2-d2")
    assert found.outside
    assert found.since == 7000
    # two checkpoints may be a spike, three are not
    assert not watched(until(table, "s2-d2", 8 / 12), "s2-d2").outside
    assert watched(until(table, "s2-d2", 9 / 12), "s2-d2").since == 7000


def test_a_spike_is_forgiven() -> None:
    table = ladder(1)
    hit = (table["run_id"] == "s2-d2") & (table["step"] == 7000)
    found = watched({**table, "loss": np.where(hit, 1.12 * table["loss"], table["loss"])}, "s2-d2")
    assert not found.outside
    assert [checkpoint.step for checkpoint in found.band if not checkpoint.inside] == [7000]


@pytest.mark.parametrize("worst", [np.nan, np.inf])
def test_a_diverged_run_is_outside_at_once(worst: float) -> None:
    table = ladder(1)
    hit = (table["run_id"] == "s2-d2") & (table["step"] == 6000)
    table["loss"] = np.where(hit, worst, table["loss"])
    found = watched(until(table, "s2-d2", 0.5), "s2-d2")
    assert found.outside
    assert found.since == 6000
    assert found.forecast.value is None
    assert "no number" in found.forecast.why


def test_a_diverged_state_does_not_hide_the_run() -> None:
    table = until(ladder(1), "s2-d2", 0.5)
    table["state"] = np.where(table["run_id"] == "s2-d2", "diverged", "finished").astype(object)
    assert watched(table, "s2-d2").share == 0.5


def test_runs_that_did_not_finish_teach_nothing() -> None:
    table = until(until(ladder(1), "s2-d2", 0.5), "s1-d1", 0.7)
    assert watched(table, "s2-d2").ladder == 18
    worst = (table["run_id"] == "s3-d1") & (table["step"] == STEPS)
    assert watched({**table, "loss": np.where(worst, np.nan, table["loss"])}, "s2-d2").ladder == 17


def test_the_last_row_of_a_resumed_step_counts() -> None:
    table = until(ladder(1), "s2-d2", 0.5)
    before = watched(table, "s2-d2")
    again = np.flatnonzero((table["run_id"] == "s2-d2") & (table["step"] >= 5000))
    wrong = {name: np.insert(column, again[0], column[again]) for name, column in table.items()}
    wrong["loss"][again] = 9.0
    found = watched(wrong, "s2-d2")
    assert found.forecast == before.forecast
    assert any(notice.code == "steps-again" and notice.message.startswith("2 rows") for notice in found.notices)


def test_without_other_ways_the_interval_holds_law_and_offset() -> None:
    table = ladder(2)
    keep = (table["step"] == STEPS) | (table["run_id"] == "s2-d1")
    found = watched(until({name: column[keep] for name, column in table.items()}, "s2-d1", 0.5), "s2-d1")
    assert found.learned_from == 0
    assert found.forecast.low < found.law_alone < found.forecast.value < found.forecast.high
    assert {"no-finished-ways", "no-band"} <= {notice.code for notice in found.notices}
    assert not found.outside


def test_the_end_may_be_given() -> None:
    table = until(ladder(0), "s2-d1", 0.5)
    planned = watched(table, "s2-d1")
    bare = {name: column for name, column in table.items() if name != "steps"}
    for told in ({"end": {"tokens": planned.end["tokens"]}}, {"steps": STEPS}):
        found = watched(bare, "s2-d1", **told)
        assert found.forecast.value == pytest.approx(planned.forecast.value, rel=1e-9)
        assert found.end == pytest.approx(planned.end)
    assert "ends-not-stated" in {notice.code for notice in found.notices}


def test_a_planned_number_of_tokens_is_an_end() -> None:
    table = ladder(0)
    ends = {run: table["tokens"][table["run_id"] == run].max() for run in set(table["run_id"])}
    table["planned_tokens"] = np.array([ends[run] for run in table["run_id"]])
    plain = {name: column for name, column in until(table, "s2-d1", 0.5).items() if name not in ("step", "steps")}
    found = watched(plain, "s2-d1")
    assert found.clock == "tokens"
    assert found.share == pytest.approx(0.5)


def test_a_filter_names_a_run() -> None:
    table = until(ladder(0), "s2-d1", 0.5)
    table["budget"] = np.array([name[-2:] for name in table["run_id"]], dtype=object)
    runs = read_watched({name: column for name, column in table.items() if name != "run_id"}, "")
    size = float(np.unique(table["params"])[2])
    found = watch(runs, f'params == {size!r} and budget == "d1"', "chinchilla")
    assert found.forecast.value == pytest.approx(watched(table, "s2-d1").forecast.value)
    with pytest.raises(Refused, match=r"holds for 4 runs.*they differ in `budget`"):
        watch(runs, f"params == {size!r}", "chinchilla")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"run": "s9"}, "no run is called"),
        ({"run_id": None, "steps": None}, {}, "which rows are checkpoints"),
        ({"steps": None}, {}, "nothing in the table says where this run is to end"),
        ({}, {"steps": 100.0}, "beyond the end"),
        ({}, {"end": {"colour": 3.0}}, "no column `colour`"),
        ({}, {"end": {"params": 1e12}}, "does not grow"),
        ({}, {"law": "multi_power"}, "needs the schedule"),
    ],
)
def test_what_cannot_be_watched_is_refused(change: Table, options: dict[str, Any], message: str) -> None:
    table = {**until(ladder(0), "s2-d1", 0.5), **change}
    run, law = options.pop("run", "s2-d1"), options.pop("law", "chinchilla")
    runs = read_watched({name: column for name, column in table.items() if column is not None}, run)
    with pytest.raises(Refused, match=message):
        watch(runs, run, law, Settings(bootstrap=0), **options)


def test_nothing_finished_is_refused() -> None:
    table = ladder(0)
    with pytest.raises(Refused, match="no other run in the table is finished"):
        watched({name: column[table["step"] <= 6000] for name, column in table.items()}, "s2-d1")


def test_left_out_errors_are_those_of_refits() -> None:
    generator = np.random.default_rng(0)
    known = generator.normal(size=(30, 2))
    wanted = known @ np.array([1.0, -0.5]) + generator.normal(0, 0.1, 30)
    new = np.array([0.3, 0.2])
    told = tell(known, wanted, new, None, 1e-6)
    assert told.value == pytest.approx(0.2, abs=0.1)
    # the outlier is told from the rest, so it stands out by what it was moved
    wanted[4] += 5.0
    moved = tell(known, wanted, new, None, 1e-6)
    assert moved.errors[4] == pytest.approx(told.errors[4] + 5.0, abs=0.1)
    assert moved.value == pytest.approx(told.value, abs=0.05)


def test_few_sizes_have_a_bound_beyond_them() -> None:
    assert upper_bound(np.array([1.0, 1.1, 0.9, 1.05, 0.95]), 0.9) > 1.1
    assert upper_bound(np.arange(1.0, 100.0), 0.9) == 90.0


@pytest.mark.parametrize(
    ("outside", "since"),
    [
        ([0, 1, 1, 1], 1),
        ([0, 0, 1, 1], None),
        ([1, 1, 1, 0], None),
        ([0, 1, np.nan, 1, 1], 1),
        ([np.nan, np.nan, np.nan], None),
    ],
)
def test_three_in_a_row_are_needed(outside: list[float], since: int | None) -> None:
    assert since_when(np.array(outside), np.zeros(len(outside))) == since


def test_a_run_at_its_end_is_measured_and_not_forecast() -> None:
    table = ladder(1)
    found = watched(table, "s2-d2")
    assert (found.forecast.value, found.forecast.low) == (final(table, "s2-d2"), None)
    assert found.interval == "none"
    assert "run-at-its-end" in [notice.code for notice in found.notices]


def test_the_side_of_the_band_is_told() -> None:
    for by, side in ((1.2, "above"), (0.8, "below")):
        found = watched(pushed(ladder(1), "s2-d2", after=0.5, by=by), "s2-d2")
        assert (found.outside, found.side) == (True, side)
        assert [one.side for one in found.band] == [None] * 6 + [side] * 6
    assert watched(ladder(1), "s2-d2").side is None
    lost = watched(pushed(ladder(1), "s2-d2", after=0.5, by=float("nan")), "s2-d2")
    assert (lost.outside, lost.side) == (True, None)


def test_one_finished_run_is_no_ladder() -> None:
    table = ladder(1)
    keep = np.isin(table["run_id"].astype(str), ["s2-d2", "s1-d1"])
    few = until({name: column[keep] for name, column in table.items()}, "s2-d2", 0.5)
    with pytest.raises(Refused, match="only one other run in the table is finished"):
        watched(few, "s2-d2")


@pytest.mark.parametrize("steps", [0.0, -5.0, float("nan")])
def test_an_end_in_steps_must_be_one(steps: float) -> None:
    with pytest.raises(Refused) as refused:
        watched(until(ladder(1), "s2-d2", 0.5), "s2-d2", steps=steps)
    assert (refused.value.code, refused.value.where) == ("bad-end", "--steps")
