"""Forecasts by clusters of questions: a benchmark with planted clusters, and the parts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allometry.fits import Settings, Squared, fit
from allometry.forecasts import ClusteredForecast, forecast_clustered
from allometry.forecasts._calibration import monotone_map
from allometry.forecasts._mean_shift import mean_shift
from allometry.notices import Refused
from allometry.runs import Rows

COMPUTE = np.geomspace(2e19, 1e23, 9)
TARGET = 2e24
LEAST_SQUARES = Settings(objective=Squared(), bootstrap=0)
# compute at which half of what can be answered is, exponent, ceiling's loss, questions
PLANTED = (
    (1e20, 0.5, 0.02, 50),
    (1e21, 0.55, 0.05, 50),
    (5e21, 0.7, 0.08, 60),
    (1.5e22, 0.9, 0.05, 60),
    (3e22, 1.1, 0.1, 50),
)
NEVER, NOISY = 60, 40


def chances(compute: np.ndarray, *, family: float = 0.0) -> np.ndarray:
    """Chances (370, n) of right answers: five clusters, questions that never emerge, questions that go up and down.

    Another family of models needs other compute for each cluster, by a factor of exp(family) from one to the next.
    """
    own, rows = np.random.default_rng(99), []
    for number, (half, b, c, questions) in enumerate(PLANTED):
        halves = half * np.exp(own.normal(0, 0.15, questions))
        rows.append(np.exp(-np.log(2) * (compute * np.exp(family * (number - 2)) / halves[:, None]) ** -b - c))
    rows.append(np.tile(own.uniform(0, 0.03, NEVER)[:, None], (1, len(compute))))
    wild = np.random.default_rng(len(compute)).normal(size=(NOISY, len(compute)))
    rows.append(np.clip(own.uniform(0.2, 0.6, NOISY)[:, None] + 0.15 * wild, 0, 1))
    return np.concatenate(rows)


def measured(chance: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Pass rates of 100 samples a question."""
    return generator.binomial(100, chance) / 100


def forecasted(seed: int, settings: Settings = LEAST_SQUARES) -> tuple[ClusteredForecast, np.ndarray]:
    generator = np.random.default_rng(seed)
    rates = measured(chances(COMPUTE), generator)
    known = measured(chances(np.array([5e23, 4e24]), family=0.2), generator)
    return forecast_clustered(rates, COMPUTE, TARGET, known=known, settings=settings), rates


TRUTH = chances(np.array([TARGET]))[:, 0]


@pytest.mark.parametrize("seed", range(6))
def test_under_two_points_where_one_curve_is_beyond_five(seed: int) -> None:
    found, rates = forecasted(seed)
    assert abs(found.accuracy.value - TRUTH.mean()) < 0.02
    held = Settings(objective=Squared(), bootstrap=0, fixed={"g": 0.0, "c": 0.0})
    one = fit(Rows({"flops": COMPUTE}, rates.mean(axis=0), "accuracy"), "cluster_accuracy", held)
    assert abs(one.predict({"flops": [TARGET]})[0] - TRUTH.mean()) > 0.05


def test_planted_clusters_and_their_parameters_come_back() -> None:
    found, _ = forecasted(0)
    ends = np.cumsum([0] + [questions for *_, questions in PLANTED])
    kept = sorted((cluster for cluster in found.clusters if cluster.kept), key=lambda c: int(c.questions.min()))
    assert len(kept) == len(PLANTED)
    for cluster, (half, b, c, questions), first in zip(kept, PLANTED, ends[:-1], strict=True):
        own = (cluster.questions >= first) & (cluster.questions < first + questions)
        assert own.mean() > 0.95
        assert own.sum() > 0.95 * questions
        values = cluster.fit.values
        assert values["b"] == pytest.approx(b, rel=0.1)
        assert (values["a"] / np.log(2)) ** (1 / values["b"]) == pytest.approx(half, rel=0.15)
        assert values["c"] == pytest.approx(c, abs=0.06)
        assert values["g"] == pytest.approx(0, abs=0.02)


def test_what_does_not_rise_is_left_out_and_says_why() -> None:
    found, _ = forecasted(0)
    never = np.arange(270, 270 + NEVER)
    left = [cluster for cluster in found.clusters if not cluster.kept]
    assert [set(cluster.questions) for cluster in left] == [set(never)]
    assert "scatter" in left[0].why or "does not rise" in left[0].why
    assert (found.outliers >= 270 + NEVER).all()
    assert found.share == pytest.approx(270 / 370, abs=0.01)


