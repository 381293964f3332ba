"""Programs that do their worst: each is ended, cut or kept out, and nothing of it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from allometry.inference.verifiers.apart import Ended, Limits, check_apart, run_apart
from allometry.notices import Refused

if sys.platform != "linux":
    pytest.skip("programs are run apart on Linux only", allow_module_level=True)
try:
    check_apart()
except Refused as refused:
    pytest.skip(f"here they cannot be: {refused}", allow_module_level=True)

SHORT = Limits(seconds=3)


def python(code: str, *, given: str = "", limits: Limits = SHORT) -> Ended:
    return run_apart([sys.executable, "-I", "-c", code], given=given, limits=limits)


def test_it_is_fed_and_heard() -> None:
    ended = python("import sys; print(sys.stdin.read()[::-1]); print('e', file=sys.stderr); sys.exit(3)", given="abc")
    assert ended == Ended(3, "cba\n", "e\n")
    assert not ended.limited


def test_much_goes_in_and_out() -> None:
    text = "x" * 900_000
    assert python("import sys; sys.stdout.write(sys.stdin.read())", given=text).output == text
    assert python("print(1)", given=text).output == "1\n"  # it need not read


def test_an_endless_loop_is_ended() -> None:
    ended = python("while True: pass", limits=Limits(seconds=0.5))
    assert ended.over == "time"
    ended = python("import time; time.sleep(99)", limits=Limits(seconds=0.5))
    assert (ended.over, ended.status) == ("time", 128 + 9)


def test_a_fork_bomb_is_ended_and_nothing_of_it_is_left() -> None:
    mark = "allometry-bomb-test"
    bomb = f"import os; '{mark}'\nwhile True:\n try: os.fork()\n except OSError: pass"
    ended = python(bomb, limits=Limits(seconds=5, processes=20))
    assert ended.limited
    assert eventually(lambda: marked(mark) == [])


def test_what_leaves_its_group_does_not_outlive_it() -> None:
    mark = "allometry-daemon-test"
    daemon = f"""import os, time; '{mark}'
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)"""
    assert python(daemon).status == 0
    assert eventually(lambda: marked(mark) == [])


def test_it_ends_when_this_process_is_killed(tmp_path: Path) -> None:
    mark = "allometry-orphan-test"
    inner = f"import time; '{mark}'\ntime.sleep(120)"
    outer = f"""import sys, tempfile; tempfile.tempdir = {str(tmp_path)!r}
from allometry.inference.verifiers.apart import Limits, run_apart
run_apart([sys.executable, "-I", "-c", {inner!r}], limits=Limits(seconds=120))"""
    process = subprocess.Popen([sys.executable, "-c", outer])
    # ours, two launchers, and the program
    assert eventually(lambda: len(marked(mark)) == 4)
    process.kill()
    process.wait()
    assert eventually(lambda: marked(mark) == [])


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes to be within a minute."""
    for _ in range(600):
        if holds():
            return True
        time.sleep(0.1)
    return False


def marked(mark: str) -> list[str]:
    """Processes that have a word on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if mark.encode() in words:
            found.append(f"{path}")
    return found


def test_huge_output_is_cut() -> None:
    ended = python("while True: print('x' * 1000)", limits=Limits(output=5000))
    assert (ended.over, len(ended.output)) == ("output", 5000)


def test_memory_and_files_are_bounded() -> None:
    ended = python("x = bytearray(2 << 30)")
    assert (ended.status, "MemoryError" in ended.errors) == (1, True)
    ended = python("open('f', 'wb').write(b'x' * 10_000_000); print('kept')", limits=Limits(file=1_000_000))
    assert "kept" not in ended.output


def test_no_environment_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted")
    assert eval(python("import os; print(sorted(os.environ))").output) == ["HOME", "LANG", "OMP_NUM_THREADS", "PATH"]
    # nor by way of the system's own files about this process
    ended = python(f"print(open('/proc/{os.getpid()}/environ', 'rb').read())")
    assert (ended.status, "PermissionError" in ended.errors) == (1, True)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "::1"])
def test_there_is_no_network(host: str) -> None:
    ended = python(f"import socket; socket.create_connection(('{host}', 80), 1)")
    assert ended.status == 1
    assert "unreachable" in ended.errors or "cannot assign" in ended.errors.lower()


def test_its_folder_is_empty_and_goes_with_it(tmp_path: Path) -> None:
    ended = run_apart(["ls", "-a"], files={"f.txt": "x"})
    assert ended.output.split() == [".", "..", "f.txt"]
    where = run_apart(["pwd"]).output.strip()
    assert not Path(where).exists()


def test_a_program_that_is_not_there() -> None:
    ended = run_apart(["no-such-program"])
    assert (ended.status, ended.errors) == (127, "no-such-program: No such file or directory")


def test_what_closes_its_streams_is_watched_on() -> None:
    ended = python("import os, time\nfor i in range(3): os.close(i)\ntime.sleep(60)", limits=Limits(seconds=0.5))
    assert ended.over == "time"
