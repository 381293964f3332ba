"""A sweep's records as the load of a service, against what is known by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allometry.costs import find_hardware, find_shape
from allometry.costs.serving import Deployment, Pace, Prefill, simulate, trace_of
from allometry.inference.calls import read_budgets
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records
from allometry.inference.serving import answer, load_of, overload, read_recorded
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import rows, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT, simulated_verifier
from allometry.notices import Refused

VERIFIER = simulated_verifier(0, 0)
ARGUMENTS = {
    "greedy": {}, "self_consistency": {}, "first_finish": {}, "budget_forcing": {}, "adaptive_self_consistency": {},
    "best_of_n": {"selector": VERIFIER}, "refine": {"selector": VERIFIER}, "beam": {"verifier": VERIFIER},
    "backtracking": {"verifier": VERIFIER}, "particle_filter": {"verifier": VERIFIER},
}  # fmt: skip
WORLD = World(steps=6, right_tokens=(40, 8), wrong_tokens=(60, 20))
PREFILL, DECODE = 0.5, 0.01


class Constant:
    """A prompt's pass and a step of decoding take the same whatever is in them."""

    def step_seconds(self, prefill: Prefill, batch: float, attended: float) -> float:
        return PREFILL if prefill.tokens else DECODE

    def pace(self, batch: float, attended: float) -> Pace:
        return Pace(DECODE, 0.0)


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    shape = find_shape("layers=4 width=64 heads=4 ffn=128 vocab=256")
    return Deployment(shape=shape, hardware=find_hardware("h100"), max_batch=512)


def swept(folder: Path, name: str, budgets: str = "generated_tokens=400", problems: int = 6) -> list:
    strategy = find_strategy(name)(**ARGUMENTS[name])
    with Records(folder) as records:
        found = sweep(
            simulated_problems(problems), [strategy], read_budgets(budgets), Simulator(WORLD), scorer=EXACT,
            records=records,
        )  # fmt: skip
    return rows(list(found))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_episode_is_rebuilt_with_its_longest_chain_also_from_samples_of_a_smaller_budget(
    tmp_path: Path, name: str
) -> None:
    known = swept(tmp_path, name, "generated_tokens=200:800:x2")
    recorded = read_recorded(tmp_path)
    assert [played.row for played in recorded.played] == known
    for played in recorded.played:
        load = load_of(recorded, played)
        assert load.unlike == 0
        cut = name == "first_finish"  # a sample that is used again and then stopped has no line of its own
        assert load.lost == 0 or cut
        if not load.lost:
            assert len(load.trace) == sum(episode.outcome.meter.calls for episode in played.episodes)


@pytest.mark.parametrize("name", ["greedy", "self_consistency", "best_of_n", "beam", "refine", "backtracking"])
def test_alone_an_answer_takes_its_critical_path(tmp_path: Path, deployment: Deployment, name: str) -> None:
    """By hand: every round is a prompt's pass and its longest answer, and rounds follow each other."""
    swept(tmp_path, name)
    recorded = read_recorded(tmp_path)
    (played,) = recorded.played
    load = load_of(recorded, played)
    one = answer(played.row, load, 1e-5, deployment, times=Constant())
    by_hand = []
    for episode in played.episodes:
        lines = [s for of in recorded.samples(played).values() for s in of if s.episode == episode.key]
        rounds: dict[float, int] = {}
        for line in lines:  # alone, those of one round begin together
            rounds[line.started] = max(rounds.get(line.started, 0), line.generated_tokens)
        by_hand.append(sum(PREFILL + (tokens - 1) * DECODE for tokens in rounds.values()))
    if name != "backtracking":  # whose threads need not be in step
        assert np.sort(one.latency) == pytest.approx(np.sort(by_hand), rel=1e-6)
    assert one.latency.min() >= PREFILL


def test_samples_compute_their_prompt_once(tmp_path: Path, deployment: Deployment) -> None:
    swept(tmp_path, "self_consistency")
    recorded = read_recorded(tmp_path)
    load = load_of(recorded, recorded.played[0])
    one = answer(recorded.played[0].row, load, 1e-5, deployment)
    per_question = len(load.trace) // load.questions
    prompts = [load.trace.prompt[load.trace.job == job][0] for job in range(load.questions)]
    assert one.served.prefilled == sum(prompts) + load.questions * (per_question - 1)  # a token each for its logits


def test_no_round_starts_before_the_slowest_of_the_round_before(tmp_path: Path, deployment: Deployment) -> None:
    swept(tmp_path, "beam")
    recorded = read_recorded(tmp_path)
    load = load_of(recorded, recorded.played[0]).at(50, 0)
    served = simulate(load.trace, deployment)
    rows_, columns = np.nonzero(load.trace.after >= 0)
    assert len(rows_) > 20
    for row, column in zip(rows_, columns, strict=True):
        assert served.ready[row] >= served.finish[load.trace.step == load.trace.after[row, column]].max()


def test_cost_of_a_right_answer_and_a_queue_that_grows(tmp_path: Path, deployment: Deployment) -> None:
    (row,) = swept(tmp_path, "self_consistency", problems=20)
    recorded = read_recorded(tmp_path)
    load = load_of(recorded, recorded.played[0])
    calm = answer(row, load, 2.0, deployment)
    right = calm.per_correct(calm.device_hours)
    assert calm.device_hours == pytest.approx(1 / 2.0 / 3600)
    assert right.value == pytest.approx(calm.device_hours / row.accuracy.value)
    assert right.low == pytest.approx(calm.device_hours / row.accuracy.high)
    assert right.high == pytest.approx(calm.device_hours / row.accuracy.low)
    assert calm.keeps_up
    assert not overload([calm])
    over = answer(row, load, 3 * calm.capacity, deployment)
    assert [notice.code for notice in overload([over])] == ["overload"]
    assert over.percentile(95) > calm.percentile(95)
    nothing = replace(row, accuracy=replace(row.accuracy, value=0.0, low=0.0, high=0.1))
    assert replace(calm, row=nothing).per_correct(1.0).value is None
    assert replace(calm, row=nothing).per_correct(1.0).low == pytest.approx(10.0)


def test_what_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match="no episode that came to an outcome"):
        read_recorded(tmp_path / "empty")
    swept(tmp_path / "some", "self_consistency")
    recorded = read_recorded(tmp_path / "some")
    with pytest.raises(Refused, match="nearest are self_consistency"):
        recorded.chosen(["self_consistancy"])
    with pytest.raises(Refused, match="no rows of the engine"):
        recorded.chosen((), "other")


def test_a_request_may_wait_for_several_steps_and_think(deployment: Deployment) -> None:
    trace = trace_of(
        [0.0] * 4, [10] * 4, [5, 50, 20, 5], job=["a"] * 4, step=["x", "y", "z", None],
        after=[None, None, ["x"], ["y", "z"]], think=[0, 0, 0, 2.5],
    )  # fmt: skip
    served = simulate(trace, deployment, Constant())
    assert served.ready[2] == served.finish[0]
    assert served.ready[3] == max(served.finish[1], served.finish[2]) + 2.5


def test_what_goes_on_from_an_answer_finds_it_in_the_cache(deployment: Deployment) -> None:
    trace = trace_of(
        [0.0, 0.0], [100, 160], [50, 5], job=["a"] * 2, step=["one", None], after=[None, "one"],
        shared=[100, 160], kept=[150, 0],
    )  # fmt: skip
    served = simulate(trace, deployment)
    assert served.prefilled == 100 + 10
    assert simulate(replace(trace, kept=np.zeros(2, dtype=int)), deployment).prefilled == 100 + 60
