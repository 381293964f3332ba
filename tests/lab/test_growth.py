"""Stacking copies blocks exactly and its two phases spend the budget; the loop regulariser is what it says."""

from __future__ import annotations

import doctest
from dataclasses import replace
from importlib import import_module

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from torch.func import stack_module_state, vmap  # noqa: E402

from allometry.costs import Shape, training_flops  # noqa: E402
from allometry.lab.growth import base_shape, plan_growth, stack  # noqa: E402
from allometry.lab.mechanisms import list_mechanisms  # noqa: E402
from allometry.lab.models import build  # noqa: E402
from allometry.lab.regularisers import loop_dissimilarity  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
SHAPE = Shape(layers=6, width=16, heads=2, head_size=8, ffn=32, vocab=24)
CONTEXT = 8


@pytest.mark.parametrize("name", list_mechanisms())
def test_block_i_is_block_i_mod_layers(name: str) -> None:
    fields = {k: v for k, v in list_mechanisms()[name].example.items() if k not in ("dense_layers", "looped_layers")}
    grown_shape = replace(SHAPE, **fields)
    base = build(base_shape(grown_shape, 3), CONTEXT)
    grown = build(grown_shape, CONTEXT)
    grown.load_state_dict(stack(base.state_dict(), 3))
    for i, block in enumerate(grown.blocks):
        for key, weight in block.state_dict().items():
            assert torch.equal(weight, base.blocks[i % 2].state_dict()[key])
    assert torch.equal(grown.embedding.weight, base.embedding.weight)


def test_a_stacked_model_computes_what_the_looped_one_does() -> None:
    """g copies of all blocks in a row are the same blocks run g times."""
    looped = build(replace(SHAPE, layers=2, loops=3), CONTEXT)
    grown = build(SHAPE, CONTEXT)
    grown.load_state_dict(stack(looped.state_dict(), 3))
    tokens = torch.randint(0, 24, (2, CONTEXT))
    assert torch.equal(grown(tokens), looped(tokens))


def test_copies_are_apart() -> None:
    base = build(replace(SHAPE, layers=1), CONTEXT)
    grown = stack(base.state_dict(), 2)
    grown["blocks.1.attention.qkv.weight"].zero_()
    assert base.blocks[0].attention.qkv.weight.abs().sum() > 0
    assert grown["blocks.0.attention.qkv.weight"].abs().sum() > 0


def test_phases_spend_the_budget() -> None:
    found = plan_growth(SHAPE, 1e11, CONTEXT, factor=3, base_tokens=1e5)
    assert found.base.layers == 2
    assert found.base_flops == training_flops(found.base, 1e5, CONTEXT)
    assert found.base_flops + training_flops(SHAPE, found.tokens, CONTEXT) == pytest.approx(1e11)


def test_the_published_timing_at_published_sizes() -> None:
    """Their 1.1B model: 10.6 billion tokens by the rule, of 400M parameters' layers."""
    large = Shape(layers=24, width=2048, heads=32, head_size=64, ffn=5632, vocab=32000)
    found = plan_growth(large, 8e20, 2048, factor=4)
    assert found.base.layers == 6
    assert found.base_tokens == pytest.approx(1.1e10, rel=0.15)
    assert found.base_flops + found.flops == pytest.approx(8e20)


@pytest.mark.parametrize(
    ("shape", "given", "said"),
    [
        (SHAPE, {"base_tokens": 1e9}, "take"),
        (SHAPE, {"factor": 4, "base_tokens": 1e5}, "layers=4"),
        (SHAPE, {"base_tokens": -1.0}, "base_tokens"),
        (SHAPE, {"base_tokens": float("nan")}, "base_tokens"),
        (SHAPE, {}, "tokens on"),  # the published timing, far below its sizes
        (replace(SHAPE, loops=2, looped_layers=3), {"base_tokens": 1e5}, "not alike"),
    ],
)
def test_what_cannot_grow_is_refused(shape: Shape, given: dict[str, float], said: str) -> None:
    with pytest.raises(Refused, match=said):
        plan_growth(shape, 1e11, CONTEXT, **{"factor": 3, **given})  # type: ignore[arg-type]


def test_a_base_of_one_layer_is_told() -> None:
    found = plan_growth(SHAPE, 1e11, CONTEXT, factor=6, base_tokens=1e5)
    assert [notice.code for notice in found.notices] == ["one-layer-base"]


def test_nothing_to_stack_is_refused() -> None:
    with pytest.raises(Refused, match="cannot be stacked"):
        stack({"embedding.weight": torch.zeros(2, 2)}, 2)


def test_blocks_that_repeat_are_no_dissimilar() -> None:
    weights = stack(build(replace(SHAPE, layers=2), CONTEXT).state_dict(), 3)
    assert float(loop_dissimilarity(weights, 2)) == pytest.approx(0, abs=1e-5)
    # Neighbours have nothing in common: 7 kinds of matrices, each about 1 from the next.
    assert float(loop_dissimilarity(weights, 1)) == pytest.approx(7, abs=0.5)


def test_opposite_blocks_are_two_a_matrix_apart() -> None:
    weights = build(replace(SHAPE, layers=1), CONTEXT).state_dict()
    opposite = {key.replace("blocks.0", "blocks.1"): -weight for key, weight in weights.items() if "blocks" in key}
    assert float(loop_dissimilarity(weights | opposite, 1)) == pytest.approx(14)


def test_descending_it_makes_blocks_alike() -> None:
    model = build(replace(SHAPE, layers=4), CONTEXT)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05)
    values = []
    for _ in range(30):
        optimiser.zero_grad()
        value = loop_dissimilarity(dict(model.named_parameters()), 2)
        value.backward()
        optimiser.step()
        values.append(float(value.detach()))
    assert values[-1] < 0.1 * values[0]


def test_it_stacks_like_the_models() -> None:
    models = [build(SHAPE, CONTEXT) for _ in range(3)]
    together = vmap(lambda weights: loop_dissimilarity(weights, 3))(stack_module_state(models)[0])
    apart = [float(loop_dissimilarity(dict(m.named_parameters()), 3).detach()) for m in models]
    assert together.tolist() == pytest.approx(apart)


@pytest.mark.parametrize("period", [0, 4, 6])
def test_a_period_that_is_no_part_of_the_layers_is_refused(period: int) -> None:
    with pytest.raises(Refused, match="1, 2, 3"):
        loop_dissimilarity(build(SHAPE, CONTEXT).state_dict(), period)


@pytest.mark.parametrize("name", ["growth", "models"])
def test_examples_of_the_docstrings(name: str) -> None:
    found = doctest.testmod(import_module(f"allometry.lab.{name}"))
    assert found.attempted
    assert not found.failed
