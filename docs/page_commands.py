"""The commands in a page and the output it shows for them: run in order, compared, and written anew where they changed.

A fence of kind `sh` is run by bash in a folder of the page's own; the `text` fence right after it is what it must
print. Words must be the same; a number may be off by one in its last digit or by a hundredth, which is what other
versions of the numerical libraries do to it. `python docs/page_commands.py docs/PAGE.md ...` writes the output into pages.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

WIDTH = 110  # of the terminal that the pages show
_LINES = r"(?:(?!```).*\n)*?"  # of one fence: a search that crossed its end would run prose
_FENCES = re.compile(rf"^```sh\n(?P<commands>{_LINES})^```\n+^```text\n(?P<output>{_LINES})^```$", re.MULTILINE)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
_SHIM = '#!/usr/bin/env bash\nexec {python} -c "from allometry.cli import main; main()" "$@"\n'


class Example(NamedTuple):
    """Commands as a page gives them, and the output that it shows."""

    commands: str
    output: str


def examples(page: Path) -> list[Example]:
    """All commands of a page that are shown with their output, in order."""
    found = _FENCES.finditer(page.read_text(encoding="utf-8"))
    return [Example(match["commands"], match["output"]) for match in found]


def run_all(found: list[Example], folder: Path) -> list[str]:
    """What each prints, run in order in `folder`; a command that fails ends it with what it said."""
    shims = folder / ".bin"
    shims.mkdir()
    (shims / "allometry").write_text(_SHIM.format(python=sys.executable), encoding="utf-8")
    (shims / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    for shim in shims.iterdir():
        shim.chmod(0o755)
    said = {
        "PATH": f"{shims}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(WIDTH),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "error",
    }
    return [_run(example.commands, folder, {**os.environ, **said}) for example in found]


def _run(commands: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"status {done.returncode} from\n{commands}{done.stderr}")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def difference(shown: str, found: str) -> str:
    """The first line in which the output is not what the page shows; nothing where it is."""
    ours, theirs = shown.splitlines(), found.splitlines()
    for i in range(max(len(ours), len(theirs))):
        one, other = (lines[i] if i < len(lines) else "(no line)" for lines in (ours, theirs))
        if not _same(one, other):
            return f"line {i + 1}\nshown: {one}\nfound: {other}"
    return ""


def _same(one: str, other: str) -> bool:
    words = [" ".join(_NUMBER.sub("#", line).split()) for line in (one, other)]
    if words[0] != words[1]:
        return False
    return all(_near(a, b) for a, b in zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True))


def _near(one: str, other: str) -> bool:
    a, b = (float(text.replace(",", "")) for text in (one, other))
    return abs(a - b) <= max(0.01 * abs(a), 1.001 * _last_digit(one))


def _last_digit(text: str) -> float:
    """The size of one in the last digit shown; nothing for a whole number, which is a count.

    >>> _last_digit("0.125"), _last_digit("1.5e-06"), _last_digit("70")
    (0.001, 1e-07, 0.0)
    """
    mantissa, _, power = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(f"1e{int(power or 0) - decimals}") if decimals else 0.0


def refresh(page: Path) -> bool:
    """Write the output of a page's commands into it; whether that changed more than last digits."""
    text, found = page.read_text(encoding="utf-8"), examples(page)
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_all(found, Path(folder))
    changed = any(difference(each.output, output) for each, output in zip(found, outputs, strict=True))
    if changed:
        new = iter(outputs)
        text = _FENCES.sub(lambda match: f"```sh\n{match['commands']}```\n\n```text\n{next(new)}```", text)
        page.write_text(text, encoding="utf-8")
    return changed


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stderr.write(f"{name}: {'written anew' if refresh(Path(name)) else 'as it is'}\n")
