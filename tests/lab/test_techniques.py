"""Grown and regularised runs of a ladder: what they cost, what tells them apart, and that a kill changes nothing."""

from __future__ import annotations

import csv
import doctest
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.costs import training_flops  # noqa: E402
from allometry.lab.executors import Executor  # noqa: E402
from allometry.lab.jobs import Job  # noqa: E402
from allometry.lab.ladders import Folder, ladder_of, plan_ladder, run_ladder  # noqa: E402
from allometry.lab.regularisers import loop_dissimilarity  # noqa: E402
from allometry.lab.running import Place, make_loop, run_job  # noqa: E402
from allometry.notices import Refused  # noqa: E402
from allometry.plans import arms  # noqa: E402
from allometry.runs import read_runs  # noqa: E402

pytestmark = pytest.mark.lab
LATER = ("growth_factor", "tokens_before_stacking", "regulariser", "regulariser_weight")


@pytest.fixture
def grown(declared: dict[str, Any]) -> dict[str, Any]:
    """A ladder of runs from scratch and of stacked ones, four layers deep."""
    size = {**declared["sizes"][0], "layers": 4}
    return {**declared, "sizes": [size], "growth": {"factor": [1, 2], "base_share": 0.3}}


def stacked(contents: dict[str, Any]) -> list[Job]:
    return [job for job in ladder_of(contents).jobs if job.stacking]


def test_a_grown_run_costs_what_one_from_scratch_does(grown: dict[str, Any]) -> None:
    jobs = ladder_of(grown).jobs
    scratch = [job for job in jobs if not job.stacking]
    assert len(jobs) == 2 * len(scratch) == 4
    for one, other in zip(scratch, stacked(grown), strict=True):
        base, deep = other.phases
        assert (base.shape.layers, deep.shape.layers, base.tokens + deep.tokens) == (2, 4, other.tokens)
        assert other.tokens > one.tokens
        assert other.flops == pytest.approx(one.flops, abs=0.5 * training_flops(one.shape, 256, 32))
        counted = training_flops(base.shape, base.tokens, 32) + training_flops(deep.shape, deep.tokens, 32)
        assert other.flops == other.flops_after(other.steps) == counted
        assert base.flops == pytest.approx(0.3 * one.flops, abs=0.5 * training_flops(base.shape, 256, 32))


def test_times_of_both_phases_are_added(grown: dict[str, Any]) -> None:
    job = replace(stacked(grown)[0], evaluation=replace(stacked(grown)[0].evaluation, windows=1))
    base, deep = job.phases
    plan = plan_ladder([job], lambda phase: float(phase.shape.layers), 1)
    assert plan.seconds[0] == pytest.approx(2 * base.steps + 4 * deep.steps, rel=0.05)


def test_techniques_are_axes_and_leave_other_runs_their_names(declared: dict[str, Any], grown: dict[str, Any]) -> None:
    regulariser = {"name": "loop", "period": 1, "weight": [0.0, 0.1]}
    plain = ladder_of({key: value for key, value in grown.items() if key != "growth"})
    both = ladder_of({**grown, "regulariser": regulariser})
    assert {job.run_id for job in plain.jobs} < {job.run_id for job in both.jobs}
    assert len({job.run_id for job in both.jobs}) == 8
    assert plain.fingerprint == both.fingerprint
    # The name of a run that was made before there were techniques.
    assert ladder_of(declared).jobs[0].run_id == "plain-6704-6144-s0-8ec0f750b4"


@pytest.mark.parametrize("dies_at", [5, 16, 17, 30])
def test_killed_on_either_side_of_the_stacking_it_comes_to_the_same_losses(
    tmp_path: Path, grown: dict[str, Any], dies_at: int
) -> None:
    found = stacked(
        {**grown, "growth": {"factor": 2, "base_tokens": 16 * 256}, "evaluation": {"windows": 16, "every": 4}}
    )
    job = replace(found[0], regulariser=ladder_of({**grown, "regulariser": {"name": "loop", "period": 1, "weight": 0.1}}).jobs[-1].regulariser)  # fmt: skip
    assert job.phases[0].steps == 16
    whole, place = run_job(job, Place(tmp_path / "whole.pt")), Place(tmp_path / "killed.pt", every=0.0)

    def dies(step: int) -> None:
        if step == dies_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(job, place, dies)
    again = run_job(job, place)
    assert [{**row, "seconds": 0} for row in again] == [{**row, "seconds": 0} for row in whole]


