"""The page on importing: its commands, run as it shows them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from allometry.cli.main import main
from allometry.runs.sources import SOURCES

PAGE = (Path(__file__).parents[1] / "docs" / "importing.md").read_text(encoding="utf-8")


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    out = json.loads(capsys.readouterr().out)
    assert not ended.value.code, out
    return out


def test_the_first_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs").mkdir()
    generator = np.random.default_rng(0)
    for number in range(9):
        params, steps = 10 ** generator.uniform(7, 9), 100 * (1 + number % 4)
        loss = (1.8 + 480 / params**0.35 + 2100 / (steps * 524288) ** 0.37) * np.exp(generator.normal(0, 0.002))
        rows = f"step,n_params,eval_loss\n{steps // 2},{params:.9g},9\n{steps},{params:.9g},{loss:.9g}\n"
        (tmp_path / "logs" / f"run{number}.csv").write_text(rows)
    commands = re.search(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert commands is not None
    brought, table, fit = (told(shlex.split(line)[1:], capsys) for line in commands[1].splitlines())
    assert brought["runs"] == 9
    assert table["axes"]["tokens"]["high"] == 400 * 524288
    assert fit["n_runs"] == 9


def test_the_page_names_every_source_and_its_extra() -> None:
    for source in SOURCES:
        rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{source.prefix}:")]
        assert rows
        for row in rows:
            assert (f"`allometry[{source.extra}]`" in row) == bool(source.extra)
