"""`allometry data plan` as a user runs it: runs on pools or of pruning in, one schema out, bad input in one sentence."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest

from allometry.cli.main import main
from allometry.laws import find_law

SEEN = np.geomspace(8e5, 1.28e8, 9)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["data", "plan", *(str(word) for word in words)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def told(out: str) -> dict:
    contents = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not strict JSON"))
    jsonschema.validate(contents, json.loads(files("allometry.cli").joinpath("schemas/data_plan.json").read_text()))
    return contents


@pytest.fixture
def pools(tmp_path: Path) -> Path:
    truth = {"a": 0.3, "b_1": -0.3, "b_2": -0.27, "kept_1": 0.7, "kept_2": 0.8, "d": 0.1}
    best = np.repeat([1.0, 0.0], len(SEEN))
    at = {"examples": np.tile(SEEN, 2), "pool_samples": np.full(len(best), 1.28e7)}
    error = find_law("quality_mixture:2").evaluate(truth, {**at, "share_1": best, "share_2": 1 - best})
    noise = np.exp(np.random.default_rng(0).normal(0, 0.003, len(best)))
    frame = pl.DataFrame({"pool": ["best"] * len(SEEN) + ["rest"] * len(SEEN), **at, "error": error * noise})
    frame.write_csv(tmp_path / "pools.csv")
    return tmp_path / "pools.csv"


@pytest.fixture
def pruned(tmp_path: Path) -> Path:
    sizes = np.geomspace(1e3, 1e5, 6)
    error = np.concatenate([0.02 + 5 * sizes**-0.5, 0.02 + 50 * sizes**-0.75])
    noise = np.exp(np.random.default_rng(0).normal(0, 0.003, 12))
    frame = pl.DataFrame(
        {
            "metric": ["random"] * 6 + ["margin"] * 6,
            "kept": [1.0] * 6 + [0.5] * 6,
            "examples": np.tile(sizes, 2),
            "error": error * noise,
        }
    )
    frame.write_csv(tmp_path / "pruned.csv")
    return tmp_path / "pruned.csv"


def test_pools_at_a_compute(pools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "pools.html"
    status, out, _ = run(
        capsys, pools, "--examples", "1M", "--bootstrap", 100, "--fix", "d=0.1", "--figure", page, "--json"
    )
    assert status == 0, out
    contents = told(out)
    assert (contents["kind"], contents["best"], contents["mixture"]["rest"]["value"]) == ("pools", "best", 0.0)
    assert "Which data at which compute" in page.read_text()
    status, out, _ = run(capsys, pools, "--examples", "128M", "--bootstrap", 0)
    assert status == 0
    assert "train on best+rest, 5 passes" in out
    assert "best+rest instead of best from" in out


def test_pruning_at_a_compute(pruned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "pruned.html"
    status, out, _ = run(capsys, pruned, "--examples", "100k", "--bootstrap", 100, "--figure", page, "--json")
    assert status == 0, out
    contents = told(out)
    assert contents["best"] == "margin, half kept"
    assert contents["arms"][1]["crossover"]["crossings"][0]["lower_beyond"] == "first"
    assert page.is_file()
    status, out, _ = run(capsys, pruned, "--examples", "2k", "--bootstrap", 0, "--starts", 32)
    assert "random selection is best at 2000 examples" in out
    assert "margin, half kept: better than random from" in out


def test_without_draws_no_interval_is_spoken_of(pruned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    three = pl.read_csv(pruned)
    other = three.filter(pl.col("metric") == "margin").with_columns(metric=pl.lit("el2n"), error=pl.col("error") * 1.2)
    pl.concat([three, other]).write_csv(pruned)
    _, out, _ = run(capsys, pruned, "--examples", "50k", "--bootstrap", 0, "--starts", 8)
    assert "at once" not in out
    _, out, _ = run(capsys, pruned, "--examples", "50k", "--bootstrap", 200, "--starts", 8)
    assert "each interval of a difference is one that holds for all 2 arms at once" in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pools", "--examples", "many"), "many"),
        (("pools", "--examples", "0"), "0 is no number of examples"),
        (("pools", "--examples", "1M", "--law", "power"), "pools have a law of their own"),
        (("pools", "--examples", "1M", "--where", "pool == 'best'"), "runs on 1 single pools"),
        (("pruned", "--examples", "1M", "--law", "chinchilla"), "is a law over params, tokens"),
        (("pruned", "--examples", "1M", "--fix", "d=0.1"), "constants are fixed for pools only"),
        (("pruned", "--examples", "1M", "--where", "metric != 'random'"), "no row has the metric random"),
        (("pruned", "--examples", "1M", "--figure", "page.pdf"), "a page is not written as .pdf"),
    ],
)
def test_bad_input_is_one_sentence(
    words: tuple[str, ...], says: str, pools: Path, pruned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, {"pools": pools, "pruned": pruned}[words[0]], *words[1:])
    assert (status, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_a_table_of_neither_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.csv").write_text("params,loss\n1e6,3\n2e6,2.9\n")
    assert "neither a column `pool` nor a column `metric`" in run(capsys, tmp_path / "other.csv", "--examples", "1M")[2]
