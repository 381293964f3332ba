"""`allometry reproduce` as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from allometry.cli import main
from allometry.reproduction import table_names


@pytest.fixture(autouse=True)
def no_folder_named(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "published" not in request.fixturenames:
        monkeypatch.delenv("ALLOMETRY_DATA", raising=False)


@pytest.fixture
def run(capsys):
    def call(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["reproduce", *map(str, words)])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


@pytest.fixture
def told(run) -> Callable[..., tuple[int, dict]]:
    def call(*words: object) -> tuple[int, dict]:
        status, out, _ = run(*words, "--json")
        contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
        schema = json.loads(resources.files("allometry.cli").joinpath("schemas", "reproduce.json").read_text())
        jsonschema.validate(contents, schema)
        return status, contents

    return call


@pytest.fixture
def false_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue of one's own with a law whose declared figure is wrong."""
    (tmp_path / "false.toml").write_text(
        'title = "False"\nformula = "A * tokens**-b"\naxes = ["tokens"]\nmetric = "loss"\n[parameters.A]\n[parameters.b]\n'
        '[figures.wrong]\nvalues = { A = 2.0, b = 1.0 }\nat = { tokens = 4.0 }\nvalue = 0.6\nwithin = 0.01\nwhere = "by hand"\n'
    )
    monkeypatch.setenv("ALLOMETRY_LAWS", str(tmp_path))


def test_without_tables_the_figures_run_and_the_rest_is_counted_as_skipped(told) -> None:
    status, contents = told()
    assert status == 0
    assert contents["checks"]
    assert all(check["met"] for check in contents["checks"])
    assert [skipped["name"] for skipped in contents["skipped"]] == list(table_names())
    assert contents["counts"] == {"checks": len(contents["checks"]), "unmet": 0, "skipped": len(table_names())}


def test_a_person_reads_what_was_skipped_and_how_to_make_it(run, tmp_path: Path) -> None:
    (tmp_path / "parscale.csv").write_text("dataset,loss\n")
    status, out, err = run("--data", tmp_path)
    assert (status, err) == (0, "")
    assert "skipped parscale: " in out
    assert "is another table: its sha256 is" in out
    assert "skipped bnsl_addition: bnsl_addition.csv is not in" in out
    assert f"{len(table_names())} tables skipped" in out


def test_a_figure_that_is_not_met_is_shown_and_ends_with_3_where_asked(run, told, false_law: None) -> None:
    status, contents = told("figures")
    wrong = [check for check in contents["checks"] if not check["met"]]
    assert status == 0
    assert [(check["name"], check["ours"], check["published"]) for check in wrong] == [
        ("figures/false/wrong", 0.5, 0.6)
    ]
    assert told("figures", "--fail-if", "unmet")[0] == 3
    status, out, _ = run("--fail-if", "unmet")
    assert status == 3
    assert "false/wrong" in out
    assert "NO" in out


def test_a_table_is_made_and_said_to_be_another(told, run, tmp_path: Path) -> None:
    source = tmp_path / "data" / "1004_fitted_lr_bs_scaling_model_parameters.csv"
    source.parent.mkdir()
    source.write_text("lr_intercept\n1.5\n")
    words = ("steplaw_published_bootstrap_fits", "--from", tmp_path, "--data", tmp_path)
    status, contents = told(*words)
    assert status == 0
    assert contents["made"]["same"] is False
    assert Path(contents["made"]["path"]).read_text() == "lr_intercept\n1.5\n"
    assert [skipped["name"] for skipped in contents["skipped"]] == ["steplaw_published_bootstrap_fits"]
    assert "it is not the published table" in run(*words)[1]


@pytest.mark.parametrize("words", [
    ("parscales", "--data", "HERE"), ("parscale", "--data", "HERE"), ("parscale",), ("--data", "HERE/absent"), ("--fail-if", "bored"),
    ("parscale", "--from", "HERE"), ("--from", "HERE", "--data", "HERE"), ("parscale", "--from", "HERE/absent", "--data", "HERE"),
    ("parscale", "--from", "HERE", "--data", "HERE"), ("figures", "--from", "HERE", "--data", "HERE"),
])  # fmt: skip
def test_bad_words_are_refused(run, tmp_path: Path, words: tuple[str, ...]) -> None:
    status, out, err = run(*(word.replace("HERE", str(tmp_path)) for word in words))
    assert (status, out) == (2, "")
    assert err.startswith("allometry: ")
    assert "Traceback" not in err


def test_one_table_from_the_folder_that_the_environment_names(published, told, run) -> None:
    published("parscale.csv")
    status, contents = told("parscale", "--fail-if", "unmet")
    assert (status, contents["skipped"], list(contents["tables"])) == (0, [], ["parscale"])
    out = run("parscale")[1]
    assert "github.com/QwenLM/ParScale" in out
    assert "14 of 14 figures met" in out
