"""A reader that stops early, such as head, is no error."""

from __future__ import annotations

import subprocess
import sys


def test_a_reader_may_stop_early() -> None:
    command = f"{sys.executable} -c 'from allometry.cli import main; main()' laws | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""
