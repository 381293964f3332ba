"""TreeQuest on the tree of `_tree_world`: milliseconds of process time for each step of its searches, as JSON.

Run by an interpreter that has the package; the number of steps is the argument. Its `step` copies the whole tree unless
told to change it in place: both are measured.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import treequest

from _tree_world import ended, grade, step

SEARCHES = {
    "StandardMCTS": treequest.StandardMCTS,
    "TreeOfThoughtsBFSAlgo": treequest.TreeOfThoughtsBFSAlgo,
    "ABMCTSA": treequest.ABMCTSA,
}


def milliseconds(search: Any, steps: int, inplace: bool) -> float:
    """Of one step, over all steps of one tree."""
    drawn = iter(range(steps))

    def generate(parent: str | None) -> tuple[str, float]:
        before = parent or ""
        text = before if ended(before) else before + step(before, next(drawn))
        return text, grade(text)

    state = search.init_tree()
    begun = time.process_time()
    for _ in range(steps):
        state = search.step(state, {"step": generate}, inplace=inplace)
    return (time.process_time() - begun) / steps * 1e3


def main() -> None:
    steps = int(sys.argv[1])
    found = {
        f"{name}{', in place' if inplace else ''}": milliseconds(made(), steps, inplace)
        for name, made in SEARCHES.items()
        for inplace in (False, True)
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
