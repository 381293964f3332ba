"""What is written is read again, after any kind of end; what must not be written is not."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from allometry.inference.records import Records, read_lines
from allometry.inference.records.schema import COLUMNS
from allometry.notices import Refused

SECRET = "sk-planted-1234567890"


def line(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "sample", "key": f"{number:032x}", "group": f"g{number % 3}", "episode": "e", "finish": "stop",
        "content": f"text {number} ü\n\u2028", "generated_tokens": 3, "started": 0.1 * number, "seconds": 0.3, **more,
    }  # fmt: skip


def contents(folder: Path) -> str:
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in folder.iterdir())


def answers(folder: Path) -> dict[str, Any]:
    with Records(folder) as records:
        return {key: lines[-1] for g in ("g0", "g1", "g2") for key, lines in records.answers(g).items()}


def test_lines_come_back_the_same_from_segments_and_from_the_table(tmp_path: Path) -> None:
    written = [line(i, reasoning="why" if i % 2 else None) for i in range(7)]
    expected = [{k: v for k, v in one.items() if v is not None} for one in written]
    records = Records(tmp_path)
    records.append(written)
    records.close(compacted=False)
    assert list(read_lines(tmp_path)) == expected
    assert sorted(answers(tmp_path)) == [one["key"] for one in expected]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["lock", "records.parquet"]
    assert sorted(read_lines(tmp_path), key=lambda one: one["key"]) == expected
    assert answers(tmp_path) == {one["key"]: one for one in expected}


def test_every_cut_of_the_last_line_loses_that_line_only(tmp_path: Path) -> None:
    records = Records(tmp_path / "whole")
    records.append([line(0), line(1)])
    records.close(compacted=False)
    path = next((tmp_path / "whole").glob("live-*"))
    raw = path.read_bytes()
    for cut in range(1, len(raw)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / path.name).write_bytes(raw[:-cut])
        found = list(read_lines(folder))
        assert found == [line(0), line(1)][: len(found)]
        assert len(found) == max(0, raw[:-cut].count(b"\n") - 1)


def test_a_damaged_line_in_the_middle_is_refused_with_its_number(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append([line(0), line(1)])
    records.close(compacted=False)
    path = next(tmp_path.glob("live-*"))
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], lines[1][:20], *lines[2:]]))
    with pytest.raises(Refused, match="line 2 is not JSON"):
        Records(tmp_path)


@pytest.mark.parametrize(
    ("header", "message"),
    [('{"format":"allometry-records","version":99}\n', "version 99"), ('{"some":"json"}\n', "not a record of calls")],
)
def test_files_of_another_kind_or_version_are_refused(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "live-000001.jsonl").write_text(header)
    with pytest.raises(Refused, match=message):
        Records(tmp_path)


def test_a_foreign_parquet_file_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "records.parquet")
    with pytest.raises(Refused, match="not a record of calls"):
        Records(tmp_path)
    (tmp_path / "records.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(Refused, match="not a whole Parquet file"):
        Records(tmp_path)


def test_a_kill_between_compaction_and_clearing_counts_nothing_twice(tmp_path: Path) -> None:
    records = Records(tmp_path / "a")
    records.append([line(i) for i in range(5)])
    records.close(compacted=False)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    Records(tmp_path / "a").close()
    shutil.copy(tmp_path / "a" / "records.parquet", tmp_path / "b")
    Records(tmp_path / "b").close()
    assert len(list(read_lines(tmp_path / "b"))) == 5


def test_one_writer_at_a_time_and_the_lock_goes_with_the_process(tmp_path: Path) -> None:
    code = f"from allometry.inference.records import Records; Records({str(tmp_path)!r})"
    with Records(tmp_path):
        again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "another process writes these records" in again.stderr
    killed = f"{code}; import os; os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", killed], capture_output=True, check=False).returncode == -9
    Records(tmp_path).close()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "records"
    old = os.umask(0)
    try:
        records = Records(folder)
        records.append([line(1)])
        live = [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()]
        records.close()
    finally:
        os.umask(old)
    assert set(live) == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("keep", ["hashes", "meters"])
def test_without_texts_numbers_stay_and_nothing_is_replayed(tmp_path: Path, keep: str) -> None:
    records = Records(tmp_path, keep=keep)
    texts = {name: f"private {name}" for name in ("content", "reasoning", "tool_calls", "tokens", "server")}
    records.append([line(1, **texts), {"kind": "prompt", "key": "p", "content": "private question"}])
    assert records.answers("g1")[f"{1:032x}"][0]["content"] == "private content"
    live = contents(tmp_path)
    records.close()
    assert "private" not in live
    assert "private" not in contents(tmp_path)
    found = next(one for one in read_lines(tmp_path) if one["kind"] == "sample")
    assert (found["generated_tokens"], found["kept"]) == (3, keep)
    assert ("content" in found) == (keep == "hashes")
    assert answers(tmp_path) == {}


def test_a_redacted_answer_is_written_so_and_is_asked_for_again(tmp_path: Path) -> None:
    def hide(one: dict[str, Any]) -> dict[str, Any]:
        return {**one, "content": one["content"].replace("text 1", "[name]")}

    records = Records(tmp_path, redact=hide)
    records.append([line(1), line(2)])
    records.close()
    assert "text 1" not in contents(tmp_path)
    assert sorted(answers(tmp_path)) == [f"{2:032x}"]


def test_a_secret_is_blotted_out_wherever_a_text_holds_it(tmp_path: Path) -> None:
    records = Records(tmp_path, secrets=[SECRET])
    records.append([line(1, content=f"your key is {SECRET}", result=f'{{"reason":"bad {SECRET}"}}')])
    live = contents(tmp_path)
    records.close()
    assert SECRET not in live + contents(tmp_path)
    assert "your key is ***" in next(iter(read_lines(tmp_path)))["content"]


def test_every_column_survives_compaction(tmp_path: Path) -> None:
    values: dict[type, Any] = {str: "x", int: 7, float: 0.1 + 0.2}
    whole = {name: values[kind] for name, kind in COLUMNS.items() if name != "kept"} | {"kind": "sample"}
    with Records(tmp_path) as records:
        records.append([whole])
    assert list(read_lines(tmp_path)) == [whole]


def test_a_full_disk_is_one_sentence_and_nothing_is_written_behind_the_torn_line(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.append([line(1)])
    file = records._file
    assert file is not None

    class Full:
        def write(self, raw: bytes) -> int:
            if len(raw) > 10:
                return file.write(raw[:10])
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            file.close()

    records._file = Full()  # type: ignore[assignment]
    with pytest.raises(Refused, match="No space left"):
        records.append([line(2)])
    records._file = file
    with pytest.raises(Refused, match="cannot be written"):
        records.append([line(3)])
    assert [one["key"] for one in read_lines(tmp_path)] == [f"{1:032x}"]
