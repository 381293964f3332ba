"""What is kept of a pool, and scores that survive a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.data.pools import open_pool
from allometry.data.pruning import ScoreSettings, crossing, prune, read_scores, score, score_to_file, scoring
from allometry.notices import Refused


@given(
    scores=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    keep=st.floats(0.01, 1),
    side=st.sampled_from(["hardest", "easiest"]),
    balance=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_as_many_are_kept_as_asked_and_every_class_has_its_floor(
    scores: list[int], keep: float, side: str, balance: float, seed: int
) -> None:
    labels = np.random.default_rng(seed).integers(0, 3, len(scores))
    found = prune(scores, keep, side, labels=labels, balance=balance)  # type: ignore[arg-type]
    count = max(1, round(keep * len(scores)))
    assert len(found.rows) == len(set(found.rows.tolist())) == count
    assert sorted(found.rows.tolist()) == found.rows.tolist()
    told = found.steps[-1].says
    less = [kept < whole * balance * count / len(scores) - 1e-9 for kept, whole in found.classes.values()]
    assert sum(less) == 0 or " but for " in told
    for kept, whole in found.classes.values():
        assert kept >= np.floor(whole * balance * count / len(scores) - 1e-9)


def test_a_class_of_few_keeps_its_floor_in_whole_examples() -> None:
    labels = ["common"] * 97 + ["rare"] * 3
    found = prune(np.arange(100.0)[::-1], 0.5, "hardest", labels=labels)
    assert found.classes["rare"] == (1, 3)
    assert "each class keeps at least 50% of its share: 1 of 50" in found.steps[-1].says


def test_floors_that_do_not_go_round_are_said() -> None:
    found = prune(np.arange(8.0), 0.25, "hardest", labels=list("abcdefgh"))
    assert len(found.rows) == 2
    assert "but for 6, less by a part of an example, as 2 do not go round" in found.steps[-1].says


@given(scores=st.lists(st.integers(0, 3), min_size=1, max_size=40), keep=st.floats(0.01, 1))
def test_hardest_are_the_highest_and_ties_go_by_row(scores: list[int], keep: float) -> None:
    found = prune(scores, keep, "hardest")
    expected = sorted(range(len(scores)), key=lambda row: (-scores[row], row))[: len(found.rows)]
    assert found.rows.tolist() == sorted(expected)


def test_a_rare_class_is_not_pruned_away() -> None:
    labels = ["common"] * 90 + ["rare"] * 10
    scores = np.r_[np.linspace(1, 2, 90), np.linspace(0, 0.5, 10)]
    assert prune(scores, 0.5, "hardest", labels=labels, balance=0).classes["rare"] == (0, 10)
    found = prune(scores, 0.5, "hardest", labels=labels)
    assert found.classes == {"common": (47, 90), "rare": (3, 10)}
    assert "3 of 50" in found.steps[-1].says


def test_the_side_follows_from_examples_per_parameter() -> None:
    at, scores = crossing(0.5), np.arange(1000.0)
    assert prune(scores, 0.5, parameters=1000 / (0.8 * at)).side == "easiest"
    hard = prune(scores, 0.5, parameters=1000 / (1.25 * at))
    assert hard.side == "hardest"
    assert (hard.steps[0].mark, "assumed" in hard.steps[0].says) == ("assumed", True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (([1.0, 2.0], 0.0, "hardest"), "bad-fraction"), (([1.0, 2.0], 1.1, "hardest"), "bad-fraction"),
        (([1.0, np.nan], 0.5, "hardest"), "not-finite"), (([], 0.5, "hardest"), "bad-scores"),
        (([1.0, 2.0], 0.5, "auto"), "no-parameters"),
    ],
)  # fmt: skip
def test_what_cannot_be_pruned_is_refused(arguments: tuple[object, ...], code: str) -> None:
    with pytest.raises(Refused) as found:
        prune(*arguments)  # type: ignore[arg-type]
    assert found.value.code == code


def test_labels_that_are_lists_are_refused() -> None:
    with pytest.raises(Refused, match="lists"):
        prune([0.1, 0.2], 0.5, "hardest", labels=[["a"], ["b"]])


class Killed(Exception):
    pass


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".npy"])
def test_a_killed_pass_goes_on_to_the_same_scores(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "PART", 200)
    monkeypatch.setattr("allometry.data.pools.pool.Pool.batches.__defaults__", (100, 0))
    vectors = np.random.default_rng(0).standard_normal((1000, 4))
    np.save(tmp_path / "pool.npy", vectors)
    pool, out, asked = open_pool(tmp_path / "pool.npy"), tmp_path / f"scores{suffix}", ScoreSettings(clusters=4)
    done: list[int] = []

    def kill(rows: int) -> None:
        done.append(rows)
        if sum(done) >= 600:
            raise Killed

    with pytest.raises(Killed):
        score_to_file(pool, "prototype", out, asked, kill)
    assert not out.exists()
    found = score_to_file(pool, "prototype", out, asked)
    assert found.resumed == 400
    assert [path.name for path in tmp_path.iterdir() if path != tmp_path / "pool.npy"] == [out.name]
    np.testing.assert_allclose(read_scores(out), score(pool, "prototype", asked), rtol=1e-12)


def test_parts_of_other_settings_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "write_scores", lambda *_: (_ for _ in ()).throw(Killed))
    pool = open_pool({"loss": np.arange(5.0)})
    for _ in range(2):
        with pytest.raises(Killed):
            score_to_file(pool, "random", tmp_path / "s.npy", ScoreSettings(seed=0))
    monkeypatch.undo()
    assert score_to_file(pool, "random", tmp_path / "s.npy", ScoreSettings(seed=1)).resumed == 0
    np.testing.assert_array_equal(read_scores(tmp_path / "s.npy"), score(pool, "random", ScoreSettings(seed=1)))


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.npy.parts").mkdir()
    (tmp_path / "s.npy.parts" / "mine.txt").write_text("keep")
    with pytest.raises(Refused, match="holds other files"):
        score_to_file(open_pool({"loss": [1.0]}), "loss", tmp_path / "s.npy")
    assert (tmp_path / "s.npy.parts" / "mine.txt").read_text() == "keep"


def test_scores_out_of_order_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("row,score\n1,0.5\n0,0.2\n")
    with pytest.raises(Refused, match="in order"):
        read_scores(tmp_path / "s.csv")


def test_scores_that_are_text_are_refused_by_their_row(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("row,score\n0,0.5\n1,high\n")
    with pytest.raises(Refused, match="'high' in row 1"):
        read_scores(tmp_path / "s.csv")