def test_questions_that_nobody_answers_are_a_cluster_without_a_fit() -> None:
    rates = measured(chances(COMPUTE), np.random.default_rng(0))
    rates[270 : 270 + NEVER] = 0.0
    found = forecast_clustered(rates, COMPUTE, TARGET, settings=LEAST_SQUARES)
    left = [cluster for cluster in found.clusters if not cluster.kept]
    assert [(len(cluster.questions), cluster.fit, cluster.why) for cluster in left] == [
        (NEVER, None, "is 0 for every model")
    ]


def test_the_interval_holds_the_truth_of_the_subset() -> None:
    rates = measured(chances(COMPUTE)[:100], np.random.default_rng(0))
    settings = Settings(objective=Squared(), bootstrap=40, starts=16)
    found = forecast_clustered(rates, COMPUTE, TARGET, settings=settings, level=0.95)
    assert [len(cluster.questions) for cluster in found.clusters] == [50, 50]
    assert found.subset.low < TRUTH[:100].mean() < found.subset.high
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high
    narrow = forecast_clustered(rates, COMPUTE, TARGET, settings=settings, level=0.5)
    assert found.subset.low < narrow.subset.low < narrow.subset.high < found.subset.high


def test_guessing_is_fitted_or_given() -> None:
    generator = np.random.default_rng(1)
    chance = 0.25 + 0.75 * np.exp(-np.log(2) * (COMPUTE / 1e21) ** -0.6 - 0.05)
    rates = measured(np.tile(chance, (60, 1)), generator)
    for settings in (LEAST_SQUARES, Settings(objective=Squared(), bootstrap=0, fixed={"g": 0.25})):
        found = forecast_clustered(rates, COMPUTE, TARGET, settings=settings)
        assert found.clusters[0].fit.values["g"] == pytest.approx(0.25, abs=0.02)
        assert found.subset.value == pytest.approx(0.25 + 0.75 * np.exp(-np.log(2) * 2000**-0.6 - 0.05), abs=0.02)


def test_clusters_are_bounded_in_size_and_number() -> None:
    generator = np.random.default_rng(0)
    blobs = np.concatenate([generator.normal(centre, 0.03, (30, 3)) for centre in (0.2, 0.5, 0.9)])
    points = np.concatenate([blobs, [[0.2, 0.9, 0.2], [0.9, 0.2, 0.5]]])
    labels = mean_shift(points, diameter=0.4, least=10)
    assert sorted(np.bincount(labels[labels >= 0])) == [30, 30, 30]
    assert labels[-2:].tolist() == [-1, -1]
    line = np.linspace(0, 1, 200)[:, None]
    cut = mean_shift(line, diameter=0.25, least=10)
    for label in range(cut.max() + 1):
        assert np.ptp(line[cut == label]) <= 0.25
        assert (cut == label).sum() >= 10
    assert (mean_shift(line, diameter=0.001, least=10) == -1).all()
    assert mean_shift(points[:5], diameter=0.4, least=10).tolist() == [-1] * 5


def test_the_map_rises_through_its_ends_and_irons_out_what_falls() -> None:
    generator = np.random.default_rng(2)
    part = np.sort(generator.uniform(0.05, 0.95, 12))
    whole = 0.8 * part**1.5 + 0.01 * generator.standard_normal(12)
    mapped = monotone_map(part, whole)
    grid = np.linspace(0, 1, 500)
    assert (np.diff(mapped(grid)) >= 0).all()
    assert mapped(np.array([0.0, 1.0])).tolist() == [0.0, 1.0]
    inside = (grid > part[0]) & (grid < part[-1])
    assert np.abs(mapped(grid) - 0.8 * grid**1.5)[inside].max() < 0.04
    assert mapped(np.array([-0.2, 1.3])).tolist() == [0.0, 1.0]
    twice = monotone_map(np.array([0.5, 0.5]), np.array([0.2, 0.4]))
    assert twice(np.array([0.5]))[0] == pytest.approx(0.3, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"flops": COMPUTE[:-1]}, "do not go with"),
        ({"flops": -COMPUTE}, "compute is not positive"),
        ({"target": np.nan}, "compute is not positive"),
        ({"pass_rates": np.full((30, 9), 1.2)}, "question 0"),
        ({"known": np.ones((3, 1))}, "a row a question"),
        ({"known": np.full((30, 1), np.nan)}, "question 0"),
        ({"pass_rates": np.full((30, 9), 0.02)}, "no cluster of questions can be extrapolated"),
        ({"least": 31}, "no clusters"),
    ],
)
def test_unusable_rates_are_refused(change: dict[str, object], match: str) -> None:
    generator = np.random.default_rng(0)
    base = {"pass_rates": measured(np.tile(chances(COMPUTE)[:1], (30, 1)), generator), "flops": COMPUTE, "target": 1e24}
    with pytest.raises(Refused, match=match):
        forecast_clustered(**{**base, "settings": LEAST_SQUARES, **change})
