"""Sequential against parallel search, Qin et al. 2025, arXiv 2504.07052: shares of 200 problems, as its source prints them."""

from __future__ import annotations

import pytest

from allometry.costs import Shape, generation_macs
from allometry.notices import Refused
from allometry.plans.questions import Measured, compare_strategies

SHAPES = {
    "3M": (256, 64, 6, 512),
    "17M": (512, 128, 8, 1024),
    "38M": (512, 128, 10, 2048),
    "144M": (1024, 256, 12, 3072),
}
COUNTDOWN = {
    "3M": ((10.5, 13.5, 28.5, 33.5, 41.5), (8.5, 20.5, 30, 41.5, 52, 69.5)),
    "17M": ((7.5, 11.5, 25.5, 35, 41.5), (17, 25, 37, 50, 61, 70)),
    "38M": ((9.5, 14.5, 28, 35, 45), (11.5, 27, 33.5, 40, 63)),
    "144M": ((12.5, 16, 30, 35.5, 43), (21, 25.5, 37.5, 52, 68.5)),
}
SUDOKU = {
    "3M": ((0, 0.5, 0.5, 0.5, 0.5), (0, 0, 0, 0.5, 1)),
    "17M": ((10, 20.5, 45, 51, 53), (13, 25, 29.5, 44.5, 58)),
    "38M": ((9, 40.5, 66, 74.5, 77), (6.5, 16, 30, 39.5, 58)),
    "144M": ((10.5, 47.5, 72.5, 85, 89), (15.5, 29, 40, 62, 74)),
}
TRAINED = {  # Countdown after reinforcement learning
    "3M": ((14.5, 20, 38.5, 58.5, 68), (33, 35, 37, 38.5, 41.5, 42.5)),
    "17M": ((23.5, 31, 41, 52.5, 70.5), (42.5, 43.5, 44, 47, 47, 48)),
}


VARIANTS = {  # of 17M: backtracking of mixed strategies, with hints, and trained by the directions of depth-first search
    "mixed": (12.5, 17.5, 32, 41, 51),
    "hints": (17, 28.5, 45.5, 53.5, 59.5),
    "bound": (12, 18, 30.5, 39.5, 58),
}
DEEPER = {  # stacked Countdown, sequential to 512..4096 and parallel answers of 400 tokens
    "17M": ((1, 7.5, 13, 18.5), (2.5, 6.5, 10, 10.5, 20)),
    "38M": ((0, 4.5, 10.5, 17.5), (4, 6.5, 12.5, 14, 21.5)),
}
MIXED = {  # mixed strategies by size, in its source but not in print
    "3M": (6.5, 12.5, 25, 33.5, 44.5),
    "17M": (12.5, 17.5, 32, 41, 51),
    "38M": (12, 17.5, 33, 41, 51.5),
    "144M": (12, 16.5, 35, 43, 54),
}


def searches(
    size: str, shares: tuple[tuple[float, ...], tuple[float, ...]], first: int, answer: int
) -> tuple[Measured, Measured]:
    width, kept, layers, ffn = SHAPES[size]
    shape = Shape(layers=layers, width=width, heads=width // 64, kv_heads=kept // 64, head_size=64, ffn=ffn, vocab=1000)
    lengths = sorted({first, 512, 1024, 2048, 4096})
    sequential = Measured(
        "sequential", tuple(generation_macs(shape, n) for n in lengths), tuple(s / 100 for s in shares[0]), 200
    )
    samples = [2**i for i in range(len(shares[1]))]
    parallel = Measured(
        "parallel", tuple(generation_macs(shape, answer, k) for k in samples), tuple(s / 100 for s in shares[1]), 200
    )
    return sequential, parallel


@pytest.mark.parametrize("size", COUNTDOWN)
def test_countdown_favours_parallel_search_at_every_size(size: str) -> None:
    found = compare_strategies(*searches(size, COUNTDOWN[size], 256, 212))
    assert found.rows[-1]["better"] == "parallel"
    assert all(row["better"] != "sequential" for row in found.rows)


@pytest.mark.parametrize("size", ["38M", "144M"])
def test_sudoku_favours_sequential_search_in_larger_models(size: str) -> None:
    found = compare_strategies(*searches(size, SUDOKU[size], 400, 332))
    assert found.rows[-1]["better"] == "sequential"
    assert found.rows[-1]["gap"].low > 0.05


def test_sudoku_tells_nothing_of_the_smallest_and_turns_twice_for_the_next() -> None:
    found = compare_strategies(*searches("3M", SUDOKU["3M"], 400, 332))
    assert found.sentence.endswith("at none can they be told apart")
    found = compare_strategies(*searches("17M", SUDOKU["17M"], 400, 332))
    assert [row["better"] for row in found.rows if 1.5e10 < row["budget"] < 4.6e10] == ["sequential"] * 3
    assert found.rows[-1]["better"] == "not distinguishable"  # at the largest budget both solve over half


@pytest.mark.parametrize("size", TRAINED)
def test_reinforcement_learning_turns_countdown_round(size: str) -> None:
    found = compare_strategies(*searches(size, TRAINED[size], 256, 212))
    assert found.rows[0]["better"] == "parallel"
    assert found.rows[-1]["better"] == "sequential"
    assert len(found.figures) == 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_better_backtracking_loses_to_parallel_search_by_less(variant: str) -> None:
    """At the largest budget both have: hints take back most of the gap, and none of the variants beats parallel search."""
    plain = compare_strategies(*searches("17M", COUNTDOWN["17M"], 256, 212)).rows[-1]["gap"]
    found = compare_strategies(*searches("17M", (VARIANTS[variant], COUNTDOWN["17M"][1]), 256, 212)).rows[-1]
    assert found["better"] != "sequential"
    assert plain.value < found["gap"].value < 0.01


@pytest.mark.parametrize("size", MIXED)
def test_mixed_strategies_help_least_in_the_smallest(size: str) -> None:
    plain, mixed = (compare_strategies(*searches(size, (shares, COUNTDOWN[size][1]), 256, 212)).rows[-1]["gap"].value
                    for shares in (COUNTDOWN[size][0], MIXED[size]))  # fmt: skip
    assert mixed > plain
    assert mixed < 0


@pytest.mark.parametrize("size", DEEPER)
def test_deeper_countdown_is_too_hard_to_tell_the_two_apart_at_most_budgets(size: str) -> None:
    sequential, parallel = searches(size, DEEPER[size], 512, 400)
    found = compare_strategies(sequential, parallel)
    assert {row["better"] for row in found.rows} <= {"parallel", "not distinguishable"}


def test_strategies_that_share_no_budget_are_refused() -> None:
    with pytest.raises(Refused, match="ends where"):
        compare_strategies(Measured("a", (1, 2), (0.1, 0.2), 10), Measured("b", (3, 4), (0.1, 0.2), 10))
    for budgets, shares in (((1,), (0.1,)), ((2, 1), (0.1, 0.2)), ((1, 2), (0.1, 1.2))):
        with pytest.raises(Refused):
            Measured("a", budgets, shares, 10)
