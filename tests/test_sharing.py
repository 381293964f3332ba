"""The page on handing fits on: every command is run, and what it prints is what the page shows.

Run as a program it writes what the commands print into the page.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from allometry.cli.main import main

PAGE = Path(__file__).parents[1] / "docs" / "sharing.md"
_BLOCK = re.compile(r"^```(python|sh|text)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def printed() -> list[tuple[str, str]]:
    """Each text that the page shows, and what the commands before it print; in the present folder."""
    os.environ["COLUMNS"] = "110"
    pairs, told = [], ""
    for kind, body in _BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "python":
            exec(compile(body, str(PAGE), "exec"), {})
        elif kind == "sh":
            told = "".join(map(_run, body.splitlines()))
        else:
            pairs.append((body, _DATE.sub("2026-07-01", told)))
    return pairs


def _run(command: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out), pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert not ended.value.code, command
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    return tmp_path


def test_the_page_shows_what_its_commands_print(folder: Path) -> None:
    pairs = printed()
    assert len(pairs) == 4
    for shown, told in pairs:
        assert _words(shown) == _words(told)
        assert _numbers(shown) == pytest.approx(_numbers(told), rel=0.01, abs=0.005)
    assert (folder / "june.html").stat().st_size > 1_000_000
    for name in ("for-bob.json", "for-bob.json.ledger.jsonl", "for-press.json"):
        text = (folder / name).read_text()
        assert "-s0" not in text
        assert "june" not in text
    assert (folder / "june.json.ledger.jsonl").read_text().count('"kind": "check"') == 2


def _words(text: str) -> list[str]:
    return _NUMBER.sub("#", text).split()


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def write() -> None:
    """Put what the commands print into the page."""
    told = iter([told for _, told in printed()])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(
        re.sub(r"^```text\n.*?^```", lambda _: f"```text\n{next(told)}```", text, flags=re.MULTILINE | re.DOTALL),
        encoding="utf-8",
    )


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    write()
