"""Downstream laws against their sources: constants refitted from published tables, and verdicts on published models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import binom, gammaln

from allometry.fits import Settings, Squared, emergence, fit, trend
from allometry.laws import find_law
from allometry.laws import published as published_constants
from allometry.runs import Rows, Runs, read_runs

Find = Callable[[str], Path]

TASKS = [
    "bigbench_operators", "pubmed_qa_labeled", "hellaswag_zeroshot", "boolq", "arc_easy", "coqa", "bigbench_dyck_languages",
    "lambada_openai", "bigbench_novel_concepts", "winograd", "bigbench_cs_algorithms", "commonsense_qa", "bigbench_qa_wikidata",
    "hellaswag", "copa", "squad", "piqa",
]  # fmt: skip
SIX = [("d=96_l=8_h=4", 1), ("d=512_l=8_h=4", 1), ("d=576_l=24_h=8", 1), ("d=1024_l=24_h=8", 1), ("d=96_l=8_h=4", 16), ("open_lm_1b", 1)]  # fmt: skip


def columns(runs: Runs, train: str, wanted: list[tuple[str, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Loss on C4 and mean error over the 17 tasks of some runs of Gadre et al."""
    settings = zip(
        runs.column("train_dataset"), runs.column("model"), runs.column("chinchilla_multiplier"), strict=True
    )
    keep = np.array([dataset == train and (model, times) in wanted for dataset, model, times in settings])
    error = 1 - np.mean([runs.column(f"acc_{task}") for task in TASKS], axis=0)
    return runs.column("loss_c4_val")[keep], error[keep]


@pytest.mark.published
@pytest.mark.parametrize(("key", "train"), [("redpajama", "rpj"), ("c4", "c4_original"), ("refinedweb", "rw_original")])
def test_downstream_constants_are_the_authors_least_squares(published: Find, key: str, train: str) -> None:
    loss, error = columns(read_runs(published("gadre_overtraining.csv")), train, SIX)
    assert len(loss) == 6
    theirs, _ = curve_fit(lambda x, k, gamma, eps: eps - k * np.exp(-gamma * x), loss, error)
    constants = published_constants(f"downstream_error@gadre-{key}")[1].values
    # the authors' call stops once the sum of squares moves by 1.5e-8: its seventh digit is the processor's
    assert [constants[name] for name in ("k", "gamma", "eps")] == pytest.approx(theirs.tolist(), rel=2e-6)
    ours = fit(
        Rows({"loss": loss}, error, "error"), "downstream_error", Settings(objective=Squared(), bootstrap=0, starts=64)
    )
    assert ours.values == pytest.approx(dict(constants), rel=1e-4)


@pytest.mark.published
@pytest.mark.parametrize(
    ("key", "train", "model", "times", "percent"),
    [
        ("redpajama", "rpj", "open_lm_1b", 32, 3.6365),
        ("redpajama", "rpj", "open_lm_7b", 1, 0.0464),
        ("c4", "c4_original", "open_lm_7b", 1, 0.1370),
        ("c4", "c4_original", "open_lm_1b", 4, 9.5817),
        ("refinedweb", "rw_original", "open_lm_7b", 1, 2.9388),
        ("refinedweb", "rw_original", "open_lm_1b", 16, 5.6167),
    ],
)
def test_downstream_errors_from_the_published_constants(
    published: Find, key: str, train: str, model: str, times: int, percent: float
) -> None:
    """Loss from size and tokens, error from that loss; the authors' notebook prints the two of RedPajama."""
    runs = read_runs(published("gadre_overtraining.csv")).where(
        f"train_dataset == '{train}' and model == '{model}' and chinchilla_multiplier == {times}"
    )
    _, error = columns(runs, train, [(model, times)])
    (first, losses), (second, errors) = (
        published_constants(f"{law}@gadre-{key}") for law in ("overtraining", "downstream_error")
    )
    loss = first.evaluate(losses.values, {name: runs.column(name) for name in ("params", "tokens")})
    predicted = second.evaluate(errors.values, {"loss": loss})
    assert abs(predicted / error - 1)[0] * 100 == pytest.approx(percent, abs=5e-5)


def test_downstream_error_has_its_limits() -> None:
    law, constants = published_constants("downstream_error@gadre-redpajama")
    values = constants.values
    high, low = law.evaluate(values, {"loss": [60.0, 1e-9]})
    assert high == pytest.approx(values["eps"])
    assert low == pytest.approx(values["eps"] - values["k"])


def test_task_scaling_is_straight_in_its_own_coordinates() -> None:
    sizes = np.geomspace(1e6, 1e11, 9)
    curve = find_law("task_scaling").evaluate({"c": 5000.0, "alpha": 0.4}, {"params": sizes})
    log = np.log(-np.log(curve))
    np.testing.assert_allclose(np.diff(log) / np.diff(np.log(sizes)), -0.4, rtol=1e-9)


