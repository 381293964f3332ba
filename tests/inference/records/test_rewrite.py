"""What is erased is in no file any more; what is handed on holds no text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import Budget
from allometry.inference.engines import Simulator, World
from allometry.inference.records import Records, export, read_lines, scrub
from allometry.inference.strategies import find_strategy
from allometry.inference.sweeps import sweep
from allometry.inference.tasks import simulated_problems
from allometry.notices import Refused


def swept(folder: Path) -> Any:
    with Records(folder) as records:
        greedy = find_strategy("greedy")()
        return sweep(simulated_problems(12), [greedy], [Budget(64)], Simulator(World(success=1.0)), records=records)


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_what_is_erased_is_gone_and_asked_for_again(tmp_path: Path) -> None:
    swept(tmp_path)
    before = list(read_lines(tmp_path))
    gone = scrub(tmp_path, lambda line: line.get("problem") == "7")
    left = list(read_lines(tmp_path))
    assert gone == len(before) - len(left) == 3  # its sample, its outcome, its prompt
    assert not any("problem 7" in str(line.get("content")) or line.get("problem") == "7" for line in left)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["lock", "records.parquet"]
    again = swept(tmp_path)
    assert (again.paid.calls, len(again)) == (1, 12)


def test_live_segments_are_erased_too(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append([{"kind": "sample", "key": "1", "group": "g", "content": "private words"}])
    records.close(compacted=False)
    assert b"private words" in contents(tmp_path)
    assert scrub(tmp_path, lambda line: True) == 1
    assert b"private words" not in contents(tmp_path)
    assert list(read_lines(tmp_path)) == []


def test_erasing_waits_for_no_sweep(tmp_path: Path) -> None:
    with Records(tmp_path), pytest.raises(Refused, match="another process writes"):
        scrub(tmp_path, lambda line: True)
    with pytest.raises(Refused, match="no such folder"):
        scrub(tmp_path / "nothing", lambda line: True)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("keep", ["hashes", "meters"])
def test_what_is_handed_on_holds_numbers_and_no_text(tmp_path: Path, keep: Any) -> None:
    swept(tmp_path / "own")
    count = export(tmp_path / "own", tmp_path / "other", keep)
    lines = list(read_lines(tmp_path / "other"))
    assert count == len(lines) == 36
    assert b"answer 3" not in contents(tmp_path / "other")
    assert b"simulated problem" not in contents(tmp_path / "other")
    assert sum(line.get("generated_tokens", 0) for line in lines) == 12 * 40
    assert contents(tmp_path / "own").count(b"answer") > 0
    with pytest.raises(Refused, match="not empty"):
        export(tmp_path / "own", tmp_path / "other")
