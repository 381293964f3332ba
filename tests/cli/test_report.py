"""`allometry report` and the fit's own backtest."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main
from allometry.fits import Settings, fit, save_fit
from allometry.laws import find_law
from allometry.runs import read_runs


def run(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["report", *map(str, words)])
    out, err = capsys.readouterr()
    assert not ended.value.code, err
    return out


def told(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(capsys, *words, "--json"))
    jsonschema.validate(found, json.loads(files("allometry.cli").joinpath("schemas/report.json").read_text()))
    return found


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    n, d = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e10, 6), np.geomspace(1e9, 3e11, 6)))
    loss = (1.7 + 400 / n**0.34 + 410 / d**0.28) * np.exp(np.random.default_rng(0).normal(0, 0.003, len(n)))
    found = fit(read_runs({"params": n, "tokens": d, "loss": loss}), "chinchilla", Settings(bootstrap=30))
    return save_fit(found, tmp_path / "fit.json")


def test_a_fit_is_tested_on_its_own_rows(saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    found = told(capsys, saved, "--out", page)["backtest"]
    assert isinstance(found, dict)
    assert all(0 < item["error_mean"] < 0.02 and item["coverage"] is not None for item in found["by_distance"])
    assert 'id="figure-errors"' in page.read_text(encoding="utf-8")


def test_it_may_be_left_out(saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert told(capsys, saved, "--out", page, "--no-backtest")["backtest"] is None
    assert "<h2>Backtest" not in page.read_text(encoding="utf-8")


def test_too_few_rows_are_told_on_the_page_and_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    x = np.geomspace(1e3, 1e6, 6)
    few = fit(read_runs({"examples": x, "loss": 0.5 + 30 * x**-0.4}), find_law("a + b * examples**-c", metric="loss"),
              Settings(bootstrap=0))  # fmt: skip
    save_fit(few, tmp_path / "few.json")
    page = tmp_path / "page.html"
    assert "no backtest: no cut leaves" in run(capsys, tmp_path / "few.json", "--out", page)
    assert "This table allows no backtest: no cut leaves" in page.read_text(encoding="utf-8")


def test_a_law_without_compute_is_cut_along_its_first_axis(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    x = np.geomspace(1e3, 1e6, 20)
    noise = np.exp(np.random.default_rng(0).normal(0, 0.003, len(x)))
    law = find_law("a + b * examples**-c", metric="loss")
    save_fit(fit(read_runs({"examples": x, "loss": (0.5 + 30 * x**-0.4) * noise}), law, Settings(bootstrap=20)),
             tmp_path / "fit.json")  # fmt: skip
    page = tmp_path / "page.html"
    assert told(capsys, tmp_path / "fit.json", "--out", page)["backtest"]
    assert "decades of examples ahead" in page.read_text(encoding="utf-8")


def test_costs_over_a_life_are_priced_by_the_device_that_is_asked(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    told(capsys, saved, "--out", page, "--no-backtest", "--hardware", "h100")
    text = page.read_text(encoding="utf-8")
    assert "training, USD per hour of one h100" in text
    assert "old-price" in text  # the shipped price is of May 2026
    with pytest.raises(SystemExit) as ended:
        main(["report", str(saved), "--out", str(page), "--serve-hardware", "h100"])
    assert ended.value.code == 2


def test_a_device_is_refused_where_nothing_is_priced_by_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    x = np.geomspace(1e3, 1e6, 20)
    law = find_law("a + b * examples**-c", metric="loss")
    save_fit(
        fit(read_runs({"examples": x, "loss": 0.5 + 30 * x**-0.4}), law, Settings(bootstrap=0)), tmp_path / "fit.json"
    )
    with pytest.raises(SystemExit) as ended:
        main(["report", str(tmp_path / "fit.json"), "--out", str(tmp_path / "page.html"), "--hardware", "h100"])
    assert ended.value.code == 2
    assert "costs over a life need size and tokens" in capsys.readouterr().err


def test_published_constants_have_no_rows_to_test(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert told(capsys, "chinchilla@epoch", "--out", page)["backtest"] is None
    assert "<h2>Backtest" not in page.read_text(encoding="utf-8")


def test_figures_are_written_with_the_csv_behind_them(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = told(
        capsys, saved, "--figures", tmp_path / "figures", "--format", "svg", "--flops", "1e21", "--no-backtest"
    )
    assert found["report"] is None
    assert isinstance(found["figures"], list)
    names = {each["name"] for each in found["figures"]}
    assert {"fit", "surface", "residuals", "region", "prices"} <= names
    for each in found["figures"]:
        assert Path(each["figure"]).read_text(encoding="utf-8").startswith("<?xml")
        assert Path(each["data"]).read_text(encoding="utf-8").count("\n") > 2
    assert "figures, each with its CSV" in run(capsys, saved, "--figures", tmp_path / "more", "--no-backtest")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "neither a page nor figures"),
        (("--out", "page.html", "--format", "svg"), "no folder for figures"),
        (("--figures", "figures", "--format", "jpg"), "not written as 'jpg'"),
    ],
)
def test_what_cannot_be_asked_is_refused_first(
    words: tuple[str, ...], said: str, saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["report", str(saved), *words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["fit.json"]


def test_limits_of_the_plan_are_priced_on_the_page(
    saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    run(capsys, saved, "--out", page, "--flops", "1e22", "--at-most", "tokens=5e10", "--no-backtest")
    text = page.read_text(encoding="utf-8")
    assert "What each limit costs" in text
    assert "tokens at most 5e+10" in text


def test_limits_without_a_budget_are_refused(saved: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", str(saved), "--out", str(tmp_path / "page.html"), "--at-most", "tokens=5e10"])
    assert ended.value.code == 2
    assert "no plan was asked for (--flops, --loss)" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
