"""A decoder in a process of its own: one a core keeps all cores busy, which threads of one interpreter do not.

The process is a new interpreter that runs `main`, so scripts need no guard, and it ends when its input does.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from allometry.inference.calls import Request, Response

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class WorkerDecoder:
    """A `Decoder` that has a process decode: the model of a file, so many rows at a time.

    Use it through `read_character_model(workers=...)`. It starts at once and is waited for at its first use.
    Errors: those of the decoder; `RuntimeError` where the process died.
    """

    def __init__(self, path: str | Path, rows: int) -> None:
        self.rows = rows
        environment = {
            **os.environ,
            **dict.fromkeys(_THREADS, "1"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        command = [sys.executable, "-c", f"from {__name__} import main; main()", str(path), str(rows)]
        self._used, self._turn = False, threading.Lock()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def admit(self, jobs: Sequence[tuple[int, Request]]) -> None:
        self._ask("admit", jobs)

    def step(self) -> Sequence[tuple[int, Response]]:
        found: Sequence[tuple[int, Response]] = self._ask("step")
        return found

    def drop(self, job: int) -> Response:
        found: Response = self._ask("drop", job)
        return found

    def wait_for_start(self) -> None:
        """Wait until the process answers, so that its start is not taken for the time of a first answer."""
        with self._turn:
            if not self._used:
                self._exchange("step")

    def close(self) -> None:
        """Let the process end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was written last to one that died cannot be flushed
                    pipe.close()
        self._process.wait()

    def _ask(self, what: str, *arguments: Any) -> Any:
        with self._turn:
            return self._exchange(what, *arguments)

    def _exchange(self, what: str, *arguments: Any) -> Any:
        self._used = True
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            _write(self._process.stdin, (what, arguments))
            right, found = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise RuntimeError(f"a worker process ended with status {self._process.wait()}") from None
        if not right:
            raise found
        return found


def _write(pipe: IO[bytes], value: object) -> None:
    pipe.write(pickle.dumps(value))
    pipe.flush()


def serve(path: str, rows: int, requests: IO[bytes], replies: IO[bytes]) -> None:
    """Decode as asked, until nobody asks any more."""
    from allometry.inference.engines.embedded.decoder import CharacterDecoder
    from allometry.inference.engines.embedded.network import Network
    from allometry.inference.engines.embedded.weights import read_weights

    decoder = CharacterDecoder(Network(read_weights(path)), rows)
    while True:
        try:
            what, arguments = pickle.load(requests)
        except EOFError:
            return
        try:
            reply = (True, getattr(decoder, what)(*arguments))
        except Exception as error:
            reply = (False, error)
        try:
            _write(replies, reply)
        except BrokenPipeError:
            return


def main() -> None:
    """Serve on the pipes; whatever prints goes to the log.

    An interrupt from the keyboard reaches all processes: it is for the one that asks, which closes the pipe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies, sys.stdout = sys.stdout.buffer, sys.stderr
    serve(sys.argv[1], int(sys.argv[2]), sys.stdin.buffer, replies)
