"""Joint plans: streams, loops, vocabulary, experts and samples with size and tokens, against brute force and by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from allometry.costs import Choices, Execution, Request, choices_of, find_hardware, find_shape, request_cost
from allometry.fits import Fit, published_fit
from allometry.laws import find_law
from allometry.notices import Refused
from allometry.plans import Deployment, Joint, joint, lifetime, together

HOFFMANN = {"E": 1.69, "A": 406.4, "alpha": 0.336, "B": 410.7, "beta": 0.283}
STREAMED = find_law("E + A / (params * (1 + k * log(streams)))**alpha + B / tokens**beta")
COVERED = find_law("exp(-a * exp(b * loss) * samples**-c)", axes=["loss", "samples"], metric="coverage")
SIZES = np.geomspace(1e7, 1e13, 60_001)


def value(found: Joint, axis: str) -> float:
    got = found.at[axis].value
    assert got is not None
    return got


def test_streams_samples_and_size_equal_the_brute_minimum(known: Callable[..., Fit]) -> None:
    """Coverage over a streamed law's loss and samples, in closed form over a fine grid of sizes."""
    constants = {**HOFFMANN, "k": 0.39}
    fit = together(known(STREAMED, constants, draws=0), known(COVERED, {"a": 0.02, "b": 2.2, "c": 0.55}, draws=0))
    grid = {"streams": [1, 2, 4, 8], "samples": [1, 4, 16, 64]}
    found = joint(fit, quality=0.7, inference_tokens=3e12, among=grid, prompt=300, generated=700)
    best = (np.inf, 0.0, 0, 0)
    for streams in grid["streams"]:
        for samples in grid["samples"]:
            loss = np.log(-np.log(0.7) * samples**0.55 / 0.02) / 2.2
            rest = loss - 1.69 - 406.4 / (SIZES * (1 + 0.39 * np.log(streams))) ** 0.336
            with np.errstate(invalid="ignore", divide="ignore"):
                tokens = np.where(rest > 0, (rest / 410.7) ** (-1 / 0.283), np.inf)
            requests = 3e12 / 1000
            total = streams * SIZES * (6 * tokens + 2 * requests * (300 + 700 * samples))
            best = min(best, (float(total.min()), float(SIZES[np.argmin(total)]), streams, samples))
    assert found.total.value == pytest.approx(best[0], rel=1e-7)
    assert value(found, "params") == pytest.approx(best[1], rel=1e-2)
    assert (value(found, "streams"), value(found, "samples")) == best[2:]
    assert found.training.value + found.serving.value == pytest.approx(found.total.value)
    assert [one.total for one in found.choices] == sorted(one.total for one in found.choices)
    built = fit.predict({name: np.array([value(found, name)]) for name in fit.law.axes})
    assert float(built[0]) == pytest.approx(0.7, rel=1e-9)


@pytest.mark.parametrize("served", [0.0, 1e11, 1e14])
def test_one_plain_setting_is_the_plan_over_a_life(known: Callable[..., Fit], served: float) -> None:
    fit = known(STREAMED, {**HOFFMANN, "k": 0.39}, draws=0)
    plain = known(find_law("chinchilla"), HOFFMANN, draws=0)
    found, single = (
        joint(fit, quality=2.0, inference_tokens=served, fixed={"streams": 1}),
        lifetime(plain, loss=2.0, inference_tokens=served),
    )
    assert found.total.value == pytest.approx(single.total.value, rel=1e-8)
    assert [one.share.value for one in found.savings] == pytest.approx(
        [one.share.value for one in single.savings], abs=1e-6
    )


