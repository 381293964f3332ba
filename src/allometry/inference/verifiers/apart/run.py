"""Running a program apart and taking in what it says, up to its limits.

What this protects from: mistakes and accidents of code that a model wrote. It cannot reach the network, outlive its
time, fill memory or the terminal, see our environment, or go on behind our back. It is no wall against somebody who
attacks: it can read what files you can read, and write where you can write; a fault of the system's kernel is open to
it. Against that, run the whole in a container or a virtual machine that holds nothing of worth.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from allometry.inference.verifiers.apart import launcher
from allometry.inference.verifiers.apart.limits import Limits
from allometry.notices import Refused

# How often time and processes are looked at, in seconds.
TICK = 0.05
CHUNK = 65_536
USUAL = Limits()
PROTECTION = (
    "Programs run in a process of their own without network, with limits on time, memory, files, processes and output, "
    "and without your environment. That protects from accidents, not from somebody who attacks: they can read what you "
    "can read and write where you can write. Where that matters, run this in a container that holds nothing of worth."
)
"""What running programs apart does and does not do, for whoever is asked to allow it."""
# Our own processes between us and the program.
BETWEEN = 2


class Ended(NamedTuple):
    """How a program ended: its status (128 and a signal's number where one ended it), what it wrote, and which limit
    it was ended for ("time", "processes", "output"; "" where none)."""

    status: int
    output: str
    errors: str
    over: str = ""

    @property
    def limited(self) -> bool:
        """Whether a limit ended it, one of ours or one of the system's for CPU time, memory or files."""
        return bool(self.over) or self.status > 128


@cache
def check_apart() -> None:
    """Refuse a machine on which no program can be run apart, before anything is spent.

    Errors: `Refused` outside Linux, and where the system allows no user namespaces.
    """
    mend = "run it on Linux, in a container that allows user namespaces"
    if sys.platform != "linux":
        raise Refused("not-apart", "programs can be run apart from this one on Linux only", "--allow-code", mend)
    run_apart([sys.executable, "-I", "-S", "-c", ""])


def run_apart(
    program: Sequence[str], *, given: str = "", files: Mapping[str, str] | None = None, limits: Limits = USUAL
) -> Ended:
    """Run a program with `given` on its standard input, in an empty folder that holds only `files` and goes with it.

    It has no network, an environment of PATH, HOME, LANG and OMP_NUM_THREADS=1, and the limits; it and whatever it
    began are ended by then. The time that it takes depends on what else the machine does.
    Errors: `Refused` where the system cannot run it apart.
    """
    with tempfile.TemporaryDirectory(prefix="allometry-", ignore_cleanup_errors=True) as folder:
        for name, text in (files or {}).items():
            Path(folder, name).write_text(text, encoding="utf-8", errors="replace")
        ended = _watch(_begin(program, folder, limits), given.encode("utf-8", "replace"), limits)
    if ended.status == launcher.NOT_APART and not ended.output:
        raise Refused("not-apart", f"no program can be run apart from this one: {ended.errors}", "--allow-code",
                      "allow user namespaces on this machine, or in its container")  # fmt: skip
    return ended


def _begin(program: Sequence[str], folder: str, limits: Limits) -> subprocess.Popen[bytes]:
    own = [sys.executable, "-I", "-S", launcher.__file__]
    numbers = [f"{n}" for n in (limits.seconds, limits.memory, limits.file, limits.processes)]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": folder,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*own, *numbers, *program], cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=pipe,
        start_new_session=True,
    )  # fmt: skip


def _watch(process: subprocess.Popen[bytes], given: bytes, limits: Limits) -> Ended:
    """Feed and read it until it closes its streams or goes over a limit; then all of it is ended."""
    streams = _Streams(process, given, limits.output)
    deadline, usual, over = time.monotonic() + limits.seconds, _threads(), ""
    try:
        while streams.open and not over:
            streams.turn(TICK)
            if streams.full:
                over = "output"
            elif time.monotonic() > deadline:
                over = "time"
            elif _threads() > usual + limits.processes and _descendants(process.pid) > limits.processes + BETWEEN:
                over = "processes"
        while not over and process.poll() is None:  # it closed its streams and goes on
            time.sleep(TICK)
            over = "time" if time.monotonic() > deadline else ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
        streams.close()
    output, errors = streams.texts
    return Ended(status if status >= 0 else 128 - status, output, errors, over)


class _Streams:
    """What goes in and what comes out of a process, never waiting for any one of them."""

    def __init__(self, process: subprocess.Popen[bytes], given: bytes, most: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._in, self._outs = process.stdin, (process.stdout, process.stderr)
        self._given, self._most = memoryview(given), most
        self._kept: dict[IO[bytes], bytearray] = {stream: bytearray() for stream in self._outs}
        self._selector = selectors.DefaultSelector()
        for stream in (self._in, *self._outs):
            os.set_blocking(stream.fileno(), False)
        for stream in self._outs:
            self._selector.register(stream, selectors.EVENT_READ)
        self._selector.register(self._in, selectors.EVENT_WRITE)
        self._write()

    @property
    def open(self) -> bool:
        """Whether more may come out."""
        held = self._selector.get_map() or {}
        return any(key.fileobj is not self._in for key in held.values())

    @property
    def full(self) -> bool:
        return any(len(kept) > self._most for kept in self._kept.values())

    @property
    def texts(self) -> tuple[str, str]:
        """What came, up to the limit."""
        first, second = (bytes(kept[: self._most]).decode("utf-8", "replace") for kept in self._kept.values())
        return first, second

    def turn(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._in:
                self._write()
            else:
                self._read(next(stream for stream in self._outs if stream is key.fileobj))

    def _read(self, stream: IO[bytes]) -> None:
        came = os.read(stream.fileno(), CHUNK)
        self._kept[stream] += came
        if not came:
            self._selector.unregister(stream)

    def _write(self) -> None:
        try:
            while self._given:
                self._given = self._given[os.write(self._in.fileno(), self._given) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to know
            pass
        self._selector.unregister(self._in)
        self._in.close()

    def close(self) -> None:
        self._selector.close()
        for stream in (self._in, *self._outs):
            stream.close()


def _threads() -> int:
    """All threads of the machine: one cheap number, that only has to be looked into when it grows."""
    return int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].partition("/")[2])


def _descendants(process: int) -> int:
    """How many processes a process and its children began. The system's own limit does not hold for root."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            parents.setdefault(_parent(int(name)), []).append(int(name))
    found, left = 0, [process]
    while left:
        children = parents.get(left.pop(), [])
        found += len(children)
        left += children
    return found


def _parent(process: int) -> int:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended meanwhile
        return 0
    return int(stat.rpartition(")")[2].split()[1])
