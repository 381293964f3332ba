"""Memory by class against published formulas and figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allometry.costs import Shape, find_shape
from allometry.costs.training import Job, Parallelism, layer_activations, training_memory
from allometry.costs.training.memory import WORKSPACE

GPT3 = Shape(layers=96, width=12288, heads=96, head_size=128, ffn=4 * 12288, vocab=51200, gated=False)
MT_NLG = Shape(layers=105, width=20480, heads=128, head_size=160, ffn=4 * 20480, vocab=51200, gated=False)


def korthikanti(shape: Shape) -> Job:
    return Job(shape=shape, batch=1, context=2048, flash=False, dropout=True)


@pytest.mark.parametrize(("shape", "square"), [(GPT3, 80), (MT_NLG, 64)])
@pytest.mark.parametrize(
    ("spread", "terms"),
    [
        (Parallelism(), lambda square: 34 + square),
        (Parallelism(tensor=8), lambda square: 10 + 24 / 8 + square / 8),
        (Parallelism(tensor=8, sequence=True), lambda square: 34 / 8 + square / 8),
        (Parallelism(tensor=8, recompute="selective"), lambda square: 10 + 24 / 8),
        (Parallelism(tensor=8, sequence=True, recompute="selective"), lambda square: 34 / 8),
        (Parallelism(tensor=8, recompute="full"), lambda square: 2),
    ],
)
def test_activations_of_a_layer_are_the_published_sums(shape: Shape, square: float, spread: Parallelism, terms) -> None:
    """Korthikanti et al. 2022, arXiv 2205.05198, equations 1 to 6 and table 2, in units of s b h bytes."""
    found = layer_activations(korthikanti(shape), spread) / (2048 * shape.width)
    assert found == pytest.approx(terms(square))


def test_plain_pytorch_keeps_more_of_everything_but_products() -> None:
    for flash in (True, False):
        fused = Job(shape=find_shape("llama-3-8b"), batch=1, context=2048, flash=flash)
        plain = replace(fused, fused=False)
        assert layer_activations(plain, Parallelism()) > layer_activations(fused, Parallelism())
        heads = [
            training_memory(job, Parallelism()).activations - 32 * layer_activations(job, Parallelism())
            for job in (fused, plain)
        ]
        assert heads[1] - heads[0] == (14 - 4) * 128256 * 2048


def test_zero_stages_leave_the_published_bytes() -> None:
    """Rajbhandari et al. 2020, arXiv 1910.02054, figure 1: 7.5 B parameters over 64 devices, in GB."""
    shape = Shape(layers=1, width=1000, heads=1, head_size=1000, ffn=7_498_993_000 // 2000, vocab=1, gated=False)
    job = Job(shape=shape, batch=64, context=1)
    assert shape.parameters().total == pytest.approx(7.5e9, rel=1e-3)
    states = [training_memory(job, Parallelism(data=64, zero=stage)) for stage in (0, 1, 2, 3)]
    kept = [(memory.weights + memory.gradients + memory.optimizer) / 1e9 for memory in states]
    assert kept == pytest.approx([120, 31.4, 16.6, 1.9], abs=0.05)


def test_each_stage_of_a_pipeline_holds_what_it_should() -> None:
    job = Job(shape=replace(GPT3, tied=False), batch=64, context=2048)
    alone = training_memory(job, Parallelism(tensor=8, sequence=True))
    split = training_memory(job, Parallelism(tensor=8, sequence=True, pipeline=8))
    assert split.weights == pytest.approx(alone.weights / 8, rel=0.05)
    # the first stage holds as many micro-batches as there are stages: all layers' worth (section 4.2.3)
    assert split.activations == pytest.approx(alone.activations, rel=0.1)
    interleaved = training_memory(job, Parallelism(tensor=8, sequence=True, pipeline=8, interleave=3))
    assert interleaved.activations / split.activations == pytest.approx(1 + 7 / (8 * 3), rel=0.02)


def test_experts_have_fewer_copies_to_split_over() -> None:
    job = Job(shape=find_shape("mixtral-8x7b"), batch=64, context=2048)
    parts = job.shape.parameters()
    alone = training_memory(job, Parallelism(data=16, zero=0))
    spread = training_memory(job, Parallelism(data=16, expert=8, zero=0))
    assert alone.weights == 2 * parts.total
    assert spread.weights == pytest.approx(2 * (parts.total - parts.experts * 7 / 8))
    zero = training_memory(job, Parallelism(data=16, expert=8, zero=1))
    assert zero.optimizer == pytest.approx(12 * ((parts.total - parts.experts) / 16 + parts.experts / 8 / 2))


def test_states_elsewhere_leave_the_device() -> None:
    job = Job(shape=find_shape("llama-3-8b"), batch=8, context=2048)
    base = Parallelism(data=8, zero=3, recompute="full")
    away = training_memory(job, replace(base, optimizer_on="host", weights_on="host"))
    here = training_memory(job, base)
    assert (away.weights, away.gradients, away.optimizer) == (0, 0, 0)
    assert away.host == pytest.approx(16 * job.shape.parameters().total / 8)
    assert away.total == pytest.approx(here.total - away.host)
    disk = training_memory(job, replace(base, optimizer_on="disk", activations_on="host"))
    assert disk.disk == here.optimizer
    assert disk.host == pytest.approx(here.activations - disk.activations)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 2]),
    st.sampled_from(["none", "full"]), st.sampled_from(["llama-3-8b", "qwen3-30b-a3b", "gemma-2-9b"]),
)  # fmt: skip
def test_more_of_each_parallelism_never_needs_more(
    data: int, tensor: int, pipeline: int, micro: int, recompute: str, name: str
) -> None:
    job = Job(shape=find_shape(name), batch=32, context=1024)
    spread = Parallelism(
        data=data, tensor=tensor, pipeline=pipeline, micro_batch=micro, recompute=recompute, sequence=True
    )
    needs = training_memory(job, spread).total
    assert needs > WORKSPACE
    for more in ({"zero": 1}, {"zero": 2}, {"tensor": 2 * tensor}, {"recompute": "full"}):
        assert training_memory(job, replace(spread, **more)).total <= needs * (1 + 1e-9)
    assert training_memory(job, replace(spread, micro_batch=2 * micro)).total >= needs


def test_published_runs_are_not_refused_for_want_of_memory() -> None:
    """Runs that did train: NVIDIA dgxc-benchmarking, llama3.1/README.md at 741c886, on H100 of 80 GB."""
    runs = (
        ("llama-3-8b", 128, Parallelism(data=4, context=2, zero=1)),
        ("llama-3-70b", 128, Parallelism(data=2, tensor=4, pipeline=4, context=2, interleave=5, zero=1, sequence=True)),
        ("llama-3-70b", 128, Parallelism(data=2, tensor=4, pipeline=8, interleave=5, zero=1, sequence=True)),
        (
            "llama-3.1-405b",
            256,
            Parallelism(data=4, tensor=8, pipeline=8, context=2, interleave=8, zero=1, sequence=True),
        ),
    )
    for name, batch, spread in runs:
        needs = training_memory(Job(shape=find_shape(name), batch=batch, context=8192), spread).total
        assert 0.5 * 80e9 < needs < 80e9
