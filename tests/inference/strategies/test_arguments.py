"""Arguments that no search could be made with are refused in one sentence, before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from allometry.inference.calls import Abilities, Budget
from allometry.inference.engines import Simulator
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import find_task, simulated_problems
from allometry.inference.verifiers import answer_grader, simulated_verifier, step_grader
from allometry.notices import Refused

BAD: list[tuple[str, dict[str, Any]]] = [
    ("beam", {"branch": 0}), ("beam", {"samples": -1}), ("dvts", {"branch": "four"}), ("rebase", {"balance": 0.0}),
    ("ets", {"balance": -1}), ("ets", {"shared": -1}), ("particle_filter", {"samples": 0}),
    ("particle_gibbs", {"iterations": 0}), ("a_star", {"answers": 0}), ("backtracking", {"threshold": 2}),
    ("adaptive_self_consistency", {"sure": 95}), ("adaptive_self_consistency", {"at_once": 0}),
    ("blend_self_consistency", {"strict": -0.1}), ("refine", {"candidates": 0}), ("refine", {"steps": 0}),
    ("refine", {"shown": 0}), ("complexity_vote", {"share": 1.5}), ("mbr", {"evidence": -1}), ("turns", {"batch": 0}),
    ("prune_redundant", {"threshold": 2}), ("prune_redundant", {"groups": 0}), ("draft_target", {"rejected": -0.1}),
    ("draft_target", {"chunk": 0}), ("draft_target", {"calibration": ("low",)}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given"), BAD, ids=str)
def test_it_is_refused(name: str, given: dict[str, Any]) -> None:
    maker = find_strategy(name)
    graded = {word: simulated_verifier(0, 0) for word in ("verifier", "selector") if word in maker.parameters}
    engines = {role: Simulator() for role in ("main", *maker.roles)}
    with pytest.raises(Refused) as refused:
        sweep(simulated_problems(1), [maker(**graded, **given)], [Budget(400)], engines)
    assert refused.value.code in ("bad-argument", "bad-weight")
    assert next(iter(given)) in refused.value.message or given == {"shared": -1}


def test_a_search_over_steps_is_not_graded_by_whole_answers() -> None:
    for whole in (answer_grader(find_task("chain")), step_grader(find_task("chain"))):
        with pytest.raises(Refused, match="grades whole answers alone, and beam has beginnings graded"):
            find_strategy("beam")(verifier=whole)


def test_an_engine_that_cannot_tell_where_a_step_ends_is_refused() -> None:
    engine = Simulator(abilities=Abilities(n=True, stop=True, continuation=True))
    with pytest.raises(Refused, match="stop_reason"):
        sweep(simulated_problems(1), [find_strategy("beam")(verifier=simulated_verifier(0, 0))], [Budget(400)], engine)
