"""Recorded samples are given again, each once in a request, and never more than there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from allometry.inference.calls import Budget, Request, Response, Usage, read_budgets, sample
from allometry.inference.engines import Recorded, Simulator, World, read_recorded
from allometry.inference.records import Records, read_lines
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import rows, sweep
from allometry.inference.tasks import simulated_problems
from allometry.inference.verifiers import EXACT
from allometry.notices import Refused

PROBLEMS = simulated_problems(40)
WORLD = World(success=(2, 1), wrong=3, right_tokens=(30, 8), wrong_tokens=(40, 8))
BEST = find_strategy("best_of_n")(selector=EXACT)
VOTE = find_strategy("self_consistency")()


def recorded(folder: Path, keep: str = "text") -> Recorded:
    with Records(folder, keep=keep) as records:
        sweep(PROBLEMS, [BEST], [Budget(calls=16)], Simulator(WORLD), scorer=EXACT, records=records)
    return read_recorded(folder)


def test_another_strategy_is_run_on_the_samples_of_the_first(tmp_path: Path) -> None:
    engine = recorded(tmp_path)
    texts = {line["content"] for line in read_lines(tmp_path) if line["kind"] == "sample"}
    found = sweep(PROBLEMS, [VOTE, BEST], read_budgets("calls=4:64:x2"), engine, scorer=EXACT)
    assert {outcome.response.content for outcome in found if outcome.response} <= texts
    table = {(row.strategy, row.budget): row for row in rows(found)}
    vote, best = (table[strategy.label, 16] for strategy in (VOTE, BEST))
    assert vote.meter["calls"] == best.meter["calls"] == 16
    # all 16 samples of a problem are the same whoever draws them: no more are there at larger budgets
    assert table[BEST.label, 64].meter == best.meter
    assert best.accuracy.value is not None
    assert vote.accuracy.value is not None
    assert best.accuracy.value >= vote.accuracy.value > 0.5


def test_samples_of_one_request_differ_and_go_on_where_those_before_ended() -> None:
    pool = {"q": [Response(str(i), usage=Usage(1, 0, 1)) for i in range(6)]}
    engine = Recorded("pool", pool, lambda request: str(request.prompt))
    first = sample(engine, Request("q", max_tokens=4, n=4, seed=11))
    rest = sample(engine, Request("q", max_tokens=4, n=2, seed=15))
    assert sorted(one.content for one in first + rest) == list("012345")
    with pytest.raises(Exception, match="has 6 samples of this prompt at these settings, not 7"):
        sample(engine, Request("q", max_tokens=4, n=7))


def test_a_bound_of_length_cuts_and_what_was_cut_earlier_is_not_used() -> None:
    long = Response("a b c", usage=Usage(1, 0, 3), tokens=("a", " b", " c"), seconds=3.0)
    cut = Response("a b", finish="length", usage=Usage(1, 0, 2))
    engine = Recorded("pool", {"q": [long, cut]}, lambda request: str(request.prompt))
    found = sample(engine, Request("q", max_tokens=2, n=2, seed=0))
    assert [(one.content, one.finish) for one in found] == [("a b", "length"), ("a b", "length")]
    assert found[0].seconds == 2.0
    assert engine.profile.most_samples is not None
    assert engine.profile.most_samples(Request("q", max_tokens=5)) == 1


def test_prompts_and_settings_that_were_not_asked_are_a_clear_failure(tmp_path: Path) -> None:
    found = sweep(PROBLEMS[:1], [find_strategy("greedy")()], [Budget(64)], recorded(tmp_path), scorer=EXACT)
    assert found[0].state == "failed"
    assert "has 0 samples of this prompt" in found[0].why


def test_folders_without_usable_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no such folder"):
        read_recorded(tmp_path / "nothing")
    with pytest.raises(Refused, match="there are none"):
        read_recorded(tmp_path)
    with pytest.raises(Refused, match="their texts were not kept"):
        recorded(tmp_path / "hashes", "hashes")


def test_records_of_several_engines_need_one_named(tmp_path: Path) -> None:
    with Records(tmp_path) as records:
        for success in (0.1, 0.9):
            engine = Simulator(World(success=success))
            sweep(PROBLEMS[:5], [BEST], [Budget(calls=2)], engine, scorer=EXACT, records=records)
    with pytest.raises(Refused, match="of 2 engines"):
        read_recorded(tmp_path)
    assert read_recorded(tmp_path, engine.profile.identity).profile.identity.startswith("recorded:simulator")
