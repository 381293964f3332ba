"""Importing the package costs nothing, and its public names are there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import allometry

HEAVY = ("numpy", "scipy", "polars", "plotly", "typer", "rich", "jinja2", "torch", "pandas")


def test_import_loads_no_third_party_library() -> None:
    code = f"import sys, allometry; print([m for m in {HEAVY!r} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", allometry.__all__)
def test_public_names_resolve(name: str) -> None:
    assert getattr(allometry, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = allometry.nonsense  # type: ignore[attr-defined]


def loaded(code: str) -> set[str]:
    """Rooms and libraries that a fresh interpreter has loaded after this."""
    code = (
        f"import sys, io; out, sys.stdout = sys.stdout, io.StringIO(); {code}; print(' '.join(sys.modules), file=out)"
    )
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_costs_wait_for_no_fit() -> None:
    assert not {"scipy", "polars", "allometry.fits"} & loaded("import allometry.costs")
    words = "cost request --shape qwen3-8b --prompt 8 --generated 8 --hardware h200"
    code = f"""
from allometry.cli import main
try: main({words.split()!r})
except SystemExit as ended: assert not ended.code
"""
    assert not {"scipy", "polars", "allometry.fits", "allometry.cli.plans"} & loaded(f"exec({code!r})")
