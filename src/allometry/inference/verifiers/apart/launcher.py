"""The process between us and a program that is run apart: it gives up network and rights, sets limits, and begins it.

Run as a script, `launcher.py SECONDS MEMORY FILE PROCESSES PROGRAM ARGUMENT...`; it imports nothing of this package.
It ends with the program's status, or 128 and the signal that ended it.
"""

import ctypes
import math
import os
import signal
import sys

NOT_APART = 97
NEW_USER, NEW_PROCESSES, NEW_NETWORK, NEW_IPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
SET_DEATH_SIGNAL, SET_NO_NEW_RIGHTS = 1, 38
OPEN_FILES = 256


def main(words: list[str]) -> None:
    seconds, memory, file, processes, *program = words
    library = ctypes.CDLL(None, use_errno=True)
    # A user namespace also keeps the program from reading the environment of our own process in /proc.
    if library.unshare(NEW_USER | NEW_PROCESSES | NEW_NETWORK | NEW_IPC):
        sys.stderr.write(os.strerror(ctypes.get_errno()))
        sys.stderr.flush()
        os._exit(NOT_APART)
    library.prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    # The first process of the new namespace: when it ends, the system ends all others of it, whatever they did.
    first = os.fork()
    if first:
        os._exit(_wait_for(first))
    library.prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
    begun = os.fork()
    if begun:
        os._exit(_wait_for(begun))
    library.prctl(SET_NO_NEW_RIGHTS, 1, 0, 0, 0)
    _limit(math.ceil(float(seconds)), int(memory), int(file), int(processes))
    try:
        os.execvp(program[0], program)
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error.strerror}")
        sys.stderr.flush()
        os._exit(127)


def _wait_for(process: int) -> int:
    """The status of one child; others, left behind by theirs, are taken in on the way."""
    while True:
        ended, status = os.wait()
        if ended == process:
            return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _limit(seconds: int, memory: int, file: int, processes: int) -> None:
    import resource  # Linux and its like only, and this file is imported elsewhere for its constants

    for kind, most in (
        (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory), (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NPROC, processes), (resource.RLIMIT_NOFILE, OPEN_FILES), (resource.RLIMIT_CORE, 0),
    ):  # fmt: skip
        had = resource.getrlimit(kind)[1]
        most = most if had == resource.RLIM_INFINITY else min(most, had)
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    main(sys.argv[1:])
