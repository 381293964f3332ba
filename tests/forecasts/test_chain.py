"""Forecasts in two steps: the interval holds the noise of both fits, and published two-step errors come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allometry.fits import Fit, Settings, Squared, fit, published_fit
from allometry.forecasts import FIT_NOISE, forecast, forecast_through
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.runs import Rows, read_runs

LOSS = {"E": 1.7, "A": 1000.0, "alpha": 0.15}
ERROR = {"eps": 0.86, "k": 2.2, "gamma": 0.72}
FAR = {"flops": 1e23}


def two_fits(seed: int, bootstrap: int = 100, loss_noise: float = 0.004, error_noise: float = 0.006) -> tuple[Fit, Fit]:
    """Losses of a ladder, and errors of other models against their losses, so that the two noises are apart."""
    generator = np.random.default_rng(seed)
    flops = np.geomspace(1e17, 1e21, 20)
    loss = find_law("power").evaluate(LOSS, {"flops": flops}) * np.exp(loss_noise * generator.standard_normal(20))
    measured = np.linspace(2.2, 4.5, 20)
    error = find_law("downstream_error").evaluate(ERROR, {"loss": measured}) + error_noise * generator.standard_normal(
        20
    )
    settings = Settings(bootstrap=bootstrap, starts=32)
    return (
        fit(Rows({"flops": flops}, loss, "loss"), "power", settings),
        fit(Rows({"loss": measured}, error, "error"), "downstream_error", settings),
    )


@pytest.fixture(scope="module")
def both() -> tuple[Fit, Fit]:
    return two_fits(0, bootstrap=300)


def test_the_truth_is_covered_as_often_as_claimed() -> None:
    loss = find_law("power").evaluate(LOSS, FAR)
    truth = float(find_law("downstream_error").evaluate(ERROR, {"loss": loss})[0])
    hits = 0
    for seed in range(20):
        found = forecast_through(*two_fits(seed), [FAR], level=0.9)[0].result
        hits += found.low < truth < found.high
    # measured: 104 of 120 such ladders are covered at 90%
    assert 15 <= hits <= 20


def test_the_interval_is_wider_than_that_of_either_step_alone(both: tuple[Fit, Fit]) -> None:
    loss, error = both
    still = (replace(loss, draws=loss.draws[:0]), replace(error, draws=error.draws[:0]))
    widths = []
    for pair in ((loss, error), (loss, still[1]), (still[0], error)):
        found = forecast_through(*pair, [FAR])[0]
        widths.append(found.result.high - found.result.low)
    assert widths[0] == pytest.approx(np.hypot(widths[1], widths[2]), rel=0.1)
    assert forecast_through(loss, still[1], [FAR])[0].interval == "fit noise of power only"
    assert forecast_through(*still, [FAR])[0].interval == "none"
    assert forecast_through(loss, error, [FAR])[0].interval == FIT_NOISE


def test_what_lies_between_is_the_first_forecast(both: tuple[Fit, Fit]) -> None:
    found = forecast_through(*both, [FAR, {"flops": 1e19}])
    plain = forecast(both[0], [FAR, {"flops": 1e19}])
    assert [step.through for step in found] == list(plain)
    assert found[0].metric == "error"
    assert found[0].result.value == pytest.approx(
        float(both[1].predict({"loss": [plain[0].result.value]})[0]), rel=1e-12
    )
    assert found[0].as_json()["through"] == plain[0].as_json()
    assert found[0].through.extrapolation.word == "far beyond"
    assert found[1].extrapolation.axes["loss"] == 0.0
    assert forecast_through(*both, []) == ()


def test_a_new_run_scatters_in_both_steps(both: tuple[Fit, Fit]) -> None:
    inside = [{"flops": 1e20}]
    run = forecast_through(*both, inside, of="new-run")[0]
    loss = run.through.result.value
    slope = ERROR["k"] * ERROR["gamma"] * np.exp(-ERROR["gamma"] * loss)
    scatter = np.hypot(0.006, slope * 0.004 * loss)
    assert run.result.high - run.result.low == pytest.approx(2 * 1.645 * scatter, rel=0.35)


def test_the_same_seed_gives_the_same_and_another_pairs_anew(both: tuple[Fit, Fit]) -> None:
    first, again, other = (forecast_through(*both, [FAR], seed=seed)[0].result for seed in (0, 0, 1))
    assert first == again
    assert first.low != other.low
    assert first.low == pytest.approx(other.low, rel=0.02)


def test_fits_that_do_not_follow_each_other_are_refused(both: tuple[Fit, Fit]) -> None:
    with pytest.raises(Refused, match="predicts error, and power asks for flops"):
        forecast_through(both[1], both[0], [{"loss": 3.0}])
    stated = tuple(
        replace(one, rows=replace(one.rows, conventions={"loss_unit": unit}))
        for one, unit in zip(both, ("nats per token", "bits per byte"), strict=True)
    )
    with pytest.raises(Refused, match="loss_unit is bits per byte and nats per token"):
        forecast_through(*stated, [FAR])
    with pytest.raises(Refused, match="how single runs scatter"):
        forecast_through(both[0], published_fit("downstream_error@gadre-c4"), [FAR], of="new-run")


TASKS = [
    "bigbench_operators",
    "pubmed_qa_labeled",
    "hellaswag_zeroshot",
    "boolq",
    "arc_easy",
    "coqa",
    "bigbench_dyck_languages",
    "lambada_openai",
    "bigbench_novel_concepts",
    "winograd",
    "bigbench_cs_algorithms",
    "commonsense_qa",
    "bigbench_qa_wikidata",
    "hellaswag",
    "copa",
    "squad",
    "piqa",
]
SMALL = ("d=96_l=8_h=4", "d=512_l=8_h=4", "d=576_l=24_h=8", "d=1024_l=24_h=8")
LEAST_SQUARES = Settings(objective=Squared(), space="identity", bootstrap=0)


def with_error(table: Path) -> dict[str, np.ndarray]:
    runs = read_runs(table)
    columns = {
        "loss": runs.column("loss_c4_val"),
        **{name: runs.column(name) for name in ("params", "tokens", "model")},
    }
    columns |= {name: runs.column(name) for name in ("train_dataset", "chinchilla_multiplier")}
    return {**columns, "error": 1 - np.mean([runs.column(f"acc_{task}") for task in TASKS], axis=0)}


@pytest.mark.published
@pytest.mark.parametrize(
    ("train", "model", "multiplier", "percent"),
    [
        ("rpj", "open_lm_1b", 32, 3.6365),
        ("rpj", "open_lm_7b", 1, 0.0464),
        ("c4_original", "open_lm_7b", 1, 0.1370),
        ("rw_original", "open_lm_7b", 1, 2.9388),
    ],
)
def test_gadre_two_step_errors(
    published: Callable[[str], Path], train: str, model: str, multiplier: int, percent: float
) -> None:
    """The authors' notebook prints the first two; five runs give the loss, those and open_lm_1b the error."""
    runs = read_runs(with_error(published("gadre_overtraining.csv"))).where(f"train_dataset == '{train}'")
    small = " or ".join(f"model == '{name}'" for name in SMALL)
    five = f"(chinchilla_multiplier == 1 and ({small})) or (chinchilla_multiplier == 16 and model == '{SMALL[0]}')"
    loss = fit(runs.where(five), "overtraining", LEAST_SQUARES)
    six = f"({five}) or (chinchilla_multiplier == 1 and model == 'open_lm_1b')"
    error = fit(runs.where(six), "downstream_error", LEAST_SQUARES)
    assert (len(loss.rows), len(error.rows)) == (5, 6)
    held = runs.where(f"model == '{model}' and chinchilla_multiplier == {multiplier}")
    point = {name: float(held.column(name)[0]) for name in ("params", "tokens")}
    found = forecast_through(loss, error, [point])[0]
    assert abs(found.result.value / float(held.column("error")[0]) - 1) * 100 == pytest.approx(percent, abs=2e-3)
