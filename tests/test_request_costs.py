"""The commands of the page on what requests cost, as it shows them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from allometry.cli.main import main

PAGE = (Path(__file__).parents[1] / "docs" / "request-costs.md").read_text(encoding="utf-8")
TIMES = "batch,prompt,generated,seconds\n1,256,2,0.03\n1,1024,64,0.6\n8,1024,64,0.9\n32,512,64,1.0\n32,2048,8,2.9\n"


def test_every_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "times.csv").write_text(TIMES)
    commands = [
        line
        for fence in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
        for line in fence.splitlines()
    ]
    assert len(commands) == 4
    for command in commands:
        more = ["--bootstrap", "5"] if "calibrate" in command else []
        with pytest.raises(SystemExit) as ended:
            main([*shlex.split(command)[1:], *more])
        assert not ended.value.code, command
    assert "[measured] factor time" in capsys.readouterr().out
