"""The documented example of a law of one's own: its file and its commands, as the page shows them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from allometry.cli.main import main
from allometry.laws import find_law, laws_on

PAGE = (Path(__file__).parents[1] / "docs" / "own-law.md").read_text(encoding="utf-8")


def fences(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's law and a table that follows it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dropout_law.toml").write_text(fences("toml")[0], encoding="utf-8")
    params, dropout = (axis.ravel() for axis in np.meshgrid(np.geomspace(1e7, 1e9, 6), [0.0, 0.1, 0.3]))
    values = {"E": 1.8, "A": 400.0, "alpha": 0.34, "k": 1.0}
    exact = find_law("dropout_law.toml").evaluate(values, {"params": params, "dropout": dropout})
    loss = exact * np.exp(np.random.default_rng(0).normal(0, 0.002, len(exact)))
    rows = "\n".join(f"{n:.6g},{p:.6g},{y:.8g}" for n, p, y in zip(params, dropout, loss, strict=True))
    (tmp_path / "dropout_runs.csv").write_text(f"params,dropout,loss\n{rows}\n")
    return tmp_path


def test_every_command_of_the_page_takes_the_law(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = fences("sh")[0].splitlines()
    assert len(commands) == 6
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([*shlex.split(command)[1:], "--json"])
        assert ended.value.code == 0
        told = json.loads(capsys.readouterr().out)
        assert "error" not in told
        if "forecast" in command:
            expected = 1.8 + 400 * (1e9 * 0.9) ** -0.34
            assert told["forecasts"][0]["value"] == pytest.approx(expected, rel=0.01)
        if "evaluate" in command:
            assert told["value"] == pytest.approx(1.8 + 400 * (1e9 * 0.9) ** -0.34, rel=1e-12)
    assert (folder / "dropout.html").stat().st_size > 100_000


def test_a_folder_of_laws_joins_the_catalogue(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOMETRY_LAWS", str(folder))
    assert find_law("dropout_law").axes == ("params", "dropout")
    assert [law.name for law in laws_on("dropout")] == ["dropout_law"]
