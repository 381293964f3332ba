"""Which rows are used: checkpoints, states, rules, and runs read off a table without run ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allometry.notices import Refused
from allometry.runs import Runs, read_runs

STEPS = [100, 200, 400]


def _ladder(**more: list[Any]) -> dict[str, list[Any]]:
    """Three runs of three checkpoints each."""
    sizes, rates = [1e6, 1e6, 2e6], [1e-3, 2e-3, 1e-3]
    rows = [(size, rate, step) for size, rate in zip(sizes, rates, strict=True) for step in STEPS]
    table: dict[str, list[Any]] = {
        "params": [size for size, _, _ in rows],
        "learning_rate": [rate for _, rate, _ in rows],
        "step": [step for _, _, step in rows],
        "steps": [400] * 9,
        "tokens": [step * 1000 for _, _, step in rows],
        "loss": [4 - np.log(step) / 10 - size / 1e7 - rate for size, rate, step in rows],
    }
    return table | more


IDS = [name for name in "abc" for _ in STEPS]


def _reasons(runs: Runs) -> dict[int, str]:
    return dict(runs.excluded)


def test_the_last_row_of_each_run_by_default() -> None:
    runs = read_runs(_ladder(run_id=IDS))
    assert runs.row_numbers.tolist() == [2, 5, 8]
    assert set(_reasons(runs).values()) == {"an earlier row of its run"}
    assert runs.usage == "3 of 9 rows used (6 an earlier row of its run)"


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(9)
    table = {name: [column[row] for row in order] for name, column in _ladder(run_id=IDS).items()}
    assert sorted(order[read_runs(table).row_numbers].tolist()) == [2, 5, 8]


def test_all_rows_and_rows_after_a_share() -> None:
    table = _ladder(run_id=IDS)
    assert len(read_runs(table, rows="all")) == 9
    after = read_runs(table, rows="after:0.4")
    assert after.row_numbers.tolist() == [1, 2, 4, 5, 7, 8]
    assert _reasons(after)[0] == "in the first 0.4 of its run"
    rows = after.rows_for(["params", "tokens"], "loss")
    assert (rows.cluster_kind, rows.cluster.tolist()) == ("runs", [0, 0, 1, 1, 2, 2])  # type: ignore[union-attr]


@pytest.mark.parametrize("rule", ["last", "after", "after:", "after:1", "after:-1", "after:x", "after:nan"])
def test_other_rules_are_refused(rule: str) -> None:
    with pytest.raises(Refused, match="after:FRACTION"):
        read_runs(_ladder(run_id=IDS), rows=rule)


def test_a_filter_never_makes_a_checkpoint_final() -> None:
    with pytest.raises(Refused, match="none of 9 rows is left"):
        read_runs(_ladder(run_id=IDS), where="step < 400")
    assert read_runs(_ladder(run_id=IDS), where="params < 2M").row_numbers.tolist() == [2, 5]


def test_tokens_order_checkpoints_where_there_is_no_step() -> None:
    table = {name: column for name, column in _ladder(run_id=IDS).items() if name not in ("step", "steps")}
    assert read_runs(table).row_numbers.tolist() == [2, 5, 8]


def test_unfinished_runs_are_left_out_with_the_reason() -> None:
    state = ["running"] * 3 + ["running", "running", "finished"] + ["diverged"] * 3
    by_state = read_runs(_ladder(run_id=IDS, state=state))
    assert by_state.row_numbers.tolist() == [5]
    assert (_reasons(by_state)[2], _reasons(by_state)[8]) == ("its state is running", "its state is diverged")
    assert by_state.states == {"running": 5, "finished": 1, "diverged": 3}
    by_step = read_runs(_ladder(run_id=IDS, steps=[400] * 3 + [404] * 3 + [800] * 3))
    assert by_step.row_numbers.tolist() == [2, 5]
    assert _reasons(by_step)[8] == "its run stopped at step 400 of 800"
    assert len(read_runs(_ladder(run_id=IDS, state=state), rows="all")) == 6


def test_one_row_a_run_needs_no_run_id() -> None:
    table = {"params": [1e6, 2e6, 3e6], "loss": [3.0, 2.5, 2.0], "state": ["finished", None, "Crashed"]}
    assert read_runs(table).row_numbers.tolist() == [0, 1]


@pytest.mark.parametrize("state", ["done", 3])
def test_unknown_states_are_refused(state: object) -> None:
    with pytest.raises(Refused, match=r"row 0 has the state .*finished, running"):
        read_runs({"params": [1e6, 2e6], "loss": [3.0, 2.5], "state": [state, state]})


def test_a_key_given_twice_is_refused() -> None:
    table = _ladder(run_id=IDS)
    table["step"][4] = table["step"][3]
    table["tokens"][4] = table["tokens"][3]
    with pytest.raises(Refused, match="rows 3 and 4 have the same `run_id`"):
        read_runs(table)
    assert len(read_runs(table, where="params > 1M", rows="all")) == 3


def test_evaluations_of_one_step_are_rows_of_their_own() -> None:
    table = _ladder(run_id=IDS)
    twice = {name: column * 2 for name, column in table.items()} | {"evaluation": ["c4"] * 9 + ["pile"] * 9}
    assert read_runs(twice, where='evaluation == "c4"').row_numbers.tolist() == [2, 5, 8]


def test_missing_run_ids_and_steps_are_refused() -> None:
    with pytest.raises(Refused, match="`run_id` is empty in row 0"):
        read_runs(_ladder(run_id=[None, *IDS[1:]]))
    with pytest.raises(Refused, match="`step` is empty in rows 1, 4 and 7"):
        read_runs(_ladder(run_id=IDS, step=[100, None, 400] * 3))


def test_runs_are_read_off_the_table() -> None:
    table = _ladder(train_loss=list(np.linspace(5, 4, 9)), model=["s"] * 6 + ["l"] * 3)
    runs = read_runs(table, rows="all")
    assert runs.run_labels is not None
    assert [len(set(runs.run_labels[i : i + 3])) for i in (0, 3, 6)] == [1, 1, 1]
    assert len(set(runs.run_labels)) == 3
    (notice,) = [notice for notice in runs.notices if notice.code == "runs-detected"]
    assert "`steps`, `model`" in notice.message
    assert "`learning_rate`" in notice.message
    assert not {"`tokens`", "`flops`", "`loss`", "`train_loss`"} & set(notice.message.split())
    assert runs.rows_for(["params", "tokens"], "loss").cluster_kind == "runs"
    assert read_runs(table).row_numbers.tolist() == [2, 5, 8]


def test_single_rows_with_steps_are_not_taken_for_checkpoints() -> None:
    table = {"params": [1e6, 2e6, 3e6], "step": [10, 20, 30], "steps": [10, 20, 30], "loss": [3.0, 2.5, 2.0]}
    runs = read_runs(table)
    assert (len(runs), runs.run_labels, runs.notices) == (3, None, ())


def test_likely_checkpoints_are_pointed_out() -> None:
    table = _ladder(run=IDS)
    del table["steps"]
    (notice,) = read_runs(table).notices
    assert (notice.code, "--map run_id=run" in notice.message) == ("likely-checkpoints", True)
