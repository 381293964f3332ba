"""Counts of calls by the conventions of their papers: published figures, identities, brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.costs import (
    Convolutional,
    Node,
    Shape,
    generation_macs,
    graph_flops,
    longest_path,
    routed_throughput,
    stage_flops,
    stage_units,
)
from allometry.notices import Refused


def small(width: int, kept: int, layers: int, ffn: int) -> Shape:
    return Shape(layers=layers, width=width, heads=width // 64, kv_heads=kept // 64, head_size=64, ffn=ffn, vocab=1000)


@pytest.mark.parametrize(
    ("tokens", "samples", "macs"), [(256, 1, 4.70e9), (4096, 1, 1.07e11), (212, 1, 3.87e9), (212, 32, 1.24e11)]
)
def test_budgets_of_the_study_of_backtracking(tokens: int, samples: int, macs: float) -> None:
    """Qin et al. 2025, arXiv 2504.07052: its 17M model, sequential from 256 to 4096 tokens, parallel from 1 to 32 samples."""
    assert generation_macs(small(512, 128, 8, 1024), tokens, samples) == pytest.approx(macs, rel=0.005)


@given(
    st.integers(0, 6),
    st.floats(1e6, 1e11),
    st.integers(1, 80),
    st.integers(64, 8192),
    st.integers(1, 4000),
    st.integers(1, 4000),
)
def test_a_node_is_a_square_of_its_predecessors(degree: int, m: float, layers: int, width: int, a: int, b: int) -> None:
    """The closed form in the number of predecessors of arXiv 2511.00086's authors."""
    alpha = 2 * layers * width * b**2
    beta = 2 * m * b + 2 * layers * width * b * (2 * a + 2 * b + 1)
    gamma = 2 * (m + layers * width) * (a + b) + 2 * layers * width * (a + b) ** 2
    found = Node(m, layers, width).flops(a + degree * b, b)
    assert found == pytest.approx(alpha * degree**2 + beta * degree + gamma, rel=1e-12)


def test_a_graph_costs_its_nodes_and_waits_for_its_longest_path() -> None:
    node = Node(7e9, 32, 4096)
    nodes = dict.fromkeys("abcd", node)
    edges = [("a", "c"), ("b", "c"), ("c", "d")]
    cost = graph_flops(nodes, edges, 500, 200)
    assert cost["a"] == node.flops(500, 200)
    assert cost["c"] == node.flops(900, 200)
    assert graph_flops(nodes, edges, 500, 200, fused=1)["c"] == node.flops(700, 200)
    paths = [
        p
        for n in range(1, 5)
        for p in itertools.permutations("abcd", n)
        if all(pair in edges for pair in itertools.pairwise(p))
    ]
    assert longest_path(cost, edges) == max(sum(cost[name] for name in path) for path in paths)
    for wrong, says in (([("a", "b"), ("b", "a")], "circle"), ([("a", "z")], "no call")):
        with pytest.raises(Refused, match=says):
            longest_path(cost, wrong)


@pytest.mark.parametrize("samples", [1, 4, 40])
def test_a_stage_in_units_of_the_smallest(samples: int) -> None:
    """AgentTTS, arXiv 2508.00890: its formula holds where the unit's prompt is twice its answer."""
    unit, stage = (3e9, 200.0, 100.0), (70e9, 900.0, 300.0)
    ratio, own, low = 70 / 3, 900 / 300, 900 / 200
    assert stage_units(stage, samples, unit) == pytest.approx(2 * ratio * low * samples / own + 2 * (ratio * low - 1))
    assert stage_flops(70e9, 900, 300, samples) == 2 * 70e9 * (900 + samples * 300)


def test_a_routed_campaign_is_as_fast_as_its_harmonic_mean() -> None:
    """AdaParse, arXiv 2505.01435: n documents take n (c_lo + c_r + alpha c_hi) / W."""
    cheap, dear, router, share, workers, count = 0.02, 4.0, 0.01, 0.05, 128, 10_000
    seconds = count * (cheap + router + share * dear) / workers
    assert count / routed_throughput(cheap, dear, share, router, workers) == pytest.approx(seconds)
    with pytest.raises(Refused):
        routed_throughput(cheap, dear, 1.5)


@pytest.mark.parametrize(
    ("depths", "widths", "group", "params", "activations", "flops"),
    [
        ((1, 1, 4, 7), (24, 56, 152, 368), 8, 2.68e6, 2.16e6, 0.20e9),
        ((1, 2, 7, 12), (32, 64, 160, 384), 16, 5.16e6, 3.14e6, 0.40e9),
        ((1, 3, 5, 7), (48, 96, 240, 528), 24, 6.20e6, 3.98e6, 0.61e9),
    ],
)
def test_regnets_count_as_published(
    depths: tuple[int, ...], widths: tuple[int, ...], group: int, params: float, activations: float, flops: float
) -> None:
    """Radosavovic et al. 2020, arXiv 2003.13678: RegNetX-200MF, -400MF and -600MF at 224 pixels, as their releases list them."""
    found = Convolutional(depths, widths, (group,) * 4).counts()
    assert found.params == pytest.approx(params, rel=0.002)
    assert found.activations == pytest.approx(activations, rel=0.003)
    assert found.flops == pytest.approx(flops, rel=0.02)


def test_networks_that_cannot_be_are_refused() -> None:
    for depths, widths, groups in (((1,), (24, 48), (8, 8)), ((0,), (24,), (8,)), ((1,), (20,), (8,))):
        with pytest.raises(Refused):
            Convolutional(depths, widths, groups)
    assert np.isfinite(Convolutional((1,), (24,), (24,), 32).counts().flops)