def test_loops_cost_what_they_unroll_to(known: Callable[..., Fit]) -> None:
    """A looped core is never cheaper in FLOPs than stored layers, and as dear where what is fixed is nothing."""
    constants = {"E": 1.69, "X": 406.4, "x": 0.336, "Y": 410.7, "y": 0.283}
    fit = known(find_law("looped_training"), constants, draws=0)
    found = joint(fit, quality=2.0, inference_tokens=2e12, among={"loops": [1, 2, 4]}, fixed={"fixed_params": 2e9})
    plain = lifetime(known(find_law("chinchilla"), HOFFMANN, draws=0), loss=2.0, inference_tokens=2e12)
    for one in found.choices:  # the law sees unrolled parameters alone, and so do FLOPs
        assert one.total == pytest.approx(plain.total.value, rel=1e-7)
        unrolled = 2e9 + one.setting["loops"] * one.size
        assert unrolled == pytest.approx(plain.at["params"].value, rel=1e-3)


def test_test_loops_are_served_and_not_trained(known: Callable[..., Fit]) -> None:
    constants = {"E": 1.69, "X": 406.4, "x": 0.336, "Y": 410.7, "y": 0.283, "Z": 0.4, "z": 2.0}
    fit = known(find_law("looped_unified"), constants, draws=0)
    found = joint(
        fit,
        quality=2.1,
        inference_tokens=1e12,
        among={"test_loops": [2, 4, 8]},
        fixed={"fixed_params": 1e9, "loops": 4},
    )
    for one in found.choices:
        met = [1e9 + loops * one.size for loops in (4, one.setting["test_loops"])]
        assert one.total == pytest.approx(6 * met[0] * one.tokens + 2 * met[1] * 1e12)
    assert value(found, "test_loops") > 2


def test_the_vocabulary_of_least_total_cost() -> None:
    """Tao et al. 2024, arXiv 2407.13623: size, tokens and vocabulary together, against brute force."""
    fit = published_fit("vocabulary@tao2024")
    vocabs = [4e3, 16e3, 32e3, 64e3, 256e3]
    found = joint(fit, quality=-5.0, inference_tokens=1e12, among={"vocab": vocabs}, fixed={"width": 3200})
    c = fit.values
    best = np.inf
    for vocab in vocabs:
        for size in np.geomspace(1e6, 1e12, 6001):
            rest = -5.0 + c["E"] - c["A1"] / (size / 1e6) ** c["beta"] - c["A2"] / (vocab * 3200 / 1e6) ** c["alpha2"]
            if rest > 0:
                tokens = 1e9 * (rest / c["B"]) ** (-1 / c["beta"])
                best = min(best, (size + vocab * 3200) * (6 * tokens + 2e12))
    assert found.total.value == pytest.approx(best, rel=1e-5)


def test_leverage_is_dense_compute_over_that_of_the_mixture() -> None:
    """Tian et al. 2025, arXiv 2507.17702: a dense model of equal loss at equal tokens takes leverage times the FLOPs."""
    dense, leverage = published_fit("chinchilla@epoch"), published_fit("moe_leverage@ling")
    fit = together(dense, leverage)
    at = {"active_params": 1e9, "tokens": 1e11, "activation": 0.031, "granularity": 12.0}
    times = float(leverage.predict({"activation": 0.031, "granularity": 12.0, "flops": 6e20})[0])
    assert float(fit.predict(at)[0]) == pytest.approx(
        float(dense.predict({"params": 1e9 * times, "tokens": 1e11})[0]), rel=1e-12
    )
    found = joint(
        fit, quality=2.0, inference_tokens=1e12, among={"activation": [0.5, 0.1, 0.031], "granularity": [2, 8, 12, 32]}
    )
    assert value(found, "activation") == 0.031
    assert value(found, "granularity") == 12  # of those listed the nearest to the law's own 11.3
    assert {"choice-at-end"} == {notice.code for notice in found.notices}


