"""Quality pools and pruning runs with planted truth: constants, unions never trained on, and where choices turn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from allometry.data.filtering import PoolFit, best_pools, compare_pruning, fit_pools, read_pools
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.notices import Refused

LAW = find_law("quality_mixture:3")
NAMES, SIZE = ("best", "middle", "rest"), 1.28e7
TRUTH = {"a": 0.3, "b_1": -0.3, "b_2": -0.27, "b_3": -0.22, "kept_1": 0.7, "kept_2": 0.8, "kept_3": 0.85, "d": 0.1}
SEEN = np.geomspace(8e5, 1.28e8, 10)
UNIONS = [each for count in (1, 2, 3) for each in combinations(range(3), count)]


def true_error(union: tuple[int, ...], seen: np.ndarray) -> np.ndarray:
    shares = {f"share_{i + 1}": (i in union) / len(union) for i in range(3)}
    return LAW.evaluate(TRUTH, {"examples": seen, "pool_samples": SIZE * len(union), **shares})


def runs(unions: list[tuple[int, ...]], noise: float = 0.003) -> dict[str, list]:
    moved = np.random.default_rng(0)
    return {
        "pool": ["+".join(NAMES[i] for i in union) for union in unions for _ in SEEN],
        "examples": np.tile(SEEN, len(unions)).tolist(),
        "pool_samples": [SIZE * len(union) for union in unions for _ in SEEN],
        "error": np.concatenate(
            [true_error(u, SEEN) * np.exp(moved.normal(0, noise, len(SEEN))) for u in unions]
        ).tolist(),
    }


@pytest.fixture(scope="module")
def fitted() -> PoolFit:
    return fit_pools(read_pools(runs(UNIONS)), Settings(bootstrap=300))


def test_planted_utilities_and_half_lives_lie_in_their_intervals(fitted: PoolFit) -> None:
    for i, name in enumerate(NAMES):
        utility, half = fitted.utilities[name], fitted.half_lives[name]
        assert utility.low <= TRUTH[f"b_{i + 1}"] <= utility.high
        assert half.low <= np.log(0.5) / np.log(TRUTH[f"kept_{i + 1}"]) <= half.high
        assert utility.high - utility.low < 0.05
        assert half.high - half.low < 2.5


def test_unions_that_were_never_fitted_are_predicted_within_two_percent(fitted: PoolFit) -> None:
    assert len(fitted.fit.rows) == 3 * len(SEEN)  # single pools only
    assert set(fitted.unseen()) == {tuple(NAMES[i] for i in union) for union in UNIONS if len(union) > 1}
    assert max(np.abs(errors).max() for errors in fitted.unseen().values()) < 0.02


def test_the_best_pools_change_with_compute_as_planted(fitted: PoolFit) -> None:
    seen = np.geomspace(8e5, 1.28e8, 2000)
    planted = np.argmin([true_error(union, seen) for union in UNIONS], axis=0)
    changes = np.flatnonzero(planted[1:] != planted[:-1])
    found = best_pools(fitted, 1.28e8)
    assert [UNIONS[k] for k in planted[[0, -1]]] == [(0,), (0, 1)]
    assert [(one.before, one.after) for one in found.turns] == [("best", "best+middle")]
    assert found.turns[0].at.low <= seen[changes[0]] <= found.turns[0].at.high
    for budget in (2e6, 1e7, 6e7, 1.2e8):
        told = best_pools(fitted, budget)
        true = UNIONS[int(np.argmin([true_error(union, np.array([budget]))[0] for union in UNIONS]))]
        assert told.best == "+".join(NAMES[i] for i in true)
        assert told.wins[told.best] > 0.9
    assert found.fixed == "best"
    assert found.gain.low > 0.02
    assert found.mixture["middle"].value == 0.5


def test_a_sample_of_a_union_is_checked_at_its_own_size_and_shares() -> None:
    """Half of each pool, and pools of two sizes: noiseless runs of the law are predicted to the last digits."""
    sizes, held = {0: SIZE, 1: 2 * SIZE}, SIZE
    truth = {f"share_{i + 1}": part for i, part in enumerate((1 / 3, 2 / 3, 0.0))}
    table: dict[str, list] = {"pool": [], "examples": [], "pool_samples": [], "error": []}
    rows = [(NAMES[i], sizes[i], {f"share_{k + 1}": float(k == i) for k in range(3)}) for i in sizes]
    for name, size, shares in (*rows, ("best+middle", held, truth)):
        table["pool"] += [name] * len(SEEN)
        table["examples"] += SEEN.tolist()
        table["pool_samples"] += [size] * len(SEEN)
        table["error"] += LAW.evaluate(TRUTH, {"examples": SEEN, "pool_samples": size, **shares}).tolist()
    found = fit_pools(read_pools(table), Settings(bootstrap=0, starts=64, fixed={"d": TRUTH["d"]}))
    assert np.abs(found.unseen()["best", "middle"]).max() < 1e-4


def test_more_compute_than_was_run_and_worn_out_pools_are_said(fitted: PoolFit) -> None:
    codes = {notice.code for notice in best_pools(fitted, 2e8).notices}
    assert {"beyond-runs", "passes-beyond-law"} <= codes


def test_pools_that_cannot_be_told_are_refused() -> None:
    single = runs([(0,), (1,)])
    four = {name: values * 2 for name, values in single.items()}
    four["pool"] = [name + "x" * (i >= 20) for i, name in enumerate(four["pool"])]
    for table, says in (
        (runs([(0,)]), "runs on 1 single pools"),
        (four, "runs on 4 single pools"),
        (runs([(0,), (1,), (1, 2)]), r"middle\+rest holds rest, of which there are no runs alone"),
        ({name: values for name, values in single.items() if name != "pool_samples"}, "pool_samples"),
        (single | {"error": [float("nan")] * 20}, "error"),
    ):
        with pytest.raises(Refused, match=says):
            read_pools(table)
    early = runs([(0,), (1,)])
    keep = [i for i, seen in enumerate(early["examples"]) if seen < SIZE]
    with pytest.raises(Refused, match="the half-life of best is not told"):
        fit_pools(
            read_pools({name: [values[i] for i in keep] for name, values in early.items()}), Settings(bootstrap=0)
        )
    with pytest.raises(Refused, match="no number of examples"):
        best_pools(fit_pools(read_pools(single), Settings(bootstrap=0)), -1)


SIZES = np.geomspace(1e3, 1e5, 8)


def pruning(noise: float, **arms: tuple[str, float, float, float]) -> dict[str, list]:
    """Arms of error 0.02 + scale * examples**-power."""
    moved = np.random.default_rng(1)
    table: dict[str, list] = {"metric": [], "kept": [], "examples": [], "error": []}
    for metric, kept, scale, power in arms.values():
        table["metric"] += [metric] * len(SIZES)
        table["kept"] += [kept] * len(SIZES)
        table["examples"] += SIZES.tolist()
        table["error"] += ((0.02 + scale * SIZES**-power) * np.exp(moved.normal(0, noise, len(SIZES)))).tolist()
    return table


ARMS = {"a": ("random", 1.0, 5.0, 0.5), "b": ("margin", 0.5, 50.0, 0.75), "c": ("el2n", 0.5, 6.0, 0.5)}


def test_pruning_beats_random_where_it_was_planted_to() -> None:
    found = compare_pruning(pruning(0.004, **ARMS), 1e5, settings=Settings(bootstrap=300))
    assert found.best == "margin, half kept"
    margin = found.arms[0]
    crossing = margin.crossings.crossings[0]
    assert crossing.at.low <= 1e4 <= crossing.at.high
    assert crossing.lower_beyond == "first"
    assert margin.difference.high < 0
    assert margin.better > 0.95
    worse = next(arm for arm in found.arms if arm.metric == "el2n")
    assert worse.difference.value > 0
    early = compare_pruning(pruning(0.004, **ARMS), 2e3, settings=Settings(bootstrap=300))
    assert early.best == "random"
    assert early.sentence.startswith("random selection is best at 2000 examples")


POWER = "A * examples**-b"


def several(seed: int, better: float = 1.0) -> dict[str, list]:
    """Five metrics of which none, or the third by a factor, differs from random: power laws, five sizes of three runs."""
    moved, names = np.random.default_rng(seed), ["random", *(f"m{i}" for i in range(5))]
    sizes = np.repeat(np.geomspace(1e3, 1e5, 5), 3)
    error = [5 * sizes**-0.5 * (better if name == "m2" else 1.0) * np.exp(moved.normal(0, 0.03, 15)) for name in names]
    return {
        "metric": np.repeat(names, 15).tolist(),
        "examples": np.tile(sizes, 6).tolist(),
        "error": np.concatenate(error).tolist(),
    }


def test_the_best_of_several_that_equal_random_is_rarely_told_apart() -> None:
    """12 tables of five metrics that all equal random; benchmarks/filtering.py has more of them."""
    quick = Settings(bootstrap=60, starts=4)
    found = [compare_pruning(several(seed), 1e5, law=POWER, settings=quick) for seed in range(12)]
    beats = sum(one.best != "random" and one.arms[0].ahead == "metric" for one in found)
    assert beats <= 3  # more than three of 12 come of a rate of 10% in 3% of cases
    assert sum(one.arms[0].better > 0.95 for one in found) >= beats  # what the best says for itself
    assert all("that holds for all 5 arms at once" in one.sentence for one in found if one.best != "random")
    assert all(("beyond the" in one.sentence) == (one.arms[0].ahead == "metric") for one in found)


def test_one_that_is_better_among_several_is_still_found() -> None:
    found = compare_pruning(several(0, better=0.9), 1e5, law=POWER, settings=Settings(bootstrap=200, starts=4))
    assert (found.best, found.arms[0].ahead) == ("m2", "metric")
    assert found.arms[0].difference.low <= -0.1 * 5 * 1e5**-0.5 <= found.arms[0].difference.high
    assert "few-draws" in {notice.code for notice in found.notices}  # 200 draws for five arms


def test_shares_of_one_pool_are_one_curve_over_examples() -> None:
    table = pruning(0.0, **ARMS)
    table["kept"] = np.tile(SIZES / SIZES.max(), 3).tolist()  # one size a share
    found = compare_pruning(table, 5e4, settings=Settings(bootstrap=0))
    assert {arm.name for arm in found.arms} == {"margin", "el2n"}
    assert found.arms[0].crossings.crossings[0].at.value == pytest.approx(1e4, rel=0.02)


def test_without_an_interval_none_is_spoken_of() -> None:
    said = compare_pruning(pruning(0.004, **ARMS), 1e5, settings=Settings(bootstrap=0)).sentence
    assert said.startswith("margin, half kept beats random selection")
    assert "its interval does not tell" not in said
    assert "how sure that is no interval says" in said


def test_without_shares_kept_each_metric_is_one_curve() -> None:
    table = pruning(0.0, **ARMS)
    del table["kept"]
    found = compare_pruning(table, 5e4, settings=Settings(bootstrap=0))
    assert [(arm.name, arm.kept) for arm in found.arms] == [("margin", None), ("el2n", None)]


@pytest.mark.parametrize(
    ("kept", "says"),
    [
        ("half", "`kept` is half in row 9 of margin"),
        (None, "`kept` is empty in row 9"),
        (50, "`kept` is 50.* in row 9"),
    ],
)
def test_a_share_that_is_none_is_refused_by_its_row(kept: object, says: str) -> None:
    table = pruning(0.0, **ARMS)
    table["kept"][9] = kept
    with pytest.raises(Refused, match=says):
        compare_pruning(table, 1e4, settings=Settings(bootstrap=0))


def test_random_runs_need_no_share() -> None:
    table = pruning(0.0, **ARMS)
    table["kept"][:8] = [None] * 8
    assert compare_pruning(table, 1e5, settings=Settings(bootstrap=0)).best == "margin, half kept"


@pytest.mark.parametrize(
    ("arms", "says"),
    [
        ({"b": ARMS["b"]}, "no row has the metric random"),
        ({"a": ARMS["a"]}, "every row has the metric random"),
    ],
)
def test_arms_without_their_opposite_are_refused(arms: dict, says: str) -> None:
    with pytest.raises(Refused, match=says):
        compare_pruning(pruning(0.0, **arms), 1e4)


def test_too_few_sizes_are_refused() -> None:
    table = {name: values[:11] for name, values in pruning(0.0, **ARMS).items()}
    with pytest.raises(Refused, match="margin, half kept has runs at 3 numbers of examples"):
        compare_pruning(table, 1e4)
