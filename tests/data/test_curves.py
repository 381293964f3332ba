"""Curves of error against kept size: planted laws are told, the theory's are, and what cannot be told is not."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.data.pruning import best_kept, pruning_curve, student_error
from allometry.notices import Refused
from allometry.runs import Runs, read_runs

SIZES = np.geomspace(1e3, 3e4, 5)
SHAPES = {
    "power": lambda n: 5 * n**-0.4,
    "faster": lambda n: 2 * n**-0.2 * np.exp(-n / 1e4),
    "slower": lambda n: 0.1 + 50 * n**-0.8,
}


def table(shapes: dict[str, object], noise: float, seed: int = 0, seeds: int = 3, sizes: np.ndarray = SIZES) -> Runs:
    draw, columns = np.random.default_rng(seed), {"examples": [], "error": [], "metric": []}
    for name, shape in shapes.items():
        n = np.repeat(sizes, seeds)
        columns["examples"] += n.tolist()
        columns["error"] += (shape(n) * np.exp(draw.normal(0, noise, len(n)))).tolist()  # type: ignore[operator]
        columns["metric"] += [name] * len(n)
    return read_runs(columns)


@pytest.mark.parametrize("verdict", SHAPES)
def test_a_planted_law_is_told(verdict: str) -> None:
    found = pruning_curve(table({"random": SHAPES["power"], "el2n": SHAPES[verdict]}, 0.01), bootstrap=200)
    assert [curve.metric for curve in found] == ["random", "el2n"]
    assert found[1].verdict == verdict


def test_with_much_noise_the_law_is_not_decided() -> None:
    found = pruning_curve(table({"random": SHAPES["power"]}, 0.2), bootstrap=200)
    assert found[0].verdict == "not decided"
    assert "more seeds" in found[0].reason


def test_a_power_law_is_seldom_called_bent() -> None:
    """At 90% one in ten may be."""
    bent = [
        pruning_curve(table({"random": SHAPES["power"]}, 0.03, seed), bootstrap=150)[0].verdict in ("faster", "slower")
        for seed in range(40)
    ]
    assert sum(bent) <= 9


def test_who_is_ahead_of_random_at_each_size() -> None:
    found = pruning_curve(table({"random": SHAPES["power"], "easy": lambda n: 5 * n**-0.4 * (n / 5e3) ** -0.3}, 0.01))
    ahead = [place.ahead for place in found[1].places]
    assert (ahead[0], ahead[-1]) == ("random", "metric")
    assert found[1].places[-1].ratio.low < (3e4 / 5e3) ** -0.3 < found[1].places[-1].ratio.high  # type: ignore[operator]


def shares(kept: list[float], sizes: np.ndarray) -> Runs:
    """Random, and el2n at each share of pools, whose error is in proportion to the share."""
    draw, rows = np.random.default_rng(0), [("random", 1.0, n) for n in np.repeat(sizes, 3)]
    rows += [("el2n", share, n) for share in kept for n in np.repeat(sizes, 3)]
    errors = [5 * n**-0.4 * share * np.exp(draw.normal(0, 0.01)) for _, share, n in rows]
    names, given, examples = zip(*rows, strict=True)
    return read_runs({"metric": list(names), "kept": list(given), "examples": list(examples), "error": errors})


@pytest.mark.parametrize("sizes", [SIZES[:3], SIZES[:1]])
def test_shares_kept_are_curves_of_their_own_and_not_seeds(sizes: np.ndarray) -> None:
    found = pruning_curve(shares([0.5, 0.8], sizes))
    assert [(c.name, c.metric, c.kept) for c in found] == [
        ("random", "random", None), ("el2n, 0.8 kept", "el2n", 0.8), ("el2n, half kept", "el2n", 0.5),
    ]  # fmt: skip
    assert [place.runs for curve in found for place in curve.places] == [3] * 3 * len(sizes)
    assert found[2].places[0].ratio.value == pytest.approx(0.5, rel=0.05)


def test_a_table_in_which_nothing_differs_is_seldom_marked() -> None:
    """At 90% one in ten may be; place by place it was more than half."""
    names = ("random", "a", "b", "c")
    marked = [
        any(place.ahead in ("metric", "random") for curve in found for place in curve.places)
        for seed in range(60)
        for found in [pruning_curve(table(dict.fromkeys(names, SHAPES["power"]), 0.05, seed, sizes=SIZES[:3]))]
    ]
    assert sum(marked) <= 12


def test_the_theory_is_a_power_at_random_and_faster_when_pruned_best() -> None:
    trained = np.geomspace(1.0, 2.5, 5)
    best = [student_error(a / f, f).error for a in trained for f in [best_kept(a, least=0.01)]]
    random = [student_error(a * 20, 1.0).error for a in trained]
    runs = table(
        {"random": lambda n: np.interp(n, trained, random), "margin": lambda n: np.interp(n, trained, best)},
        0.005, sizes=trained,
    )  # fmt: skip
    assert [curve.verdict for curve in pruning_curve(runs, bootstrap=200)] == ["power", "faster"]


def test_few_runs_have_places_and_no_law() -> None:
    found = pruning_curve(table({"random": SHAPES["power"]}, 0.01, seeds=1, sizes=SIZES[:3]))[0]
    assert (len(found.places), found.verdict, found.exponent.value) == (3, "not decided", None)


def test_one_run_a_size_has_a_ratio_and_no_interval() -> None:
    found = pruning_curve(table({"random": SHAPES["power"], "el2n": SHAPES["faster"]}, 0.01, seeds=1, sizes=SIZES[:3]))
    place = found[1].places[0]
    assert (place.ratio.low, place.ahead) == (None, "")
    assert "seeds" in place.ratio.why


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"examples": [1, 2], "error": [0.1, 0.2], "metric": ["a", "a"]}, "no-baseline"),
        ({"examples": [1, 2], "error": [0.1, 0.0], "metric": ["random", "random"]}, "bad-error"),
        ({"examples": [1, 2], "error": ["0.1", "high"], "metric": ["random", "random"]}, "not-numbers"),
        ({"examples": [1, 2], "error": [0.1, 0.2], "metric": ["random", "el2n"], "kept": [1.0, None]}, "bad-kept"),
        ({"examples": [1, 2], "error": [0.1, 0.2], "metric": ["random", "el2n"], "kept": ["1", "few"]}, "bad-kept"),
    ],
)
def test_what_is_no_curve_is_refused(columns: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as found:
        pruning_curve(read_runs(columns))
    assert found.value.code == code
