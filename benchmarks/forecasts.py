"""The forecast board: every applicable law over every published table, scored on runs larger than those it was fitted to.

Each law is fitted to the smaller runs of a table and forecasts the held-out larger ones. Beside each law's own error
stand the ways to choose among them from the smaller runs alone: the tournament's recommended law and its stack, each
also without the laws that were made on runs of the table's own source; and the law that turned out best, which nobody
can know beforehand. On five splits others stand beside them: the plain chinchilla fit, a power law on the lower
envelope, and the package simple-scaling-laws where ALLOMETRY_PEER_PYTHON names an interpreter that has it.

    ALLOMETRY_DATA=DIR [ALLOMETRY_PEER_PYTHON=PYTHON] python benchmarks/forecasts.py [--write]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import multiprocessing
import sys
import time
import warnings

from _board import board_cases, five_splits, missing
from _board_case import Case
from _board_page import five_lines, page
from _board_peer import peers
from _board_scores import Scored, Told, score
from _report import RESULTS, Report

WORKERS = 2


def quietly() -> None:
    """A worker says nothing of numbers that leave the range on the way: a law that fails is a row with its reason."""
    warnings.simplefilter("ignore")


def board(pool: multiprocessing.pool.Pool) -> list[Scored]:
    """Every case of the board, the largest tables first so that no worker waits at the end."""
    cases = list(board_cases())
    order = sorted(range(len(cases)), key=lambda i: -len(cases[i].runs) * len(cases[i].laws))
    found = []
    for scored in pool.imap(score, [cases[i] for i in order]):
        found.append(scored)
        print(f"{len(found)}/{len(cases)} {scored.group} {scored.name}: {scored.seconds:.0f} s", file=sys.stderr)
    return [scored for _, scored in sorted(zip(order, found, strict=True), key=lambda pair: pair[0])]


def main() -> None:
    say = Report("forecasts")
    if missing():
        say("not on the board, no such table in the folder: " + ", ".join(missing()))
    with multiprocessing.get_context("spawn").Pool(WORKERS, quietly) as pool:
        begun = time.perf_counter()
        found = board(pool)
        ours = time.perf_counter() - begun
        five: tuple[Case, ...] = five_splits()
        others: list[dict[str, Told]] = pool.map(peers, five, chunksize=1)
    for line in five_lines(found, five, others):
        say(line)
    spent = sum(scored.seconds for scored in found)
    say(f"the whole board: {len(found)} cases, {ours:.0f} s on {WORKERS} processes, {spent:.0f} s of process time; the "
        f"peers on the five splits {time.perf_counter() - begun - ours:.0f} s more")  # fmt: skip
    text = page(found, say.lines[0], ours)
    if "--write" in sys.argv:
        say.write()
        (RESULTS / "forecasts.md").write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
