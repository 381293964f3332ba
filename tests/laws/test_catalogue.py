"""Finding laws: names, files, folders of one's own, formulas."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from allometry.laws import find_law, list_laws
from allometry.notices import Refused

MINE = """
formula = "floor + A * samples**-b"
axes = ["samples"]
metric = "error"

[parameters.floor]
high = 1.0

[parameters.A]

[parameters.b]
start = [0.1, 1.0]
"""


def write(folder: Path, name: str = "mine", text: str = MINE) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_the_shipped_laws() -> None:
    assert {law.name for law in list_laws()} >= {
        "bnsl", "chinchilla", "data_constrained", "kaplan", "overtraining", "parscale", "power",
    }  # fmt: skip


def test_a_law_is_read_once() -> None:
    assert find_law("chinchilla") is find_law(" chinchilla ")
    assert find_law("chinchilla").compiled() is find_law("chinchilla").compiled("log")


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert find_law(str(path)).parameter_names == ("floor", "A", "b")
    write(tmp_path, text=MINE.replace("floor", "E"))
    os.utime(path, ns=(1, 1))
    assert find_law(str(path)).parameter_names == ("E", "A", "b")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    law = find_law(str(write(tmp_path)))
    assert (law.name, law.metric, law.metric_unit, law.min_runs) == ("mine", "error", "share", 4)
    assert [parameter.bounds for parameter in law.parameters] == [(0.0, 1.0), (0.0, None), (0.0, None)]
    np.testing.assert_allclose(law.evaluate([0.1, 1.0, 1.0], {"samples": [1, 10]}), [1.1, 0.2])


def test_folders_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nested = tmp_path / "second" / "sampling"
    nested.mkdir(parents=True)
    write(tmp_path, "first")
    write(nested, "deeper")
    monkeypatch.setenv("ALLOMETRY_LAWS", os.pathsep.join([str(tmp_path), str(tmp_path / "second")]))
    assert find_law("first").name == "first"
    assert find_law("deeper").subject == "sampling"
    assert {"first", "deeper", "chinchilla"} <= {law.name for law in list_laws()}


def test_no_law_hides_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "chinchilla")
    monkeypatch.setenv("ALLOMETRY_LAWS", str(tmp_path))
    with pytest.raises(Refused, match="two laws are called 'chinchilla'"):
        find_law("power")


def test_a_missing_folder_or_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match=r"nowhere\.toml"):
        find_law(str(tmp_path / "nowhere.toml"))
    monkeypatch.setenv("ALLOMETRY_LAWS", str(tmp_path / "nowhere"))
    with pytest.raises(Refused, match="ALLOMETRY_LAWS"):
        find_law("chinchilla")


def test_an_unknown_name_gets_three_near_ones() -> None:
    with pytest.raises(Refused) as refusal:
        find_law("chinchila")
    assert refusal.value.code == "unknown-law"
    assert refusal.value.mend.startswith("the nearest are chinchilla, ")
    assert refusal.value.mend.count(",") == 2


def test_published_constants_are_not_a_law() -> None:
    with pytest.raises(Refused, match="give 'chinchilla'"):
        find_law("chinchilla@epoch")


def test_a_formula_finds_its_axes_and_parameters() -> None:
    law = find_law("E + A * tokens**-b * depth**-c")
    assert (law.axes, law.parameter_names, law.metric, law.min_runs) == (
        ("tokens", "depth"),
        ("E", "A", "b", "c"),
        "loss",
        5,
    )
    assert {parameter.bounds for parameter in law.parameters} == {(0.0, None)}


def test_a_formula_over_a_metric_and_over_a_column() -> None:
    """A downstream law takes the loss as its axis; a column of the table may be one by request."""
    assert find_law("e - k * exp(-g * loss)", metric="error").axes == ("loss",)
    law = find_law("E + A * heads**-b", axes=("heads",))
    assert law.axes == ("heads",)
    assert law.axis("heads").positive


def test_a_formula_with_bounds_of_its_own() -> None:
    law = find_law("E + A * tokens**b", bounds={"b": (None, None), "E": (0.0, 2.0)})
    assert {parameter.name: parameter.bounds for parameter in law.parameters} == {
        "E": (0.0, 2.0), "A": (0.0, None), "b": (None, None),
    }  # fmt: skip
    assert law.evaluate([1.0, 1.0, -1.0], {"tokens": 2.0}) == 1.5
    with pytest.raises(Refused, match="'q' is not a parameter"):
        find_law("E + A * tokens**b", bounds={"q": (0.0, 1.0)})


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("E + A * tokns**-b", "no-axis"),
        ("2 * tokens", "too-many-parameters"),
        (" + ".join(f"a{i} * tokens" for i in range(31)), "too-many-parameters"),
        ("E +", "bad-text"),
        ("E + __import__('os').system('true') * tokens", "bad-text"),
    ],
)
def test_formulas_that_are_no_law(text: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        find_law(text)
    assert refusal.value.code == code


def test_a_misspelt_axis_gets_near_ones() -> None:
    with pytest.raises(Refused, match="tokens"):
        find_law("E + A * tokns**-b")


def test_families_have_the_size_that_is_asked_for() -> None:
    law = find_law("bnsl:2")
    assert law.parameter_names == ("a", "b", "c0", "c_1", "c_2", "d_1", "d_2", "f_1", "f_2")
    assert (law.sizes, law.min_runs, law.published) == ({"breaks": 2}, 10, {})
    assert [parameter.symbol for parameter in law.parameters[-2:]] == ["f_{1}", "f_{2}"]
    assert find_law("bnsl:1").published.keys() == {"addition"}


@pytest.mark.parametrize(
    ("text", "code"), [("bnsl:0", "bad-size"), ("bnsl:60", "bad-size"), ("power:2", "unknown-family")]
)
def test_sizes_that_cannot_be(text: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        find_law(text)
    assert refusal.value.code == code
