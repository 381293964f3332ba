"""Particles: answers drawn step by step, those with a good beginning kept more often, so that they follow a posterior."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allometry.inference.calls import Scope
from allometry.inference.strategies._steps import START, Path, Walk

Weigh = Callable[[Path], float]
# Grades are kept this far from 0 and 1 where their odds are taken: as in its_hub.
CLIP = 1e-7


def by_grade(path: Path) -> float:
    """The grade itself: the chance that a verifier accepts the step."""
    return path.grade


def by_odds(path: Path) -> float:
    """The odds of the grade: what the authors' code weighs by (the softmax of its logit)."""
    grade = min(max(path.grade, CLIP), 1 - CLIP)
    return grade / (1 - grade)


@dataclass(frozen=True)
class Particles:
    """Where particles ended up, their weights, and the logarithm of the evidence they estimate without bias.

    `ess` is the effective number of particles after each step, 1 / (sum of squared shares). `whole` says whether all
    of them ended: only then do they follow the posterior.
    """

    paths: tuple[Path, ...]
    weights: tuple[float, ...]
    log_evidence: float
    ess: tuple[float, ...]
    whole: bool

    def pick(self, engine: Scope) -> Path | None:
        """One of them by its weight; None where all weigh nothing."""
        return engine.random.choices(self.paths, self.weights)[0] if sum(self.weights) > 0 else None


async def filter_particles(walk: Walk, count: int, weigh: Weigh, reference: Path | None = None) -> Particles:
    """Draw a next step of every particle, weigh it, and draw as many anew in proportion to their weights, until all end.

    Those that ended, and those whose step was cut off by a bound and is gone on from, weigh 1. With a reference, one particle is held to it: conditional
    sequential Monte Carlo, the kernel of particle Gibbs.
    """
    held = [] if reference is None else [*reversed([*reference.trail()])]
    particles, weights = [START] * count, [1.0] * count
    evidence, ess = 0.0, list[float]()
    while any(map(walk.open, particles)):
        if ess:
            particles = _drawn_anew(walk.engine, particles, weights, bool(held))
        moved = await _moved(walk, particles[1:] if held else particles)
        if len(moved) < count - bool(held):
            reached = (*moved, *particles)
            return Particles(reached, (1.0,) * len(reached), evidence, tuple(ess), False)
        if held:
            moved.insert(0, held[min(len(ess), len(held) - 1)])
        weights = [1.0 if new is old or new.cut else weigh(new) for old, new in zip(particles, moved, strict=True)]
        particles, total = moved, sum(weights)
        evidence += math.log(total / count) if total > 0 else -math.inf
        ess.append(total**2 / sum(w * w for w in weights) if total > 0 else 0.0)
        if total <= 0:
            break
    return Particles(tuple(particles), tuple(weights), evidence, tuple(ess), all(p.ended for p in particles))


def _drawn_anew(engine: Scope, particles: Sequence[Path], weights: Sequence[float], held: bool) -> list[Path]:
    """Multinomial draws by weight; the first particle stays where one is held."""
    kept = [particles[0]] if held else []
    return kept + engine.random.choices(particles, weights, k=len(particles) - len(kept))


async def _moved(walk: Walk, particles: Sequence[Path]) -> list[Path]:
    """Each particle one step further, if it is not at its end; fewer where the budget does not hold a step for each."""
    counts: dict[Path, int] = {}
    for path in particles:
        if walk.open(path):
            counts[path] = counts.get(path, 0) + 1
    groups = await walk.grow([*counts.items()])
    if sum(map(len, groups)) < sum(counts.values()):
        return [path for group in groups for path in group]
    steps = {path: iter(group) for path, group in zip(counts, groups, strict=True)}
    return [next(steps[path]) if path in steps else path for path in particles]
