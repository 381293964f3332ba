"""Every notebook runs from its first cell to its last, and shows what it promises."""

from __future__ import annotations

import json
from pathlib import Path

import notebook_pages
import pytest

FOLDER = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((FOLDER / "notebooks").glob("*.ipynb"))


@pytest.mark.docs
@pytest.mark.filterwarnings("default")  # those of the libraries that run a notebook
def test_the_training_ladder_runs_and_shows_itself() -> None:
    text = notebook_pages.notebook_page(FOLDER / "notebooks" / "training_ladder.ipynb")
    assert "70 of 280 rows used" in text
    assert "chinchilla forecasts best" in text
    assert text.count('class="plotly-graph-div"') == 4
    assert text.count('<div class="allometry">') == 4
    assert "'surface.pdf'" in text
    assert len(text.encode()) < 1_000_000


@pytest.mark.docs
@pytest.mark.filterwarnings("default")
def test_test_time_compute_runs_and_shows_itself() -> None:
    text = notebook_pages.notebook_page(FOLDER / "notebooks" / "test_time.ipynb")
    assert "Strategies at budgets" in text
    assert text.count('class="plotly-graph-div"') == 1
    assert text.count('<div class="allometry">') == 2
    assert len(text.encode()) < 1_000_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    """They are made when the site is built: what is kept would grow old."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert cells
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