@pytest.mark.parametrize(("key", "worth"), [("stack", 1.818), ("pile", 1.695)])
def test_eight_streams_are_worth_what_the_authors_find(key: str, worth: float) -> None:
    """Chen et al. 2025, arXiv 2505.10475: eight streams at the tokens of the runs."""
    quality = {"stack": 1.05, "pile": 1.85}[key]
    found = joint(
        published_fit(f"parscale@{key}"),
        quality=quality,
        inference_tokens=1e12,
        among={"streams": [1, 8]},
        fixed={"tokens": 42e9},
    )
    sizes = {one.setting["streams"]: one.size for one in found.choices}
    assert sizes[1] / sizes[8] == pytest.approx(worth, abs=0.001)
    totals = {one.setting["streams"]: one.total for one in found.choices}
    assert totals[8] / totals[1] == pytest.approx(8 / worth, rel=1e-3)  # FLOPs: eight passes
    assert value(found, "streams") == 1


def test_streams_pay_in_money_where_memory_limits() -> None:
    """One request at a time reads all weights for each token: fewer weights, used eight times, are cheaper then."""
    device = find_hardware("h100")
    assert device.price is not None
    chosen = {}
    for batch in (1, 64):
        money = Deployment(training=device, serving=device, training_price=device.price, serving_price=device.price,
                           prompt=512, generated=256, batch=batch)  # fmt: skip
        found = joint(published_fit("parscale@pile"), quality=1.8, inference_tokens=2e12, among={"streams": [1, 8]},
                      fixed={"tokens": 42e9}, money=money)  # fmt: skip
        chosen[batch] = value(found, "streams")
        assert found.spread is not None
        assert found.spread.total.low < found.total.value < found.spread.total.high
    assert chosen == {1: 8, 64: 1}
    shape = find_shape("qwen3-8b")
    money = Deployment(training=device, serving=device, training_price=device.price, serving_price=device.price,
                       prompt=512, generated=256, batch=4, choices=Choices(samples=8))  # fmt: skip
    one = request_cost(shape, Request(prompt=512, generated=256, samples=8), device, Execution(batch=4))
    assert float(money.rates(768.0).served(shape.parameters().total)) == pytest.approx(one.money.value)


def test_pretraining_against_a_datastore(known: Callable[..., Fit]) -> None:
    """Shao et al. 2024, arXiv 2407.12854: 6 N D + 2 N_r D_store, and three passages in each prompt, against brute force."""
    law = find_law(
        "E + A / params**alpha + B / tokens**beta - g * log(datastore_tokens / 1e9)", axes=["datastore_tokens"]
    )
    fit = known(law, {**HOFFMANN, "g": 0.02}, draws=0)
    stores = [1e9, 1e11, 1.4e12]
    chosen = []
    for served in (0.0, 1e15):
        found = joint(
            fit, quality=2.5, inference_tokens=served, among={"datastore_tokens": stores}, prompt=500, generated=500
        )
        best = np.inf
        for store in stores:
            rest = 2.5 + 0.02 * np.log(store / 1e9) - 1.69 - 406.4 / SIZES**0.336
            with np.errstate(invalid="ignore", divide="ignore"):
                tokens = np.where(rest > 0, (rest / 410.7) ** (-1 / 0.283), np.inf)
            passages = 3 * 341
            total = SIZES * (6 * tokens + 2 * served / 1000 * (1000 + passages)) + 2 * 177e6 * store
            best = min(best, float(total.min()))
        assert found.total.value == pytest.approx(best, rel=1e-6)
        assert found.training.value == pytest.approx(
            value(found, "flops") + 2 * 177e6 * value(found, "datastore_tokens")
        )
        chosen.append(value(found, "datastore_tokens"))
    assert chosen == [1e11, 1.4e12]


def test_draws_say_how_certain_the_choice_is(known: Callable[..., Fit]) -> None:
    sure = known(STREAMED, {**HOFFMANN, "k": 3.0}, spread=1e-4, draws=20)
    found = joint(sure, quality=2.0, inference_tokens=2e12, among={"streams": [1, 2]})
    assert value(found, "streams") == 2
    assert [one.share for one in found.choices] == [1.0, 0.0]
    assert all(saving.certain for saving in found.savings if not saving.same)
    assert found.judged is not None
    # as dear as each other: 2 streams worth just twice the parameters
    even = known(STREAMED, {**HOFFMANN, "k": 1.0 / np.log(2)}, spread=3e-3, draws=40)
    found = joint(even, quality=2.0, inference_tokens=2e12, among={"streams": [1, 2]})
    shares = [one.share for one in found.choices]
    assert sum(shares) == pytest.approx(1.0)
    assert 0.1 < shares[0] < 0.9
    assert "choice-uncertain" in {notice.code for notice in found.notices}
    assert found.choices[1].more.low < 0 < found.choices[1].more.high


