"""The ladder's model counts and trains as it says, and resumes where it was cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from allometry.costs import Shape, forward_flops_per_token  # noqa: E402
from allometry.lab.corpus import Corpus, read_corpus, windows  # noqa: E402
from allometry.lab.embedded import SHAPES, ladder, quick_ladder  # noqa: E402
from allometry.lab.ladder import Run, finished, run_ladder  # noqa: E402
from allometry.lab.training import Recipe, schedule, train  # noqa: E402
from allometry.lab.transformer import Transformer  # noqa: E402

pytestmark = pytest.mark.lab
SMALL = Shape(layers=2, width=32, heads=2, head_size=16, ffn=64, vocab=256)
RECIPE = Recipe(evaluation_windows=16, evaluations=2)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    text = np.frombuffer(b"def f(x):\n    return x + 1\n" * 4000, dtype=np.uint8)
    return Corpus(text, text[: 64 * 1024], ())


@pytest.mark.parametrize("shape", [SMALL, *SHAPES])
def test_parameters_equal_torchs(shape: Shape) -> None:
    model = Transformer(shape, 16)
    assert shape.parameters().total == sum(p.numel() for p in model.parameters())
    assert shape.parameters().non_embedding == shape.parameters().total - model.embedding.weight.numel()


def test_flops_equal_torchs_counter() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    context = 64
    model = Transformer(SMALL, context)
    tokens = torch.zeros((1, context), dtype=torch.long)
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(tokens)
    # The math back end multiplies the whole square; a causal pass needs (context + 1) / 2 of context.
    square = SMALL.layers * 2 * SMALL.heads * SMALL.head_size * (context - (context + 1) / 2) * 2
    assert counter.get_total_flops() / context == pytest.approx(forward_flops_per_token(SMALL, context) + square)


def test_no_position_sees_the_future() -> None:
    model = Transformer(SMALL, 32).eval()
    one = torch.randint(0, 256, (1, 32))
    other = one.clone()
    other[0, 20:] = (other[0, 20:] + 7) % 256
    with torch.no_grad():
        assert torch.allclose(model(one)[0, :20], model(other)[0, :20], atol=1e-5)
        assert not torch.allclose(model(one)[0, 20:], model(other)[0, 20:], atol=1e-5)


def test_training_learns_and_repeats_exactly(corpus: Corpus) -> None:
    first, second = (list(train(SMALL, 40 * RECIPE.batch_tokens, 0, corpus, RECIPE)) for _ in range(2))
    assert [m.loss for m in first] == [m.loss for m in second]
    assert first[-1].loss < 3.0 < np.log(256)
    assert first[-1].tokens == 40 * RECIPE.batch_tokens


def test_more_than_one_epoch_is_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match="more than one epoch"):
        list(train(SMALL, 10 * len(corpus.train), 0, corpus, RECIPE))


def test_schedule_warms_up_and_decays() -> None:
    rates = [schedule(step, 100, RECIPE) for step in range(1, 101)]
    assert max(rates) == 1.0
    assert rates[0] == pytest.approx(0.05)
    assert rates[-1] == pytest.approx(RECIPE.final_share)


def test_the_ladder_is_what_it_says() -> None:
    runs = ladder()
    assert len(runs) == len({run.run_id for run in runs}) == 70
    assert len(quick_ladder()) < 20
    costs = [run.cost for run in runs]
    assert np.log10(max(costs) / min(costs)) > 2.8


def test_a_killed_ladder_resumes_with_what_is_missing(tmp_path: Path) -> None:
    runs = [Run(SMALL, 2 * RECIPE.batch_tokens, seed) for seed in range(3)]
    table, told = tmp_path / "ladder.csv", []
    run_ladder(runs[:1], RECIPE, table, 1, told.append)
    run_ladder(runs, RECIPE, table, 1, told.append)
    assert len(told) == 3
    assert finished(table) == {run.run_id for run in runs}


def test_corpus_leaves_out_what_builds_leave_out() -> None:
    corpus = read_corpus()
    paths = [file.path for file in corpus.manifest]
    assert not [p for p in paths if {"test", "tests", "idlelib", "site-packages"} & set(p.split("/"))]
    assert len(corpus.train) > 8 * 2**20
    assert windows(corpus.train[:101], 10).shape == (10, 11)
