"""Which files are logs, and reading them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from allometry.inference.logs import inspect_log, lm_eval_samples
from allometry.inference.logs.log import Log

# Of a JSON log, its first three fields stand within so many bytes.
_HEAD = 4096


def is_log(path: str | Path) -> bool:
    """Whether a file is a log: inspect's (.eval, or .json that begins as such), or samples of lm-eval (.jsonl).

    >>> is_log("chats.jsonl"), is_log("logs/2026_sums.eval")
    (False, True)
    """
    path = Path(path)
    return path.suffix == ".eval" or _begins_as_inspects(path) or holds_samples(path)


def read_log(path: str | Path) -> Log:
    """The problems of a log with their samples.

    Use it for evaluations that inspect or the lm-evaluation-harness (with --log_samples) made. inspect's are read by
    its own reader (`allometry[evals]`).
    Errors: `Refused` for a file that is none, or cut off.
    """
    path = Path(path)
    return lm_eval_samples.read(path) if holds_samples(path) else inspect_log.read(path)


def _begins_as_inspects(path: Path) -> bool:
    if path.suffix != ".json" or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return head.lstrip().startswith(b"{") and all(word in head for word in (b'"version"', b'"status"', b'"eval"'))


def holds_samples(path: Path) -> bool:
    """Whether a file holds samples of lm-eval."""
    if path.suffix != ".jsonl" or not path.is_file():
        return False
    with path.open("rb") as file:
        return lm_eval_samples.is_sample(next(islice(file, 1), b""))
