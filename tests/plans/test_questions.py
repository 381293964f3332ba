"""Single questions of planning: closed forms against brute force, published figures, and how certain answers are."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from allometry.costs import Convolutional, Shape, generation_macs
from allometry.fits import Fit, published_fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans.questions import (
    NETWORKS,
    SCHEDULES,
    Machine,
    Measured,
    Option,
    best_shares,
    bigger_or_longer,
    choose,
    chosen,
    compare_strategies,
    compound,
    efficiency,
    exponents,
    factors,
    filtering,
    grow,
    machines,
    recipe,
    scaled,
    scheduled,
    speedup,
    split_budget,
)
from allometry.plans.questions.choose import greedily

COVERAGE, POWER, HOURS = find_law("coverage"), find_law("power"), find_law("accelerator_hours")
positive = st.floats(1e-3, 1e3)


# split


@settings(max_examples=40)
@given(st.lists(st.tuples(positive, st.floats(0.2, 4)), min_size=1, max_size=8), st.floats(1, 1e7))
def test_marginal_gains_are_equal_at_the_best_split(items: list[tuple[float, float]], total: float) -> None:
    need, ease = (np.array(values) for values in zip(*items, strict=True))
    found = best_shares(need, ease, total)
    assert found.sum() == pytest.approx(total, rel=1e-12)
    gains = np.log(need * ease) - (ease + 1) * np.log(found)
    assert gains == pytest.approx(np.full(len(need), gains[0]), abs=1e-7)


def test_the_best_split_beats_any_other_and_has_the_closed_form() -> None:
    """Lin et al. 2025, arXiv 2505.16122: with one exponent b_j is in proportion to c_j**(1/(beta+1))."""
    need = np.array([0.4, 3.0, 11.0, 1.0])
    found = best_shares(need, 1.5, 1000)
    assert found == pytest.approx(1000 * need**0.4 / (need**0.4).sum())
    rival = minimize(
        lambda x: (need / np.exp(x) ** 1.5 * (np.exp(x).sum() / 1000) ** 1.5).sum(), np.zeros(4), tol=1e-12
    )
    assert (need / found**1.5).sum() == pytest.approx(rival.fun, rel=1e-6)


@given(st.integers(5, 100_000), st.lists(positive, min_size=1, max_size=5), st.sampled_from(sorted(SCHEDULES)))
def test_schedules_spend_exactly_the_total(total: int, credits: list[float], name: str) -> None:
    found = scheduled(total, name, credits)
    assert found.sum() == total
    assert found.min() >= 0


def test_schedules_are_the_published_ones() -> None:
    i = np.arange(4.0)
    assert SCHEDULES["linear"](i).tolist() == [4, 3, 2, 1]
    assert SCHEDULES["polynomial"](i).tolist() == [16, 9, 4, 1]
    assert SCHEDULES["exponential"](i) == pytest.approx([1, 0.9, 0.81, 0.729])
    assert SCHEDULES["cosine"](i) == pytest.approx([1.1, 0.85, 0.35, 0.1])
    assert SCHEDULES["cosine"](np.zeros(1)).tolist() == [1]
    assert efficiency(0.8, 400) == pytest.approx(0.8 * (0.8 / 400))


def test_steps_get_of_a_budget_what_their_levels_are_of_all_levels() -> None:
    """Lin et al. 2025, released code: 200, 250, 350, 450, 600 tokens for questions of levels 1 to 5; steps B level / sum."""
    levels = np.array([1, 3, 5, 1])
    for total in (200, 250, 350, 450, 600):
        found = scheduled(total, "uniform", levels)
        assert found.sum() == total
        assert found == pytest.approx(total * levels / levels.sum(), abs=1)


def test_a_split_answers_with_whole_tokens() -> None:
    found = split_budget([3.0, 10.0, 1.0], [1.0, 1.5, 2.0], 4000)
    tokens = [int(row["best, tokens"]) for row in found.rows]
    assert sum(tokens) == 4000
    left = found.figures["uncertainty, best"]
    assert left == min(value for name, value in found.figures.items() if name.startswith("uncertainty"))
    brute = min(3 / a + 10 / b**1.5 + 1 / (4000 - a - b) ** 2 for a in range(2650, 2800) for b in range(1000, 1150))
    assert left == pytest.approx(brute, rel=1e-5)
    for need, ease, total in (([1.0], [1.0], 0), ([1.0, 2.0], [1.0], 10), ([-1.0], [1.0], 10), ([1.0], [0.0], 10)):
        with pytest.raises(Refused):
            split_budget(need, ease, total)


# choose


def options_of(generator: np.random.Generator, stages: int, ways: int) -> list[Option]:
    return [
        Option(f"s{s}", f"w{w}", float(generator.uniform(0, 9)), float(generator.normal()))
        for s in range(stages)
        for w in range(ways)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_the_choice_is_the_brute_best(seed: int) -> None:
    generator = np.random.default_rng(seed)
    options = options_of(generator, 5, 4)
    budget = float(generator.uniform(15, 30))
    every = itertools.product(*([one for one in options if one.stage == f"s{s}"] for s in range(5)))
    best = max(sum(one.value for one in ways) for ways in every if sum(one.cost for one in ways) <= budget)
    found = chosen(options, budget)
    assert sum(one.value for one in found) == pytest.approx(best)
    assert sum(one.cost for one in found) <= budget * (1 + 1e-9)
    assert choose(options, budget).figures["value by the greedy rule"] <= best + 1e-9


def test_sending_the_largest_gains_to_the_dear_processor_is_exact() -> None:
    """AdaParse, arXiv 2505.01435: with equal costs the top share is the knapsack's optimum, and its frontier is concave."""
    gains = np.random.default_rng(0).gamma(1.0, 0.1, 60)
    options = [
        Option(f"d{i}", way, cost, value)
        for i, gain in enumerate(gains)
        for way, cost, value in (("fast", 1, 0.0), ("good", 21, gain))
    ]
    quality = []
    for share in (0.0, 0.05, 0.1, 0.2, 0.5, 1.0):
        count = int(share * 60)
        budget = 60 + 20 * count
        value = sum(one.value for one in chosen(options, budget))
        assert value == pytest.approx(np.sort(gains)[::-1][:count].sum())
        assert sum(one.value for one in greedily(options, budget)) == pytest.approx(value)
        quality.append((share, value))
    slopes = np.diff([v for _, v in quality]) / np.diff([s for s, _ in quality])
    assert np.all(np.diff(slopes) <= 1e-9)


