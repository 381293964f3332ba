"""Files that the trackers' own libraries write; without the importers extra these tests are not there to be collected."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore_glob = [] if find_spec("wandb") and find_spec("inspect_ai") else ["test_*.py"]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Run a script of this folder with one word and a new folder, once; gives the folder."""
    made: dict[tuple[str, str], Path] = {}

    def write(script: str, word: str) -> Path:
        if (script, word) not in made:
            folder = tmp_path_factory.mktemp(word)
            command = [sys.executable, "-P", str(Path(__file__).with_name(script)), word, str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
            assert done.returncode == 0, done.stderr[-2000:]
            made[script, word] = folder
        return made[script, word]

    return write
