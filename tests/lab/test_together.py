"""Runs trained at once come to the losses that each comes to alone, and go on alone or together after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.lab.executors import Ended, Failed, Work, find_executor  # noqa: E402
from allometry.lab.executors.local import SHARE, Local  # noqa: E402
from allometry.lab.jobs import PRECISIONS, Job  # noqa: E402
from allometry.lab.ladders import ladder_of  # noqa: E402
from allometry.lab.ladders.planning import job_memory  # noqa: E402
from allometry.lab.mechanisms import list_mechanisms  # noqa: E402
from allometry.lab.optimisers import OPTIMISERS  # noqa: E402
from allometry.lab.running import Place, may_join, run_job, run_jobs  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
DENSE = [name for name, mechanism in list_mechanisms().items() if mechanism.dense]


def jobs_of(declared: dict[str, Any], mechanism: str = "plain", **tables: Any) -> list[Job]:
    """Two lengths with two seeds of a model of four layers, each length with a rate of its own."""
    found = list_mechanisms()[mechanism]
    axes = {key: [value] for key, value in found.example.items() if key in found.fields}
    size = {**declared["sizes"][0], "layers": 4}
    rate = {"learning_rate": {"law": "A * tokens**-b", "values": {"A": 1.0, "b": 0.5}}}
    contents = {**declared, "mechanism": mechanism, "axes": axes, "sizes": [size], "seeds": 2}
    return list(ladder_of({**contents, "training": {**declared["training"], **rate}, **tables}).jobs)


def places(folder: Path, jobs: Sequence[Job], every: float = 30.0) -> list[Place]:
    return [Place(folder / f"{job.run_id}.pt", every) for job in jobs]


def assert_same(found: list[list[dict[str, Any]]], wanted: list[list[dict[str, Any]]], within: float) -> None:
    for rows, others in zip(found, wanted, strict=True):
        for row, other in zip(rows, others, strict=True):
            assert row["loss"] == pytest.approx(other["loss"], abs=within)
            assert row["train_loss"] == pytest.approx(other["train_loss"], abs=within)
            left = {"loss", "train_loss", "seconds"}
            assert {k: v for k, v in row.items() if k not in left} == {k: v for k, v in other.items() if k not in left}


TABLES: dict[str, dict[str, Any]] = {
    "muon": {"optimiser": "muon"},
    "grown": {"growth": {"factor": 2, "base_tokens": 2048}},
    "regularised": {"regulariser": {"name": "loop", "period": 2, "weight": 0.1}},
}


@pytest.mark.parametrize(
    ("mechanism", "tables"), [*((name, {}) for name in DENSE), *(("plain", t) for t in TABLES.values())]
)
def test_at_once_they_lose_what_each_loses_alone(tmp_path: Path, declared: Any, mechanism: str, tables: Any) -> None:
    jobs = jobs_of(declared, mechanism, **tables)
    assert len({job.steps for job in jobs}) == 2
    assert len({job.learning_rate for job in jobs}) == 2
    assert all(may_join(jobs[0], job) for job in jobs)
    alone = [run_job(job, place) for job, place in zip(jobs, places(tmp_path / "alone", jobs), strict=True)]
    assert_same(run_jobs(jobs, places(tmp_path / "together", jobs)), alone, 1e-5)


def test_at_once_in_16_bits(tmp_path: Path, declared: dict[str, Any]) -> None:
    """Products are rounded to 8 bits of mantissa, in another order: losses agree to about that."""
    jobs = [replace(job, precision="bfloat16") for job in jobs_of(declared)]
    alone = [run_job(job, place) for job, place in zip(jobs, places(tmp_path / "alone", jobs), strict=True)]
    assert_same(run_jobs(jobs, places(tmp_path / "together", jobs)), alone, 0.02)


def test_killed_together_they_go_on_together_or_alone(tmp_path: Path, declared: dict[str, Any]) -> None:
    """One checkpoint is older than the others, on the other side of the stacking."""
    jobs = jobs_of(declared, growth={"factor": 2, "base_tokens": 2048})
    whole = run_jobs(jobs, places(tmp_path / "whole", jobs))
    for how in ("together", "alone"):
        cut = places(tmp_path / how, jobs, 0.0)

        def dies(number: int, step: int, cut: list[Place] = cut) -> None:
            if (number, step) == (1, 7):
                (tmp_path / "old.pt").write_bytes(cut[1].checkpoint.read_bytes())
            if step == 15:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_jobs(jobs, cut, dies)
        cut[1].checkpoint.write_bytes((tmp_path / "old.pt").read_bytes())
        if how == "together":
            assert_same(run_jobs(jobs, cut), whole, 1e-6)
        else:
            assert_same([run_job(job, place) for job, place in zip(jobs, cut, strict=True)], whole, 1e-5)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_who_may_join(declared: dict[str, Any], precision: str, optimiser: str) -> None:
    one = replace(jobs_of(declared)[0], precision=precision)
    assert may_join(one, replace(one, seed=3, learning_rate=0.5, tokens=2048, optimiser=OPTIMISERS[optimiser]()))
    for other in (
        replace(one, context=16),
        replace(one, batch_tokens=512),
        replace(one, shape=replace(one.shape, ffn=48)),
    ):
        assert not may_join(one, other)
    experts = jobs_of(declared, "experts")
    assert not may_join(experts[0], experts[1])
    assert not may_join(one, jobs_of(declared, growth={"factor": 2, "base_tokens": 2048})[0])


def test_groups_are_of_one_shape_and_no_larger_than_asked(tmp_path: Path, declared: dict[str, Any]) -> None:
    jobs = list(ladder_of({**declared, "seeds": 3}).jobs)
    groups = Local(1, 4)._groups(jobs)
    assert sorted(n for group in groups for n in group) == list(range(12))
    assert sorted(map(len, groups)) == [2, 2, 4, 4]
    assert all(may_join(jobs[group[0]], jobs[n]) for group in groups for n in group)
    found = [event.job for event in Local(2, 4).run(Work(jobs, tmp_path)) if isinstance(event, Ended)]
    assert {job.run_id for job in found} == {job.run_id for job in jobs}
    assert len(found) == 12


def test_groups_leave_work_for_every_process(declared: dict[str, Any]) -> None:
    jobs = jobs_of(declared)
    assert sorted(map(len, Local(2, 16)._groups(jobs))) == [2, 2]
    assert sorted(map(len, Local(3, 16)._groups(jobs))) == [2, 2]
    assert sorted(map(len, Local(8, 16)._groups(jobs))) == [1, 1, 1, 1]


def test_of_a_group_the_run_that_fails_fails_alone(tmp_path: Path, declared: dict[str, Any]) -> None:
    """Its checkpoint is another run's."""
    jobs = jobs_of(declared)
    bad = jobs[1]
    assert len(Local(1, 4)._groups(jobs)) == 1
    other = places(tmp_path, [jobs[0]])[0]
    run_job(jobs[0], other)
    other.checkpoint.rename(Work(jobs, tmp_path).checkpoint(bad))
    events = list(Local(1, 4).run(Work(jobs, tmp_path)))
    assert [event.job for event in events if isinstance(event, Failed)] == [bad]
    ended = [event.job.run_id for event in events if isinstance(event, Ended)]
    assert sorted(ended) == sorted(job.run_id for job in jobs if job is not bad)


def test_one_by_one_on_a_cpu_unless_told(declared: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, executor = jobs_of(declared), Local(1)
    assert len(executor._groups(jobs)) == len(jobs)
    executor.devices = ["cuda:0"]
    pair = 2 * job_memory(jobs[-1]).total / SHARE
    for memory, groups in ((8 * pair, 1), (pair, 2), (1.0, 4)):
        monkeypatch.setattr("allometry.lab.executors.local._memory", lambda device, memory=memory: memory)
        assert len(executor._groups(jobs)) == groups


def test_on_a_cluster_each_run_is_alone() -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    with pytest.raises(Refused, match="a task of its own"):
        find_executor("ray", at_once=4)