def test_rows_say_what_was_measured_and_at_what_cost(tmp_path: Path, grown: dict[str, Any]) -> None:
    job = stacked({**grown, "evaluation": {"windows": 16, "every": 4}})[0]
    base, deep = job.phases
    rows = run_job(job, Place(tmp_path / "state.pt"))
    assert {row["depth"] for row in rows} == {2, 4}
    for row in rows:
        shallow = row["step"] <= base.steps
        assert row["params"] == (base if shallow else deep).shape.parameters().total
        assert row["flops"] == job.flops_after(row["step"])
        assert [row[name] for name in LATER] == [2, base.tokens, "none", 0.0]
    assert rows[-1]["flops"] == job.flops
    losses = [row["loss"] for row in rows]
    assert losses[-1] < losses[0]


def test_the_regulariser_makes_blocks_alike_and_is_not_reported(grown: dict[str, Any]) -> None:
    contents = {**grown, "growth": {"factor": 1}, "regulariser": {"name": "loop", "period": 2, "weight": [0.0, 1.0]}}
    jobs = [job for job in ladder_of(contents).jobs if job.steps == 24]
    loops = [make_loop(job, job.corpus.read()) for job in sorted(jobs, key=lambda job: job.regulariser is not None)]
    assert loops[0].update() == loops[1].update()
    for _ in range(20):
        plain, regularised = (loop.update() for loop in loops)
    assert plain != regularised
    apart = [float(loop_dissimilarity(dict(loop.model.named_parameters()), 2).detach()) for loop in loops]
    assert apart[1] < 0.5 * apart[0]


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ({"growth": {"factor": 2}}, "tokens on"),  # the published timing, far below its sizes
        ({"growth": {"factor": 2, "base_tokens": 10**6}}, "tokens of the small model take"),
        ({"growth": {"factor": 2, "base_share": 0.001}}, "a phase would be less than a step"),
        ({"growth": {"factor": 4, "base_share": 0.3}, "regulariser": {"name": "loop", "period": 2, "weight": 1}}, "1 layers"),
        ({"growth": {"factor": 1}, "mechanism": "looped", "axes": {"loops": [2]},
          "regulariser": {"name": "loop", "period": 2, "weight": 1}}, "not looped"),
        ({"growth": {"factor": 1}, "mechanism": "experts", "axes": {"experts": [2], "active_experts": [1]},
          "regulariser": {"name": "loop", "period": 2, "weight": 1}}, "compares dense matrices"),
        ({"growth": {"factor": 1}, "mechanism": "structured", "axes": {"structure": ["block-shuffle"], "blocks": [4]},
          "regulariser": {"name": "loop", "period": 2, "weight": 1}}, "compares dense matrices"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(grown: dict[str, Any], tables: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        ladder_of({**grown, **tables})


def test_a_base_of_one_layer_is_told_once(grown: dict[str, Any]) -> None:
    assert [n.code for n in ladder_of({**grown, "growth": {"factor": 4, "base_share": 0.3}}).notices] == [
        "one-layer-base"
    ]
    assert [(step.name, step.mark) for step in ladder_of(grown).steps][2:] == [("growth", "assumed")]


def test_grown_runs_join_an_older_table_and_are_compared_at_equal_flops(
    tmp_path: Path, grown: dict[str, Any], here: Executor
) -> None:
    """A table from before there were techniques gets their columns, and rungs of equal FLOPs find each other."""
    contents = {**grown, "budget": {"tokens": [12800, 25600, 38400]}, "corpus": {**grown["corpus"], "examples": 4000}}
    plain = ladder_of({key: value for key, value in contents.items() if key != "growth"})
    table = run_ladder(plain, tmp_path, here).table
    with table.open(newline="") as file:
        rows = [{key: value for key, value in row.items() if key not in LATER} for row in csv.DictReader(file)]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    outcome = run_ladder(ladder_of(contents), tmp_path, here)
    assert (outcome.kept, outcome.ended) == (3, 3)
    assert len(Folder(tmp_path).finished()) == 6
    found = arms(read_runs(str(table)), "growth_factor", "A * flops**-a", {"flops": 1e10})
    assert (found.names, found.common) == (("1", "2"), 3)


@pytest.mark.parametrize("name", ["techniques", "ladders.techniques", "jobs"])
def test_examples_of_the_docstrings(name: str) -> None:
    found = doctest.testmod(import_module(f"allometry.lab.{name}"))
    assert found.attempted
    assert not found.failed
