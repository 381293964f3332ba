"""The numbers that papers and their authors' files print, from the constants in the declarations."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from allometry.laws import list_laws, published
from allometry.notices import Refused


def table(name: str) -> list[dict[str, str]]:
    folder = os.environ.get("ALLOMETRY_DATA")
    if not folder:
        pytest.skip("ALLOMETRY_DATA is not set: no published tables to check against")
    with (Path(folder) / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def value(constants: str, **point: float) -> float:
    law, found = published(constants)
    return float(law.evaluate(found.values, point)[0])


def test_muennighoff_to_every_digit() -> None:
    """Values printed by return_alloc.ipynb."""
    assert (
        value("data_constrained@muennighoff2023", params=6.34e9, tokens=242e9, unique_tokens=25e9) == 2.2256440889984477
    )
    assert (
        value("data_constrained@muennighoff2023", params=8.67e9, tokens=178e9, unique_tokens=25e9) == 2.2269634075087867
    )


def test_data_constrained_is_chinchilla_on_fresh_data() -> None:
    law, constants = published("data_constrained@muennighoff2023")
    chinchilla, _ = published("chinchilla@epoch")
    x = {"params": np.array([1e8, 1e9]), "tokens": np.array([1e11, 1e11])}
    five = {name: constants.values[name] for name in chinchilla.parameter_names}
    fresh = law.evaluate(constants.values, {**x, "unique_tokens": 2e11})
    np.testing.assert_allclose(fresh, chinchilla.evaluate(five, x), rtol=1e-14)


def test_unique_tokens_beyond_those_seen_change_nothing() -> None:
    seen = value("data_constrained@muennighoff2023", params=1e9, tokens=1e10, unique_tokens=1e10)
    assert value("data_constrained@muennighoff2023", params=1e9, tokens=1e10, unique_tokens=1e12) == seen


def test_epoch_allocation_exponent() -> None:
    """Besiroglu et al. 2024: tokens and parameters scale about equally, a = beta / (alpha + beta) = .5126."""
    values = published("chinchilla@epoch")[1].values
    assert values["beta"] / (values["alpha"] + values["beta"]) == pytest.approx(0.5126, abs=1e-4)


def test_hoffmann_rounded_and_unrounded_differ_as_rounding_says() -> None:
    """Exponents rounded to two digits raise the loss of Chinchilla itself by less than one percent."""
    point = {"params": 70e9, "tokens": 1.4e12}
    rounded, exact = value("chinchilla@hoffmann", **point), value("chinchilla@hoffmann-unrounded", **point)
    assert rounded == pytest.approx(1.69 + 406.4 / 70e9**0.34 + 410.7 / 1.4e12**0.28, rel=1e-14)
    assert rounded / exact == pytest.approx(1.0, abs=0.01)


def test_kaplan_limits_are_its_power_laws() -> None:
    """Equation 1.5 becomes (Nc/N)**alpha_N without a data limit and (Dc/D)**alpha_D without a size limit."""
    assert value("kaplan@kaplan2020", params=1e9, tokens=1e30) == pytest.approx((6.4e13 / 1e9) ** 0.076, rel=1e-9)
    assert value("kaplan@kaplan2020", params=1e30, tokens=1e9) == pytest.approx((1.8e13 / 1e9) ** 0.103, rel=1e-4)


@pytest.mark.parametrize(
    ("constants", "params", "streams", "loss"),
    [
        ("parscale@stack", 535813376, 1, 1.1722),
        ("parscale@stack", 4414502408, 8, 0.9794),
        ("parscale@pile", 535813376, 1, 2.1113),
        ("parscale@pile", 4414502408, 8, 1.7772),
    ],
)
def test_parscale_gives_the_ends_of_its_table(constants: str, params: float, streams: float, loss: float) -> None:
    assert value(constants, params=params, streams=streams) == pytest.approx(loss, rel=0.008)


@pytest.mark.parametrize(("constants", "multiple"), [("parscale@stack", 1.818), ("parscale@pile", 1.695)])
def test_parscale_streams_are_worth_parameters(constants: str, multiple: float) -> None:
    eight = value(constants, params=1e9, streams=8)
    assert value(constants, params=multiple * 1e9, streams=1) == pytest.approx(eight, rel=1e-4)


@pytest.mark.published
@pytest.mark.parametrize(("key", "dataset", "r2"), [("stack", "stack", 0.9978), ("pile", "pile", 0.9987)])
def test_parscale_r2_on_its_table(key: str, dataset: str, r2: float) -> None:
    rows = [row for row in table("parscale") if dataset in row["dataset"]]
    law, constants = published(f"parscale@{key}")
    loss = column(rows, "loss")
    x = {"params": column(rows, "params_non_embedding"), "streams": column(rows, "streams")}
    residuals = loss - law.evaluate(constants.values, x)
    assert len(rows) == 24
    assert 1 - (residuals**2).sum() / ((loss - loss.mean()) ** 2).sum() == pytest.approx(r2, abs=5e-5)


def test_overtraining_values() -> None:
    """Gadre et al. 2024, RedPajama: what the authors' code gives for open_lm_1b at 32 times and open_lm_7b at once."""
    _, constants = published("overtraining@gadre-redpajama")
    e, a, b, eta = (constants.values[name] for name in ("E", "a", "b", "eta"))
    params, tokens = 1.4e9, 640 * 1.4e9
    compute, ratio = 6 * params * tokens, tokens / params
    equation_4 = e + (a * ratio**eta + b * ratio**-eta) * compute**-eta
    assert value("overtraining@gadre-redpajama", params=params, tokens=tokens) == pytest.approx(equation_4, rel=1e-13)
    assert (b / a) ** (1 / (2 * eta)) == pytest.approx(7.4, abs=0.1)


