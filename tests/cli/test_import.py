"""`allometry import` as a new user runs it, and the fit that follows."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from allometry.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Twelve runs of a known law, one a file, logged every 100 steps."""
    folder = tmp_path / "logs"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(12):
        params, steps = 10 ** generator.uniform(7, 9.5), int(generator.integers(3, 40)) * 100
        rows = []
        for step in range(100, steps + 1, 100):
            loss = (1.8 + 480 / params**0.35 + 2100 / (step * 524288) ** 0.37) * np.exp(generator.normal(0, 0.002))
            rows.append(f"{step},{params:.17g},{loss:.17g}")
        (folder / f"run{number}.csv").write_text("step,n_params,eval/loss\n" + "\n".join(rows) + "\n")
    return folder


def test_import_and_then_fit(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs.parquet"
    words = ("import", f"csv:{logs}", "--out", out, "--metric", "loss=eval/loss", "--map", "params=n_params",
             "--batch-tokens", 524288, "--jobs", 1)  # fmt: skip
    status, printed, _ = run(capsys, *words)
    assert status == 0
    assert "12 runs (12 not said)" in printed
    assert f"--map-file {tmp_path}/runs.map.toml" in printed
    status, printed, _ = run(capsys, *words, "--json")
    told = json.loads(printed)
    jsonschema.validate(told, json.loads(files("allometry.cli").joinpath("schemas/import.json").read_text()))
    assert told["runs"] == 12
    assert told["mapping"] == {"loss": "eval/loss", "params": "config.n_params", "tokens": "tokens"}
    assert (told["read"], told["kept"], told["complete"]) == (0, 12, True)
    fit = ("fit", out, "--map-file", tmp_path / "runs.map.toml", "--law", "chinchilla", "--bootstrap", 30, "--json")
    status, printed, _ = run(capsys, *fit)
    assert status == 0
    assert json.loads(printed)["n_runs"] == 12
    assert json.loads(printed)["parameters"]["E"]["value"] == pytest.approx(1.8, abs=0.15)


def test_what_could_not_be_read_is_told(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (logs / "run3.csv").write_text("")
    words = ("import", logs, "--out", tmp_path / "runs.csv", "--metric", "eval/loss", "--jobs", 1)
    status, printed, _ = run(capsys, *words)
    assert status == 0
    assert "left out run3.csv: " in printed
    assert json.loads(run(capsys, *words, "--json")[1])["complete"] is False


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent",), "no such file"),
        (("LOGS", "--metric", "loss=eval_loss"), "there are `eval/loss`"),
        (("LOGS", "--metric", "loss="), "is not name=value"),
        (("LOGS", "--map", "params"), "is not name=value"),
        (("LOGS", "--batch-tokens", "0"), "not above 0"),
        (("LOGS", "--jobs", "0"), "--jobs"),
        (("LOGS", "--settings", "absent.csv"), "no such file"),
        (("wandb:just-a-name",), "ENTITY/PROJECT"),
        (("mlflow:sqlite:///absent.db#x",), "no such database"),
    ],
)  # fmt: skip
def test_bad_questions_end_in_one_sentence(
    logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    source, *more = (str(logs) if word == "LOGS" else word for word in words)
    status, printed, err = run(capsys, "import", source, "--out", tmp_path / "runs.parquet", *more)
    assert (status, printed) == (2, "")
    assert err.startswith("allometry: ")
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "runs.parquet").exists()
