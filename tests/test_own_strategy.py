"""The documented example of a strategy of one's own: its file and its sweep, as the page shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "own-strategy.md").read_text(encoding="utf-8")


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    mine, use = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(mine, encoding="utf-8")
    exec(compile(use, "the page", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    own = [line for line in lines if line.startswith("two_agree ")]
    assert len(lines) == 6
    accuracies = [float(line.split()[2]) for line in own]
    assert accuracies == sorted(accuracies)
    # it stops when two agree, so a large budget is not used up
    assert float(own[-1].split()[3]) < 256
