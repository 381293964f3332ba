"""Pruners: what is kept, at which weight, that InfoBatch is unbiased, that annealed epochs use everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.data.sampling.pruners import PRUNERS, InfoBatch, Random, SeTa, Static, find_pruner, group_by_loss
from allometry.notices import Refused

LOSSES = st.lists(st.floats(0.0, 20.0), min_size=2, max_size=30).map(np.array)
SHARES = st.floats(0.0, 0.9)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", PRUNERS)
@given(losses=LOSSES, ratio=SHARES, epoch=st.integers(0, 9), unseen=st.booleans())
@settings(max_examples=40, deadline=None)
def test_every_pruner_gives_distinct_samples_of_the_pool(
    name: str, losses: np.ndarray, ratio: float, epoch: int, unseen: bool
) -> None:
    if unseen:
        losses = np.where(np.arange(len(losses)) % 3 == 0, np.nan, losses)
    chosen = find_pruner(name, ratio=ratio).choose(losses, epoch, 10, rng())
    assert len(np.unique(chosen.indices)) == len(chosen) == len(chosen.weights)
    assert not len(chosen) or 0 <= chosen.indices.min() <= chosen.indices.max() < len(losses)
    assert (chosen.weights >= 1).all()


@given(losses=LOSSES, ratio=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.75, 0.9]), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_the_expected_gradient_of_infobatch_is_the_full_one(losses: np.ndarray, ratio: float, seed: int) -> None:
    gradients = rng(seed).normal(size=len(losses))
    pruner, draws = InfoBatch(ratio), rng(seed + 1)
    sums = []
    for _ in range(600):
        chosen = pruner.choose(losses, 0, 10, draws)
        sums.append(float(chosen.weights @ gradients[chosen.indices]))
    error = np.std(sums) / np.sqrt(len(sums))
    assert abs(np.mean(sums) - gradients.sum()) <= 5 * error + 1e-9


def test_without_the_weights_it_would_not_be() -> None:
    losses, gradients = np.array([0.0] * 8 + [10.0] * 2), np.array([1.0] * 8 + [0.0] * 2)
    draws = rng()
    kept = [gradients[InfoBatch(0.5).choose(losses, 0, 10, draws).indices].sum() for _ in range(200)]
    assert np.mean(kept) == pytest.approx(4.0, abs=0.2)


@pytest.mark.parametrize("name", ["random", "infobatch"])
def test_annealed_epochs_use_all_samples_at_weight_one(name: str) -> None:
    pruner, losses = find_pruner(name, ratio=0.7, annealing=0.25), rng().random(40)
    sizes = [len(pruner.choose(losses, epoch, 8, rng(epoch))) for epoch in range(8)]
    assert sizes[6:] == [40, 40]
    assert max(sizes[:6]) < 40
    assert (pruner.choose(losses, 7, 8, rng()).weights == 1).all()


def test_the_share_saved_is_as_set() -> None:
    losses = np.concatenate([np.full(600, 1.0), np.full(400, 2.0)])
    expected = {"random": 0.5 * 7 / 8, "static": 0.5, "infobatch": 0.5 * 0.6 * 7 / 8}
    for name, share in expected.items():
        used = sum(len(find_pruner(name, ratio=0.5).choose(losses, epoch, 8, rng(epoch))) for epoch in range(8))
        assert 1 - used / 8000 == pytest.approx(share, abs=0.01)


def test_seta_slides_from_easy_to_hard_and_starts_over() -> None:
    losses = np.repeat(np.arange(10.0), 100)
    pruner = SeTa(ratio=0.2, groups=10, window=0.5, annealing=0.125)
    found = [pruner.choose(losses, epoch, 16, rng(epoch)) for epoch in range(16)]
    lowest = [losses[one.indices].min() for one in found[:14]]
    assert lowest == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1]
    assert [len(one) for one in found[14:]] == [800, 800]
    used = 1 - sum(map(len, found)) / 16000
    assert used == pytest.approx(1 - 0.8 * (1 + 13 * 0.5 + 2) / 16, abs=0.01)


def test_groups_are_those_of_kmeans() -> None:
    planted = np.concatenate([rng(i).normal(mean, 0.1, 50) for i, mean in enumerate((0.0, 3.0, 7.0))])
    assert (group_by_loss(planted, 3) == np.repeat([0, 1, 2], 50)).all()
    assert np.bincount(group_by_loss(np.ones(10), 5)).tolist() == [2] * 5
    assert group_by_loss(np.array([1.0]), 4).tolist() == [0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Random(1.0), "a share of 1 cannot be pruned"),
        (lambda: Random(0.5, 2.0), "2 is no share of the epochs"),
        (lambda: SeTa(groups=4, window=0.1), "0.1 of 4 groups is no group"),
        (lambda: find_pruner("infobach"), "no pruner is called 'infobach'"),
        (lambda: find_pruner("random", groups=3), "random has no 'groups'"),
        (lambda: Static().choose(np.zeros(0), 0, 1, rng()), "the pool has no samples"),
        (lambda: InfoBatch().choose(np.array([1.0, np.inf]), 0, 1, rng()), "the loss of sample 1 is infinite"),
    ],
)
def test_what_cannot_be_is_refused(make: object, said: str) -> None:
    with pytest.raises(Refused, match=said):
        make()  # type: ignore[operator]
