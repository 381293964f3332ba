"""What all tests share: published tables, found through ALLOMETRY_DATA and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# How fast a machine is decides no test.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def published() -> Callable[[str], Path]:
    """The path of a published table by file name; the test is skipped, with the reason, where no folder is named."""

    def find(name: str) -> Path:
        folder = os.environ.get("ALLOMETRY_DATA")
        if not folder:
            pytest.skip("ALLOMETRY_DATA is not set: no published tables to check against")
        path = Path(folder) / name
        if not path.exists():
            pytest.fail(f"{name} is not in the folder that ALLOMETRY_DATA names: a check would go unmade unseen")
        return path

    return find