def test_a_budget_below_the_cheapest_is_refused_with_what_is_needed() -> None:
    options = [Option("a", "x", 3, 1.0), Option("b", "y", 4, 1.0)]
    with pytest.raises(Refused, match="costs 7 together"):
        choose(options, 6)
    for wrong in ([], [Option("a", "x", -1, 1.0)], [Option("a", "x", 1, np.nan)]):
        with pytest.raises(Refused):
            choose(wrong, 6)


# compound


@pytest.mark.parametrize("alpha", [1 / 3, 0.5, 0.8, 1.0])
def test_counted_activations_grow_as_predicted(alpha: float) -> None:
    """Dollar et al. 2021, arXiv 2103.06877: s**((2-alpha)/2), to 2% of the exponent where stages are deep.

    The first block of a stage runs at twice the resolution and has a projection, and depth does not repeat it: on RegNetX of
    1 to 12 blocks a stage the counted exponents of activations are up to 8% lower.
    """
    deep = Convolutional((40, 80, 280, 480), (320, 640, 1600, 3840), (160,) * 4, 896)
    for base, least in ((deep, 0.98), (NETWORKS["regnetx-400mf"], 0.92)):
        counted = [scaled(base, s, alpha).counts() for s in 2.0 ** np.arange(0, 9)]
        flops, activations, params = (
            np.log([getattr(c, n) for c in counted]) for n in ("flops", "activations", "params")
        )
        assert least <= np.polyfit(flops, activations, 1)[0] / exponents(alpha)["activations"] <= 1.02
        assert np.polyfit(flops, params, 1)[0] == pytest.approx(exponents(alpha)["params"], rel=0.02)


def test_fast_scaling_is_the_published_split() -> None:
    """Its code's d1_w8_g8_r1: depth s**0.1, width and groups s**0.4, resolution s**0.05."""
    found = factors(50, 0.8)
    assert found == pytest.approx({"depth": 50**0.1, "width": 50**0.4, "group": 50**0.4, "resolution": 50**0.05})
    assert found["depth"] * found["width"] ** 2 * found["resolution"] ** 2 == pytest.approx(50)
    assert scaled(NETWORKS["regnetx-400mf"], 1.0, 0.8) == NETWORKS["regnetx-400mf"]
    assert len(compound(NETWORKS["regnetx-200mf"], 4).rows) == 4
    for times, alpha in ((0.0, 0.5), (2.0, 1.5)):
        with pytest.raises(Refused):
            factors(times, alpha)


# growth


@pytest.mark.parametrize(
    ("params", "flops", "tokens"), [(4.1e8, 1e20, 1.0e10), (1.1e9, 8e20, 1.06e10), (7e9, 1e22, 2.2e10)]
)
def test_stacking_time_as_published(params: float, flops: float, tokens: float) -> None:
    """Du et al. 2024, arXiv 2405.15319, eq. 2 with its constants."""
    found = grow(params, flops)
    assert found.figures["tokens before stacking"] == pytest.approx(tokens, rel=0.02)
    assert sum(row["flops"] for row in found.rows if row["way"] == "stack") == pytest.approx(flops)
    assert {notice.code for notice in found.notices} == {"no-verdict"}


@pytest.mark.parametrize(("scratch", "grown", "share"), [(300e9, 194e9, 0.546)])
def test_speed_up_as_published(scratch: float, grown: float, share: float) -> None:
    """194 B tokens of a grown 7B reach the loss of 300 B from scratch: 54.6%."""
    assert speedup(scratch, grown) == pytest.approx(share, abs=0.0005)


