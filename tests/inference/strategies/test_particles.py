"""Particles follow the posterior of a model that can be enumerated, and estimate its evidence without bias."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from allometry.inference.calls import Response
from allometry.inference.strategies._particles import Particles, by_grade, by_odds, filter_particles
from allometry.inference.strategies._steps import START, Path, Walk
from allometry.inference.strategies.strategy import Answer

RUNS = 700
ERRORS = 4


def filtered(run: Any, language: Any, count: int, seed: int, reference: Path | None = None) -> tuple[Particles, str]:
    """The particles of one run, and one of them picked by its weight."""
    found: list[tuple[Particles, str]] = []

    async def solve(problem: Any, engine: Any, budget: Any) -> Answer:
        walk = Walk(problem, engine, language.verifier, "\n", None, 1.0)
        particles = await filter_particles(walk, count, by_grade, reference)
        picked = particles.pick(engine)
        found.append((particles, picked.text if picked else ""))
        return Answer(None)

    run(solve, language.engine, seed=seed)
    return found[0]


@pytest.fixture(scope="module")
def runs(run: Any, language: Any) -> list[Particles]:
    return [filtered(run, language, 4, seed)[0] for seed in range(RUNS)]


def assert_mean(values: list[float], expected: float) -> None:
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    assert abs(np.mean(values) - expected) < ERRORS * error, (np.mean(values), expected, error)


def test_the_evidence_is_estimated_without_bias(runs: list[Particles], language: Any) -> None:
    assert_mean([math.exp(found.log_evidence) for found in runs], language.evidence)


def share_of(text: str, found: Particles) -> float:
    weight = sum(w for path, w in zip(found.paths, found.weights, strict=True) if path.text == text)
    return weight / sum(found.weights)


def test_the_posterior_is_exact(runs: list[Particles], language: Any) -> None:
    """With any number of particles, evidence times the share of a text has the mean that enumeration gives."""
    for text, share in language.posterior.items():
        found = [math.exp(one.log_evidence) * share_of(text, one) for one in runs]
        assert_mean(found, language.evidence * share)


def test_many_particles_come_close_in_one_run(run: Any, language: Any) -> None:
    found, _ = filtered(run, language, 3000, 1)
    assert found.whole
    assert math.exp(found.log_evidence) == pytest.approx(language.evidence, rel=0.05)
    for text, share in language.posterior.items():
        assert share_of(text, found) == pytest.approx(share, abs=0.04)
    assert all(1 <= ess <= 3000 for ess in found.ess)


def reference_of(text: str, grade_of: Callable[[str], float]) -> Path:
    """A path as it would have been drawn."""
    path = START
    for i, line in enumerate(text.split("\n"), 1):
        whole = path.text + line + ("" if line.endswith(".") else "\n")
        stop = None if line.endswith(".") else "\n"
        path = Path(whole, Response(whole, stopped_by=stop), path, i, i, grade_of(whole))
    return path


@pytest.mark.parametrize("count", [2, 3])
def test_gibbs_leaves_the_posterior_as_it_is(count: int, run: Any, language: Any) -> None:
    """A reference from the exact posterior, one conditional filter, one particle by its weight: the same posterior."""
    texts, rng = list(language.posterior), random.Random(5)
    begun = [rng.choices(texts, list(language.posterior.values()))[0] for _ in range(RUNS)]
    ended = [
        filtered(run, language, count, seed, reference_of(text, language.grade_of))[1]
        for seed, text in enumerate(begun)
    ]
    assert any(a != b for a, b in zip(begun, ended, strict=True))
    counts = [ended.count(text) for text in texts]
    # one false alarm in 10,000 at seeds that never change
    assert stats.chisquare(counts, [RUNS * language.posterior[text] for text in texts]).pvalue > 1e-4


def test_a_reference_goes_on_beside_others_that_end_before_or_after_it(run: Any, language: Any) -> None:
    for text in language.posterior:
        found, _ = filtered(run, language, 3, 0, reference_of(text, language.grade_of))
        assert found.whole
        assert found.paths[0].text == text


def test_odds_are_kept_finite() -> None:
    assert by_odds(Path(grade=0.75)) == pytest.approx(3.0)
    assert 0 < by_odds(Path(grade=0.0)) < 1e-6 < 1e6 < by_odds(Path(grade=1.0)) < math.inf
