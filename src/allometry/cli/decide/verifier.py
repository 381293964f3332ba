"""`allometry decide verifier`: whether a selector of samples can be trusted, and with how many of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allometry.cli.decide._showing import show
from allometry.cli.options import Json, Level, check_out, level_of
from allometry.inference.sweeps import selector_errors
from allometry.inference.sweeps.selectors import read_graded
from allometry.plans.questions import Answer
from allometry.runs import read_table


def verifier(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Table with a row a sample: problem, score, correct (1 or 0), and where there are group and answer.")],
    problem: Annotated[str, typer.Option(help="Its column of problems.")] = "problem",
    score: Annotated[str, typer.Option(help="Its column of scores; higher is better.")] = "score",
    correct: Annotated[str, typer.Option(help="Its column of truth, 1 or 0.")] = "correct",
    group: Annotated[str | None, typer.Option(help="Its column of groups of problems, where that is not group.")] = None,
    answer: Annotated[str | None, typer.Option(help="Its column of final answers, for the majority, where that is not answer.")] = None,
    threshold: Annotated[float | None, typer.Option(help="The score from which a sample is accepted; 0.5 for scores from 0 to 1.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Page to write: accuracy against samples, and reliability, .html.")] = None,
    level: Level = None, json: Json = False,
) -> None:  # fmt: skip
    """How often a verifier errs, the accuracy that bounds, and from how many samples on more of them hurt."""
    from allometry.reports.selector_answer import selector_answer, write_selector_page

    if figure is not None:
        check_out(figure, "--figure")
    names = {"problem": problem, "score": score, "correct": correct, "group": group or "", "answer": answer or ""}
    samples = read_graded(read_table(table).columns, names, table)
    found = selector_errors(samples, threshold, level_of(level, 0.9))
    if figure is not None:
        write_selector_page(found, figure)
    told: Answer = selector_answer(found)
    show(told, json)