def test_two_fits_say_whether_stacking_pays(known: Callable[..., Fit]) -> None:
    at = {"E": 0.0, "A": 30.0, "alpha": 0.06}
    scratch = known(POWER, {**at, "E": 1e-12}, spread=1e-4, draws=40)
    grown = known(POWER, {**at, "E": 1e-12, "A": 30.0 * 1.5**-0.06}, spread=1e-4, draws=40, seed=1)
    found = grow(1e9, 1e21, scratch=scratch, grown=grown)
    up = found.figures["speed-up"]
    assert up.value == pytest.approx(0.5, rel=1e-6)
    assert up.low < 0.5 < up.high
    noisy = known(POWER, {**at, "E": 1e-12, "A": 30.0 * 1.02**-0.06}, spread=0.02, draws=40, seed=2)
    found = grow(1e9, 1e21, scratch=scratch, grown=noisy)
    assert "NOT certain" in found.sentence
    assert "saving-uncertain" in {notice.code for notice in found.notices}
    for wrong in (
        {"params": -1.0, "flops": 1e21},
        {"params": 1e9, "flops": 1e21, "factor": 1},
        {"params": 1e9, "flops": 1e21, "scratch": scratch},
    ):
        with pytest.raises(Refused):
            grow(**wrong)


# the rest


def test_pools_are_kept_as_the_released_constants_say() -> None:
    """Goyal et al. 2024, arXiv 2404.07177: filter hard at little compute, less at more; the values of its released code."""
    found = filtering(published_fit("quality_mixture_early_floor@tmars"), 1.28e7, [3.2e7, 1.28e8])
    assert [row["pools"] for row in found.rows] == [1, 2]
    assert [found.rows[1][f"error of {count}"].value for count in (1, 2, 3)] == pytest.approx(
        [0.7127100, 0.7040003, 0.7323404], abs=1e-7
    )
    for wrong in (("chinchilla@epoch", 1e7), ("quality_mixture_early_floor@tmars", 0.0)):
        with pytest.raises(Refused):
            filtering(published_fit(wrong[0]), wrong[1], [1e8])


def test_systems_cross_where_planted_and_cost_by_machine(known: Callable[..., Fit]) -> None:
    """Two trends over hours that meet at 5000; tokens a second of the Languini study for GPT and qLSTM small."""
    first = known(HOURS, {"E": 2.0, "A": 1.0, "alpha": 0.1}, spread=1e-4, draws=30)
    second = known(HOURS, {"E": 2.0, "A": 5000**0.1, "alpha": 0.2}, spread=1e-4, draws=30, seed=1)
    reference, other = Machine("rtx3090", 55_416, 11_143, 0.2), Machine("a100", 135_107, 20_000, 1.5)
    found = machines(first, second, reference, [other])
    at = found.figures["crossing 1, hours"]
    assert at.value == pytest.approx(5000, rel=1e-6)
    assert at.low < 5000 < at.high
    assert found.figures["crossing 1, money on rtx3090, first"] == pytest.approx(1000)
    assert found.figures["crossing 1, money on a100, second"] == pytest.approx(5000 * 11_143 / 20_000 * 1.5)
    row = next(
        row for row in found.rows if row["class"] == 6 and row["machine"] == "rtx3090" and row["system"] == "first"
    )
    assert round(row["tokens"] / (128 * 512)) == 18_265  # the published steps of GPT small in 6 hours
    with pytest.raises(Refused):
        Machine("none", 0.0, 1.0)
    with pytest.raises(Refused, match="two machines are called rtx3090"):
        machines(first, second, reference, [reference])


def test_recipes_are_the_laws_side_by_side() -> None:
    found = recipe(1e9, 1e11)
    assert found.rows[0]["learning rate"] == pytest.approx(1.79 * 1e9**-0.713 * 1e11**0.307)
    assert [row["by"] for row in found.rows] == ["steplaw", "deepseek", "ling-moe"]
    assert found.rows[0]["steps"] * found.rows[0]["batch, tokens"] == pytest.approx(1e11)
    with pytest.raises(Refused):
        recipe(0.0, 1e11)


def test_bigger_or_longer_over_volumes(known: Callable[..., Fit]) -> None:
    small, large = (known(COVERAGE, {"a": a, "b": 0.5}, spread=1e-3, draws=60, seed=int(a)) for a in (3.0, 1.0))
    found = bigger_or_longer(small, large, larger=8, tokens=1e12, inference_tokens=1e12)
    assert found.sentence.startswith("think longer")
    assert not found.notices
    even = found.figures["break-even, inference tokens"].value
    for row in found.rows:
        assert row["cheaper"] == ("think longer" if row["inference tokens"] <= even else "train bigger")
    vague = bigger_or_longer(small, large, larger=8, tokens=1e12, inference_tokens=even * 1.0001)
    assert "NOT certain" in vague.sentence
    assert [notice.code for notice in vague.notices] == ["saving-uncertain"]
    assert {step.name for step in vague.steps} >= {"smaller model", "larger model", "exchange rate", "break-even"}


# sequential against parallel search, Qin et al. 2025, arXiv 2504.07052: shares of 200 problems, as its source prints them

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
