"""The page on endpoints: its example runs as it stands, against a server at another address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.servers
PAGE = (Path(__file__).parents[2] / "docs" / "endpoints.md").read_text(encoding="utf-8")


def test_the_example_runs(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert "http://localhost:8000/v1" in code
    held: dict[str, Any] = {}
    exec(code.replace("http://localhost:8000/v1", serve().url), held)
    held["engine"].close()
    assert len(capsys.readouterr().out.splitlines()) == 6
