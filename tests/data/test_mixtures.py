"""Mixtures: the simplex against brute force, planted optima, published mixtures, and what must be refused."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from allometry.data.mixtures import Mixture, best_mixture, fit_mixtures, read_mixtures
from allometry.data.mixtures.pairs import read_transfer
from allometry.data.mixtures.simplex import least, nearest
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.notices import Refused

NAMES = ("code", "books", "web")
TRUTH = {
    "code": (1.0, 0.8, (-3.0, 0.4, 0.0)),
    "books": (2.0, 0.7, (0.3, -3.5, 0.0)),
    "web": (1.5, 0.5, (0.9, 0.6, 0.0)),
}
WEIGHTS = {"code": 0.4, "books": 0.3, "web": 0.3}
DESIGN = np.array([(a, b, 8 - a - b) for a in range(9) for b in range(9 - a)]) / 8  # 45 mixtures


def true_losses(shares: np.ndarray) -> dict[str, np.ndarray]:
    return {name: c + k * np.exp(shares @ np.array(t)) for name, (c, k, t) in TRUTH.items()}


def weighted(shares: np.ndarray) -> float:
    return float(sum(WEIGHTS[name] * loss[0] for name, loss in true_losses(shares[None]).items()))


def planted(noise: float = 0.0, seed: int = 0, design: np.ndarray = DESIGN) -> dict[str, list[float]]:
    moved = np.random.default_rng(seed)
    table = {f"share_{name}": design[:, i].tolist() for i, name in enumerate(NAMES)}
    losses = true_losses(design).items()
    return table | {
        f"loss_{name}": (loss * np.exp(moved.normal(0, noise, len(loss)))).tolist() for name, loss in losses
    }


def true_best() -> np.ndarray:
    sums = {"type": "eq", "fun": lambda shares: shares.sum() - 1}
    found = minimize(
        weighted, np.full(3, 1 / 3), bounds=[(0, 1)] * 3, constraints=sums, options={"ftol": 1e-14, "maxiter": 500}
    )
    return np.asarray(found.x)


@settings(max_examples=40)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_the_nearest_mixture_is_the_nearest(values: list[float]) -> None:
    """Against the conditions of optimality: one shift moves all shares that are not at a limit."""
    point = np.array([values])
    high = np.full(len(values), 0.8)
    found = nearest(point, np.zeros(len(values)), high)[0]
    assert found.sum() == pytest.approx(1, abs=1e-9)
    free = (found > 1e-9) & (found < high - 1e-9)
    shift = point[0] - found
    if free.any():
        assert np.ptp(shift[free]) < 1e-7
        assert (shift[found <= 1e-9] <= shift[free].max() + 1e-7).all()
        assert (shift[found >= high - 1e-9] >= shift[free].min() - 1e-7).all()


def test_many_minima_at_once_are_those_of_a_general_solver() -> None:
    moved = np.random.default_rng(3)
    slopes, sizes = moved.normal(0, 2, (20, 4, 5)), moved.uniform(0.1, 1, (20, 4))

    def value(points: np.ndarray) -> np.ndarray:
        return np.einsum("mv,mvj->mj", sizes, np.exp(np.einsum("mvk,mjk->mvj", slopes, points)))

    found = least(value, np.full((20, 5), 0.2), np.zeros(5), np.ones(5))
    assert found.settled.all()
    sums = {"type": "eq", "fun": lambda shares: shares.sum() - 1}
    for m in range(20):
        other = minimize(
            lambda x, m=m: np.sum(sizes[m] * np.exp(slopes[m] @ x)),
            np.full(5, 0.2),
            bounds=[(0, 1)] * 5,
            constraints=sums,
        )
        assert found.value[m] <= other.fun + 1e-7


def test_a_planted_optimum_is_found_and_its_region_is_that_of_the_truth() -> None:
    best = true_best()
    found = best_mixture(read_mixtures(planted()), weights=WEIGHTS, settings=Settings(bootstrap=0))
    assert [found.shares[name].value for name in NAMES] == pytest.approx(best, abs=1e-4)
    assert found.loss.value == pytest.approx(weighted(best), rel=1e-6)
    grid = np.array(
        [(a, b, 1 - a - b) for a in np.linspace(0, 1, 401) for b in np.linspace(0, 1, 401) if a + b <= 1 + 1e-12]
    )
    loss = sum(WEIGHTS[name] * each for name, each in true_losses(grid).items())
    for region in found.near:
        inside = grid[loss <= weighted(best) * (1 + region.within)]
        for i, name in enumerate(NAMES):
            assert region.shares[name].low == pytest.approx(inside[:, i].min(), abs=0.006)
            assert region.shares[name].high == pytest.approx(inside[:, i].max(), abs=0.006)


def test_intervals_hold_the_planted_optimum_and_unseen_mixtures_are_predicted() -> None:
    found = best_mixture(read_mixtures(planted(0.003)), weights=WEIGHTS, settings=Settings(bootstrap=400))
    for i, name in enumerate(NAMES):
        told = found.shares[name]
        assert told.low <= true_best()[i] <= told.high
        assert told.high - told.low < 0.1
    assert np.abs(found.held_out).max() < 0.02
    assert found.gain.low is not None
    assert found.loss.low < found.loss.value < found.loss.high


def test_a_mixture_to_compare_with_and_single_weights() -> None:
    table = read_mixtures(planted())
    found = best_mixture(
        table,
        weights={"code": 2.0, "books": 0.0, "web": 0.0},
        now={"web": 1.0},
        take_edge=True,
        settings=Settings(bootstrap=0),
    )
    assert found.shares["code"].value == pytest.approx(1.0)  # natural end: all that can be
    assert found.weights == {"code": 1.0, "books": 0.0, "web": 0.0}
    expected = true_losses(np.array([[0, 0, 1.0], [1.0, 0, 0]]))["code"]
    assert found.gain.value == pytest.approx(expected[0] - expected[1], rel=1e-5)


def test_a_validation_domain_not_named_weighs_one() -> None:
    found = fit_mixtures(read_mixtures(planted()), weights={"code": 2.0}, settings=Settings(bootstrap=0))
    assert found.weights == {"code": 0.5, "books": 0.25, "web": 0.25}


def test_repeats_of_a_mixture_count_once() -> None:
    few = np.repeat(DESIGN[::5], 3, axis=0)  # nine mixtures, three runs each
    found = best_mixture(read_mixtures(planted(0.002, design=few)), weights=WEIGHTS, settings=Settings(bootstrap=0))
    said = {step.name: step.says for step in found.steps}
    assert (found.mixture_count, found.kept) == (9, 27)
    assert said["law"].endswith("to 9 mixtures in 27 runs")
    apart = int(np.isfinite(found.held_out).reshape(9, 3).all(axis=1).sum())  # those that can be left out
    assert said["unseen mixtures"].endswith(f"{apart} mixtures left out in turn")


def test_rows_by_validation_domain_are_the_same_as_columns() -> None:
    wide = planted(0.002)
    count = len(DESIGN)
    turned = np.random.default_rng(1).permutation(3 * count)  # in any order
    long = {f"share_{name}": np.tile(DESIGN[:, i], 3)[turned].tolist() for i, name in enumerate(NAMES)}
    long |= {
        "valid": np.repeat(NAMES, count)[turned].tolist(),
        "loss": np.concatenate([wide[f"loss_{n}"] for n in NAMES])[turned].tolist(),
    }
    once = Settings(bootstrap=100)
    one = best_mixture(read_mixtures(wide), weights=WEIGHTS, settings=once)
    other = best_mixture(read_mixtures(long, by="valid"), weights=WEIGHTS, settings=once)
    for name in NAMES:
        assert other.shares[name].value == pytest.approx(one.shares[name].value, abs=1e-6)
        assert other.shares[name].low == pytest.approx(one.shares[name].low, abs=1e-6)


def test_an_optimum_at_the_edge_of_what_was_tried_is_refused_or_said() -> None:
    narrow = DESIGN[DESIGN[:, 0] < 0.2]  # the best has more code
    with pytest.raises(Refused, match="largest share of code that was tried"):
        best_mixture(read_mixtures(planted(design=narrow)), weights=WEIGHTS, settings=Settings(bootstrap=0))
    found = best_mixture(
        read_mixtures(planted(0.002, design=narrow)), weights=WEIGHTS, take_edge=True, settings=Settings(bootstrap=100)
    )
    assert found.shares["code"].high is None
    assert "edge" in found.shares["code"].why
    assert "at-edge" in [notice.code for notice in found.notices]


def test_a_law_with_synergy_takes_transfer_from_pairs() -> None:
    """Yang et al. 2025, arXiv 2512.13472: with transfer between two languages the best mixture holds both."""
    pairs = {"target": ["a", "b"], "helper": ["b", "a"], "transfer": [0.6, 0.6]}
    transfer = read_transfer(pairs, ["a", "b"])
    truth = {
        "A": 0.3,
        "alpha_n_1": 0.3,
        "alpha_n_2": 0.5,
        "B": 1.5,
        "alpha_d_1": 1.2,
        "alpha_d_2": 1.0,
        "gamma": 4.0,
        "L_inf_1": 0.45,
        "L_inf_2": 0.45,
    }
    share = np.tile(np.linspace(0, 1, 9), 12)
    params, tokens = np.repeat([1e8, 3e8, 1e9, 3e9], 27), np.tile(np.repeat([2e9, 8e9, 3.2e10], 9), 4)
    law = find_law("code_mixture:2")
    loss = law.evaluate(
        truth,
        {
            "share_1": share,
            "share_2": 1 - share,
            "params": params,
            "tokens": tokens,
            "synergy": 1.2 * share * (1 - share),
        },
    )
    table = read_mixtures(
        {"share_a": share, "share_b": 1 - share, "params": params, "tokens": tokens, "loss": loss},
        axes=("params", "tokens"),
    )
    at = {"params": 1e9, "tokens": 4e9}
    found = best_mixture(table, law="code_mixture", at=at, transfer=transfer, settings=Settings(bootstrap=0))
    grid = np.linspace(0, 1, 10001)
    true = law.evaluate(
        truth, {"share_1": grid, "share_2": 1 - grid, "params": 1e9, "tokens": 4e9, "synergy": 1.2 * grid * (1 - grid)}
    )
    assert found.shares["a"].value == pytest.approx(grid[np.argmin(true)], abs=2e-3)
    assert 0.2 < grid[np.argmin(true)] < 0.8
    with pytest.raises(Refused, match="needs a value for synergy"):
        fit_mixtures(table, law="code_mixture", at=at)


BAD = {
    "not-one": ({"share_a": [0.2, 0.5, 0.9], "share_b": [0.8, 0.6, 0.1], "loss": [1.0, 2.0, 3.0]}, {}, "row 1 sum to 1.1"),
    "percent": ({"share_a": [20, 50, 90], "share_b": [80, 50, 10], "loss": [1.0, 2.0, 3.0]}, {}, "write 3% as 0.03"),
    "one share": ({"share_a": [0.2, 0.5], "loss": [1.0, 2.0]}, {}, "1 columns of shares"),
    "together": (
        {"share_a": [0.2, 0.4, 0.6], "share_b": [0.4, 0.3, 0.2], "share_c": [0.4, 0.3, 0.2], "loss": [1.0, 2.0, 3.0]}, {},
        "move the 3 shares in 1 independent ways",
    ),
    "no losses": ({"share_a": [0.2, 0.5, 0.9], "share_b": [0.8, 0.5, 0.1]}, {}, "loss"),
    "nan": ({"share_a": [0.2, float("nan"), 0.9], "share_b": [0.8, 0.5, 0.1], "loss": [1.0, 2.0, 3.0]}, {}, "row 1"),
    "several kinds": (
        {"share_a": [0.2, 0.5, 0.2, 0.5], "share_b": [0.8, 0.5, 0.8, 0.5], "loss": [1.0, 2.0, 3.0, 4.0], "valid": [*"xxyy"]}, {},
        r"rows of one mixture differ in `valid` \(x, y\)",
    ),
    "other mixtures": (
        {"share_a": [0.2, 0.5, 0.9, 0.5, 0.9], "share_b": [0.8, 0.5, 0.1, 0.5, 0.1], "loss": [1.0] * 5, "valid": [*"xxxyy"]}, {"by": "valid"},
        "not of the same mixtures",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_tables_that_are_no_mixtures_are_refused_in_one_sentence(name: str) -> None:
    table, words, says = BAD[name]
    with pytest.raises(Refused, match=says):
        read_mixtures(table, **words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"weights": {"nobody": 1.0}}, "no validation domain is called nobody"),
        ({"weights": {"code": -1.0}}, "-1 is no weight"),
        ({"weights": dict.fromkeys(NAMES, 0.0)}, "all weights are zero"),
        ({"now": {"code": 0.5}}, "sum to 0.5"),
        ({"now": {"poems": 1.0}}, "no training domain is called poems"),
        ({"within": (-1.0,)}, "-1 is no excess of loss"),
        ({"law": "data_mixing:5"}, "takes 5 shares and the table has 3"),
        ({"at": {"params": 1e9}}, "has no axis params"),
    ],
)
def test_questions_that_make_no_sense_are_refused(words: dict, says: str) -> None:
    with pytest.raises(Refused, match=says):
        best_mixture(read_mixtures(planted()), settings=Settings(bootstrap=0), **words)


@pytest.mark.published
def test_published_mixtures_have_an_optimum_inside_what_was_tried(published: Callable[[str], Path]) -> None:
    """Ye et al. 2024, arXiv 2403.16952: five mixtures of two domains, 160M parameters, 30,000 steps."""
    found = _two_domains(published("data_mixing_laws.csv"))
    code = found.shares["Github"]
    assert code.value == pytest.approx(0.4706, abs=2e-3)
    assert 0.25 < code.low < code.value < code.high < 0.75
    assert np.abs(found.held_out).max() < 0.01


def _two_domains(path: Path) -> Mixture:
    with path.open() as lines:
        rows = [
            r for r in csv.DictReader(lines) if (r["suite"], r["model_size"], r["step"]) == ("2Mix", "160M", "30000")
        ]
    shares = np.array([row["mixture"].split("-") for row in rows], dtype=float)
    table = {"share_Github": shares[:, 0], "share_Pile-CC": shares[:, 1], "loss": [float(row["loss"]) for row in rows]}
    return best_mixture(read_mixtures({**table, "valid": [row["valid_domain"] for row in rows]}, by="valid"))