def pythia_math(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Size, pass rate of one sample over 128 problems, and its standard error, of the seven Pythia models."""
    runs = read_runs(path)
    sizes = {"70M": 7e7, "160M": 1.6e8, "410M": 4.1e8, "1B": 1e9, "2.8B": 2.8e9, "6.9B": 6.9e9, "12B": 1.2e10}
    model, correct = runs.column("model"), runs.column("samples_correct")
    rates = [correct[model == f"Pythia {name}"] / 1e4 for name in sizes]
    error = [np.sqrt(np.sum(rate * (1 - rate) / 1e4)) / len(rate) for rate in rates]
    return np.array(list(sizes.values())), np.array([rate.mean() for rate in rates]), np.array(error)


@pytest.mark.published
def test_task_scaling_promises_too_much_where_the_label_says_convex(published: Find) -> None:
    """Pythia on MATH: pass rates as published, and a curve that tires, so that the law overshoots the largest model."""
    sizes, rates, error = pythia_math(published("monkeys_pythia_math.csv"))
    assert rates[[0, 3, 6]] == pytest.approx([0.00065, 0.00833, 0.02319], abs=5e-6)
    assert emergence(sizes, rates, error=error).label == "convex"
    assert emergence(sizes[:-1], rates[:-1], error=error[:-1]).label == "convex"
    small = fit(Rows({"params": sizes[:-1]}, rates[:-1], "accuracy"), "task_scaling", Settings(bootstrap=0))
    assert small.predict({"params": [1.2e10]})[0] > 1.3 * rates[-1]


@pytest.mark.published
@pytest.mark.parametrize(
    ("family", "benchmark", "verdict"),
    [
        ("Pythia", "TruthfulQA", "inverse"),
        ("OPT", "TruthfulQA", "inverse"),
        ("Cerebras-GPT", "TruthfulQA", "inverse"),
        ("Pythia", "HellaSwag", "standard"),
        ("Qwen1.5", "HellaSwag", "standard"),
        ("Qwen1.5", "MMLU", "standard"),
        ("Cerebras-GPT", "HumanEval", "emergent"),
        ("Cerebras-GPT", "MMLU", "flat"),
    ],
)
def test_verdicts_on_families_of_models(published: Find, family: str, benchmark: str, verdict: str) -> None:
    runs = read_runs(published("obs_scaling_base.csv"), where=f"family == '{family}'", drop_invalid=True)
    flops, score = runs.column("flops"), runs.column(benchmark)
    held = np.isfinite(flops) & np.isfinite(score)
    assert trend(flops[held], score[held], lower_is_better=False).verdict == verdict


def test_u_shaped_is_a_parabola_about_its_vertex() -> None:
    law = find_law("u_shaped")
    values = {"b0": 0.6, "b1": -0.1, "b2": 0.05}
    flops = np.geomspace(1e19, 1e25, 13)
    around = 0.55 + 0.05 * np.log10(flops / 1e22) ** 2
    np.testing.assert_allclose(law.evaluate(values, {"flops": flops}), around, rtol=1e-12)


def test_the_vertex_of_a_fitted_u_is_where_the_trend_puts_its_turn() -> None:
    flops = np.geomspace(1e20, 1e24, 17)
    loss = 0.55 + 0.05 * np.log10(flops / 1e22) ** 2 + 0.004 * np.random.default_rng(0).standard_normal(17)
    values = fit(Rows({"flops": flops}, loss, "loss"), "u_shaped", Settings(bootstrap=0)).values
    vertex = 1e21 * 10 ** (-values["b1"] / (2 * values["b2"]))
    found = trend(flops, loss)
    assert found.verdict == "u-shaped"
    assert found.place.low < vertex < found.place.high
    assert vertex == pytest.approx(1e22, rel=0.3)


def test_emergent_power_is_continuous_at_its_onset_and_a_power_law_beyond() -> None:
    law, values = find_law("emergent_power"), {"E": 0.3, "A": 0.4, "onset": 1e9, "alpha": 0.5}
    near = law.evaluate(values, {"params": [1e9 * (1 - 1e-9), 1e9, 1e9 * (1 + 1e-9)]})
    np.testing.assert_allclose(near, 0.7, rtol=1e-8)
    assert law.evaluate(values, {"params": 4e9})[0] == pytest.approx(0.3 + 0.4 / 2)


def test_generalization_difficulty_is_the_authors_code() -> None:
    """Their function written out anew with SciPy's binomials, over dimensions; it grows fast in them and hardly in examples."""

    def theirs(n: float, m: float, ratio: float, d: float, error: float) -> float:
        frequency, outputs = 2 * np.pi * ratio, d - 1
        k = (np.sqrt((m - 1) ** 2 + 4 * frequency**2) - (m - 1)) / 2
        eigen = binom(m + k, m) + binom(m + k - 1, m)
        wasserstein = (
            0.5 * np.log(m / 6) + (np.log(2 * d) + (m + 1) / 2 * np.log(np.pi) - gammaln((m + 1) / 2) - np.log(n)) / m
        )
        bits = (
            0.5 * np.log2(outputs)
            + 0.5 * np.log2(d)
            - np.log2(error)
            + np.log2(k * np.sqrt(outputs))
            + wasserstein / np.log(2)
        )
        return float((2 * outputs * d * eigen - n * outputs) * bits)

    law, constants = published_constants("generalization_difficulty@imagenet")
    ratio = constants.values["resolution"]
    point = {"examples": 1280901.0, "classes": 1000.0, "error": 0.1}
    dimensions = np.array([10.0, 20.0, 30.0, 48.0, 60.0])
    found = law.evaluate(constants.values, {**point, "intrinsic_dimension": dimensions})
    expected = [theirs(1280901, m, ratio, 1000, 0.1) for m in dimensions]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (np.diff(np.log2(found)) > 0.8 * np.diff(dimensions)).all()
    more = law.evaluate(constants.values, {**point, "intrinsic_dimension": 48.0, "examples": 1280901.0 * 1e6})
    assert 0.9 * found[3] < more[0] < found[3]
