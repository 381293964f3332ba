"""Selection by optimal transport: distances and gradients against brute force, planted proportions, bad input."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog

from allometry.data.selection import Mixtures, Pilot, nearest_mixture, pilot, project
from allometry.data.selection.sources import cost_matrix, spread_by_feature, squared_distances
from allometry.data.selection.transport import transport
from allometry.fits import Settings
from allometry.laws import find_law
from allometry.notices import Refused

CENTRES = {"a": (0.0, 0.0), "b": (4.0, 0.0), "c": (0.0, 9.0)}


def cloud(name: str, count: int, seed: int) -> Pilot:
    """Two classes, one to either side of the centre of a source."""
    moved = np.random.default_rng(seed)
    labels = np.where(moved.random(count) < 0.5, "left", "right")
    side = np.where(labels == "left", -1.0, 1.0)[:, None] * [0.0, 1.5]
    return pilot(np.array(CENTRES[name]) + side + moved.normal(0, 0.5, (count, 2)), labels)


def blend(shares: dict[str, float], count: int, seed: int) -> Pilot:
    parts = [cloud(name, round(share * count), seed + i) for i, (name, share) in enumerate(shares.items()) if share]
    return pilot(np.concatenate([p.features for p in parts]), np.concatenate([p.labels for p in parts]))


SOURCES = {name: cloud(name, 60, i) for i, name in enumerate(CENTRES)}


def test_the_distance_is_that_of_the_linear_program() -> None:
    moved = np.random.default_rng(0)
    cost = moved.random((7, 5))
    rows, columns = moved.dirichlet(np.ones(7)), moved.dirichlet(np.ones(5))
    sums = np.zeros((12, 35))
    for i in range(7):
        sums[i, i * 5 : i * 5 + 5] = 1
    for j in range(5):
        sums[7 + j, j::5] = 1
    program = linprog(cost.ravel(), A_eq=sums, b_eq=np.concatenate([rows, columns]))
    found = transport(cost, rows, columns)
    assert found.distance == pytest.approx(program.fun, abs=1e-10)
    assert found.rows @ rows + found.columns @ columns == pytest.approx(program.fun, abs=1e-10)  # duality
    assert (found.rows[:, None] + found.columns <= cost + 1e-10).all()


def test_the_gradient_is_that_of_finite_differences() -> None:
    mixtures = Mixtures(SOURCES, blend({"a": 0.6, "b": 0.4}, 80, 10))
    shares, step = np.array([0.313, 0.4717, 0.2153]), 1e-6  # of no simple fraction: there the distance has a kink
    slope = mixtures.distance(shares).slope
    assert slope.sum() == pytest.approx(0, abs=1e-10)
    for way in ([1, -1, 0], [0, 1, -1], [1, 0, -1]):
        ahead, behind = (mixtures.distance(shares + sign * step * np.array(way)).value for sign in (1, -1))
        assert (ahead - behind) / (2 * step) == pytest.approx(slope @ way, rel=1e-7)


def test_a_source_without_share_has_the_slope_of_beginning_to_use_it() -> None:
    mixtures = Mixtures(SOURCES, blend({"a": 0.6, "b": 0.4}, 80, 10))
    at = np.array([0.5, 0.5, 0.0])
    found = mixtures.distance(at)
    step = 1e-6
    way = np.array([-0.5, -0.5, 1.0])
    rise = (mixtures.distance(at + step * way).value - found.value) / step
    assert rise >= found.slope @ way - 1e-6  # convex: no slope lies above the way up


def test_planted_proportions_are_found_and_none_is_nearer() -> None:
    target = blend({"a": 0.65, "b": 0.35}, 200, 20)
    found = nearest_mixture(SOURCES, target, resamples=20)
    for name, planted in {"a": 0.65, "b": 0.35, "c": 0.0}.items():
        told = found.shares[name]
        assert told.value == pytest.approx(planted, abs=0.05)
        assert told.low - 0.01 <= planted <= told.high + 0.01
    mixtures = Mixtures(SOURCES, target)
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 21) for b in np.linspace(0, 1, 21) if a + b <= 1 + 1e-12]
    least = min(mixtures.distance(np.clip(np.array(each), 0, 1)).value for each in grid)
    assert found.distance.value <= least + found.gap + 1e-9
    assert found.alone["c"] > found.alone["b"] > found.distance.value
    assert found.gap <= 1e-3 * found.distance.value
    assert not found.notices


def test_intervals_of_shares_hold_a_source_that_is_the_target() -> None:
    """Few rows lean to even shares, resamples more so: percentiles alone hold all three shares in 1 of these 6 worlds."""
    truth, held = np.array([1.0, 0.0, 0.0]), 0
    for seed in range(6):
        moved = np.random.default_rng(seed)
        sources = {str(i): pilot(centre + moved.normal(size=(40, 6))) for i, centre in enumerate(np.eye(3, 6))}
        found = nearest_mixture(sources, pilot(np.eye(3, 6)[0] + moved.normal(size=(40, 6))), resamples=20, seed=seed)
        told = list(found.shares.values())
        assert all(0 <= one.low <= one.value <= one.high <= 1 for one in told)
        held += all(one.low - 1e-9 <= true <= one.high + 1e-9 for one, true in zip(told, truth, strict=True))
    assert held >= 5


def test_distances_have_differences_by_which_mixtures_are_chosen() -> None:
    target = blend({"a": 1.0}, 30, 20)
    beside = {"even": np.full(3, 1 / 3), "a alone": np.array([1.0, 0.0, 0.0])}
    found = nearest_mixture(SOURCES, target, beside=beside, resamples=10)
    mixtures = Mixtures(SOURCES, target)
    for name, shares in beside.items():
        assert found.further[name].value == pytest.approx(mixtures.distance(shares).value - found.distance.value)
        assert found.further[name].low <= found.further[name].value <= found.further[name].high
    assert found.further["even"].low > 0
    assert found.further["a alone"].low <= 0  # it is the target
    assert nearest_mixture(SOURCES, SOURCES["a"], resamples=10).distance.low == 0  # no distance is below


def test_a_feature_of_another_scale_makes_the_spread() -> None:
    moved = np.random.default_rng(0)
    far = {name: pilot(place + moved.normal(0, [1.0, 10.0], (200, 2))) for name, place in {"a": 0.0, "b": 90.0}.items()}
    assert spread_by_feature(far, far["a"]) == pytest.approx([1 / 101, 100 / 101], abs=0.003)


def test_labels_are_told_apart_by_what_they_look_like() -> None:
    """The same features under swapped names cost nothing; classes of other places cost their distance."""
    one, named = SOURCES["a"], SOURCES["a"].labels
    assert named is not None
    renamed = pilot(one.features, ["links" if label == "left" else "rechts" for label in named])
    cost = cost_matrix({"a": one, "b": SOURCES["b"]}, renamed)
    bare = squared_distances(np.concatenate([one.features, SOURCES["b"].features]), one.features)
    extra = (cost - bare)[:60]  # rows of the source `a`
    same = np.array([[mine == theirs for theirs in named] for mine in named])
    assert extra[same] == pytest.approx(np.zeros(same.sum()), abs=1e-9)
    assert extra[~same].min() > 4


def test_accuracy_is_projected_to_sizes_and_mixtures_not_trained() -> None:
    law, moved = find_law("transport_accuracy"), np.random.default_rng(0)
    truth = {"a": 0.02, "b": 0.002, "c": 0.7, "d": 0.04}
    at = {"examples": np.repeat([500.0, 1000, 2000], 5), "transport_distance": np.tile(np.linspace(1, 9, 5), 3)}
    table = {**at, "accuracy": law.evaluate(truth, at) + moved.normal(0, 0.002, 15)}
    found = project(table, settings=Settings(bootstrap=300))
    told = found.accuracy(8000, 4.0)
    true = law.evaluate(truth, {"examples": 8000, "transport_distance": 4.0})[0]
    assert told.low <= true <= told.high
    assert np.abs(found.errors([8000.0], [4.0], [true])).max() < 0.01


def test_an_interval_is_of_a_mixture_not_of_the_law() -> None:
    """Each mixture lies off the law, alike at both sizes: the interval holds that, not the noise of the fit alone."""
    moved = np.random.default_rng(0)
    at = {"examples": np.tile([500.0, 1500], 7), "transport_distance": np.repeat(np.linspace(1, 7, 7), 2)}
    truth = {"a": 0.02, "b": 0.002, "c": 0.7, "d": 0.04}
    accuracy = find_law("transport_accuracy").evaluate(truth, at) + np.repeat(moved.normal(0, 0.03, 7), 2)
    found = project({**at, "accuracy": accuracy}, settings=Settings(bootstrap=100, starts=4))
    told = found.accuracy(500.0, 4.0)
    drawn = found.fit.predict_draws({"examples": [500.0], "transport_distance": [4.0]})
    low, high = np.quantile(drawn, [0.05, 0.95])
    assert found.fit.rows.cluster_kind == "transport_distance"
    assert len(np.unique(found.fit.rows.cluster)) == 7
    assert told.high - told.low > 1.3 * (high - low)


def test_no_accuracy_is_projected_beyond_what_one_can_be() -> None:
    at = {"examples": np.repeat([500.0, 2000], 4), "transport_distance": np.tile(np.linspace(1, 7, 4), 2)}
    moved = np.random.default_rng(0)
    table = {
        **at,
        "accuracy": 0.9 - 0.02 * at["transport_distance"] + 0.05 * (at["examples"] > 500) + moved.normal(0, 0.01, 8),
    }
    found = project(table, settings=Settings(bootstrap=60, starts=4))
    beyond = found.accuracy(1e6, 1.0)
    assert (beyond.value, beyond.low, beyond.high) == (None, None, None)
    assert "which is no accuracy: lines have no ceiling" in beyond.why
    near = found.accuracy(6000.0, 1.0)
    assert near.high == 1.0
    assert 0 <= near.low < near.value < 1


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: pilot([[0.0, float("nan")]], name="web"), "row 0 are not finite"),
        (lambda: pilot([1.0, 2.0]), "are no rows of numbers"),
        (lambda: pilot([[1.0], [2.0]], ["x"]), "1 labels for 2 rows"),
        (lambda: Mixtures({"a": SOURCES["a"]}, SOURCES["b"]), "1 source"),
        (lambda: Mixtures({**SOURCES, "d": pilot([[1.0]], ["x"])}, SOURCES["b"]), "1 features, and the target has 2"),
        (lambda: Mixtures({**SOURCES, "d": pilot([[1.0, 2.0]])}, SOURCES["b"]), "no labels, and the target has some"),
        (lambda: Mixtures(SOURCES, SOURCES["b"]).distance([0.5, 0.6, 0.0]), "are not 3 shares that sum to 1"),
        (lambda: Mixtures(SOURCES, SOURCES["b"], label_weight=np.inf), "inf is no weight"),
        (lambda: Mixtures(SOURCES, SOURCES["b"], label_weight=-1.0), "-1 is no weight"),
        (lambda: project({"examples": [1, 2], "transport_distance": [1, 2], "accuracy": [0.7, 71.0]}), "in row 1 is 71, not"),
        (lambda: Mixtures(SOURCES, SOURCES["b"]).distance([0.5, 0.5]), "are not 3 shares that sum to 1"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(made, says: str) -> None:
    with pytest.raises(Refused, match=says):
        made()


def test_the_room_loads_no_framework_and_no_transport_before_it_is_asked() -> None:
    code = "import sys, allometry.data.selection; assert not {'ot', 'torch', 'jax'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