@pytest.mark.published
@pytest.mark.parametrize(
    ("key", "train", "model", "multiplier", "percent"),
    [
        ("gadre-redpajama", "rpj", "open_lm_1b", 32.0, 0.7103),
        ("gadre-redpajama", "rpj", "open_lm_7b", 1.0, 0.7320),
        ("gadre-c4", "c4_original", "open_lm_7b", 1.0, 4.2952),
        ("gadre-refinedweb", "rw_original", "open_lm_7b", 1.0, 1.6193),
    ],
)
def test_overtraining_errors_on_the_large_runs(
    key: str, train: str, model: str, multiplier: float, percent: float
) -> None:
    row = next(
        row
        for row in table("gadre_overtraining")
        if (row["train_dataset"], row["model"], float(row["chinchilla_multiplier"])) == (train, model, multiplier)
    )
    predicted = value(f"overtraining@{key}", params=float(row["params"]), tokens=float(row["tokens"]))
    measured = float(row["loss_c4_val"])
    assert abs(predicted - measured) / measured * 100 == pytest.approx(percent, abs=5e-5)


@pytest.mark.published
def test_bnsl_on_the_addition_curve() -> None:
    """The authors' script: root mean squared log error .000598 on its 14 points, .010916 on the 3 beyond."""
    rows = table("bnsl_addition")
    law, constants = published("bnsl@addition")
    measured = column(rows, "loss")
    errors = np.log(law.evaluate(constants.values, {"examples": column(rows, "train_examples")})) - np.log(measured)
    assert np.sqrt((errors[:14] ** 2).mean()) == pytest.approx(0.000598, abs=1e-6)
    assert np.sqrt((errors[14:] ** 2).mean()) == pytest.approx(0.010916, abs=1e-6)


def test_bnsl_is_the_printed_equation_and_survives_sharp_breaks() -> None:
    law, constants = published("bnsl@addition")
    a, b, c0, c, d, f = (constants.values[name] for name in law.parameter_names)
    x = np.geomspace(50, 5000, 40)
    printed = a + b * x**-c0 * (1 + (x / d) ** (1 / f)) ** (-c * f)
    np.testing.assert_allclose(law.evaluate(constants.values, {"examples": x}), printed, rtol=1e-12)
    sharp = law.evaluate({**constants.values, "f_1": 1e-3}, {"examples": 1e6})
    np.testing.assert_allclose(sharp, a + b * 1e6**-c0 * (1e6 / d) ** -c, rtol=1e-12)


def test_every_key_is_found_and_others_are_named() -> None:
    for law in list_laws():
        for key, constants in law.published.items():
            found, same = published(f"{law.name}@{key}")
            assert (found, same) == (law, constants)
    with pytest.raises(Refused, match="chinchilla@epoch"):
        published("chinchilla@nobody")
    with pytest.raises(Refused, match="LAW@KEY"):
        published("chinchilla")
