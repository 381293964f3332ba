"""Pages of pruning against known scores and runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allometry.data.pruning import Curve, prune, pruning_curve, student_error
from allometry.reports.pruning import error_figure, ratio_figure, score_figure, theory_figure, write_pruning_page
from allometry.runs import read_runs

SIZES = (500, 1000, 2000, 4000)


def curves(arms: dict[str, float], seeds: int = 3) -> tuple[Curve, ...]:
    draw, rows = np.random.default_rng(0), {"metric": list[str](), "examples": list[int](), "error": list[float]()}
    for name, share in arms.items():
        for size in SIZES:
            for _ in range(seeds):
                rows["metric"].append(name)
                rows["examples"].append(size)
                rows["error"].append(float(3 * size**-0.4 * share ** np.log(size / 500) * np.exp(draw.normal(0, 0.02))))
    return pruning_curve(read_runs(rows), bootstrap=20)


def test_every_example_is_in_one_bar() -> None:
    scores = np.concatenate([np.random.default_rng(0).exponential(size=5000), [1e6]])
    kept = prune(scores, 0.3, "hardest")
    below, above = score_figure(scores, kept).data
    assert (sum(below.y), sum(below.y) + sum(above.y)) == (len(kept.rows), 5001)
    assert max(below.x) < 20  # one score far out does not leave all others in one bar
    middle = np.array(below.x)
    assert not np.array(above.y)[middle > kept.threshold + 0.2].any()


def test_counts_have_a_bar_each() -> None:
    (bars,) = score_figure(np.repeat([0.0, 1.0, 2.0, 5.0], [5, 4, 3, 2])).data
    assert dict(zip(bars.x, bars.y, strict=True)) == {0.0: 5, 1.0: 4, 2.0: 3, 3.0: 0, 4.0: 0, 5.0: 2}


@pytest.mark.parametrize("scores", [np.full(30, 0.7), np.array([0.1])])
def test_scores_that_do_not_differ_are_drawn(scores: np.ndarray) -> None:
    (bars,) = score_figure(scores).data
    assert sum(bars.y) == len(scores)


def test_the_theory_is_the_one_that_chooses_the_side() -> None:
    kept = prune(np.arange(300.0), 0.5, parameters=100)
    lines = {line.name: dict(zip(line.x, line.y, strict=True)) for line in theory_figure(kept, 100).data}
    assert lines["easiest"][0.5] == student_error(3, 0.5, keep="easiest").error
    assert min(lines, key=lambda name: lines[name][0.5]) == kept.side == "easiest"


def test_what_is_told_apart_is_filled_and_random_is_no_ratio() -> None:
    found = curves({"random": 1.0, "good": 0.8, "alike": 1.0})
    drawn = {line.name: line for line in ratio_figure(found).data}
    assert set(drawn) == {"good", "alike"}
    assert not drawn["good"].marker.symbol[-1].endswith("-open")
    assert all(symbol.endswith("-open") for symbol in drawn["alike"].marker.symbol)
    assert {line.name for line in error_figure(found).data} == {"random", "good", "alike"}


def test_of_many_arms_those_least_like_random_stand_out() -> None:
    found = curves({"random": 1.0, **{f"alike {i}": 1.0 for i in range(9)}, "good": 0.7, "bad": 1.4})
    named = [line.name for line in error_figure(found).data if line.showlegend is not False]
    assert {"random", "good", "bad"} <= set(named)
    assert len(named) == 6
    assert len(error_figure(found).data) == 12


def test_a_page_without_runs_or_theory_is_the_scores_alone(tmp_path: Path) -> None:
    scores = np.arange(100.0)
    kept = prune(scores, 0.5, "hardest")
    page = write_pruning_page(scores, kept, None, (), 0.9, tmp_path / "p.html").read_text()
    assert "What is kept" in page
    assert "What the theory says" not in page
    page = write_pruning_page(
        scores, kept, 10.0, curves({"random": 1.0, "<b>": 0.9}), 0.9, tmp_path / "p.html"
    ).read_text()
    for title in ("What is kept", "What the theory says", "What trained runs did", "Against random"):
        assert f"<h2>{title}</h2>" in page
    assert "<b>" not in page