def test_together_pairs_draws_and_keeps_constants(known: Callable[..., Fit]) -> None:
    first, second = (
        known(find_law("chinchilla"), HOFFMANN, draws=50),
        known(COVERED, {"a": 0.02, "b": 2.2, "c": 0.55}, draws=80),
    )
    both = together(first, second)
    assert both.law.axes == ("params", "tokens", "samples")
    assert both.draws.shape == (50, len(both.law.parameter_names))
    at = {"params": np.array([7e9]), "tokens": np.array([1e12]), "samples": np.array([8.0])}
    loss = float(first.predict(at)[0])
    assert float(both.predict(at)[0]) == pytest.approx(
        float(second.predict({"loss": [loss], "samples": [8.0]})[0]), rel=1e-12
    )
    assert set(np.round(both.draws[:, both.law.parameter_names.index("A")], 6)) <= set(np.round(first.draws[:, 1], 6))


def test_choices_are_counted() -> None:
    assert Choices(samples=32).tokens(128, 1000) == 128 + 32_000
    assert Choices(generated_tokens=4000).tokens(128, 1000) == 4128
    assert choices_of({"loops": 4.0, "test_loops": 8.0, "fixed_params": 5e8}).served_times == 8
    assert choices_of({"vocab": 32_000.0, "width": 4096.0}).extra == 32_000 * 4096


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"quality": 2.0, "inference_tokens": -1.0, "among": {"streams": [1, 2]}}, "bad-value"),
        ({"quality": np.nan, "inference_tokens": 1e12, "among": {"streams": [1, 2]}}, "plan-ask"),
        ({"quality": 1.5, "inference_tokens": 1e12, "among": {"streams": [1, 2]}}, "loss-out-of-reach"),
        ({"quality": 2.0, "inference_tokens": 1e12}, "axis-open"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": [1.5, 2]}}, "bad-count"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": [0, 2]}}, "bad-value"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": []}}, "bad-value"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": [1]}, "fixed": {"streams": 1}}, "set-twice"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": [1], "params": [1e9]}}, "bad-option"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": [1]}, "at_least": {"params": 2e9}, "at_most": {"params": 1e9}}, "empty-limits"),
        ({"quality": 2.0, "inference_tokens": 1e12, "among": {"streams": list(range(1, 3000))}}, "too-many"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(known: Callable[..., Fit], asked: dict, code: str) -> None:
    with pytest.raises(Refused) as refused:
        joint(known(STREAMED, {**HOFFMANN, "k": 0.39}, draws=0), **asked)
    assert refused.value.code == code


def test_an_axis_without_a_cost_is_refused_and_may_be_given() -> None:
    fit = published_fit("data_constrained@muennighoff2023")
    with pytest.raises(Refused) as refused:
        joint(fit, quality=2.3, inference_tokens=1e12, among={"unique_tokens": [2e11, 1e12]})
    assert refused.value.code == "cost-unknown"
    assert "unique_tokens" in str(refused.value)
    given = joint(fit, quality=2.3, inference_tokens=1e12, fixed={"unique_tokens": 1e12})
    single = lifetime(fit, loss=2.3, inference_tokens=1e12, fixed={"unique_tokens": 1e12})
    assert given.total.value == pytest.approx(single.total.value, rel=1e-7)
    with pytest.raises(Refused) as refused:
        together(fit, published_fit("step_batch@steplaw"))
    assert refused.value.code == "chain-mismatch"
