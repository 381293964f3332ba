"""A selector's errors as the answer to a question, and as a page of its own."""

from __future__ import annotations

from pathlib import Path

from allometry.inference.sweeps import SelectorErrors
from allometry.inference.sweeps.selectors import BestOfRow
from allometry.notices import Step
from allometry.plans.questions import Answer, Value
from allometry.reports.selector_words import words
from allometry.reports.selectors import selector_figure
from allometry.reports.writing import write_whole


def selector_answer(found: SelectorErrors) -> Answer:
    """Rows by N where there are any, else the rates; figures; and what each stands on."""
    curve = found.best_of
    rows = [_row(row) for row in curve.rows] if curve is not None else [{"accuracy of one sample": found.single}]
    figures: dict[str, Value] = {
        "false positives": found.false_positives, "false negatives": found.false_negatives,
        "ceiling by acceptance": found.ceiling, "ceiling with each problem's own rates": found.own_ceiling,
    }  # fmt: skip
    if curve is not None:
        figures |= {
            "best N": curve.peak.samples,
            "more samples hurt": curve.peak.hurts,
            "loss at the largest N": curve.peak.loss,
        }
    chances = found.reliability
    if chances is not None:
        figures |= {"Brier score": chances.brier, "calibration error": chances.ece,
                    "calibration error by chance": chances.ece_by_chance, "AUC": chances.auc}  # fmt: skip
    told = words(found)
    steps = [
        Step("rates", told[0], "measured"),
        Step("ceiling", "p (1 - m) / (p (1 - m) + (1 - p) f) of each problem, averaged (Stroebl et al. 2024, arXiv 2411.17501)", "published"),
        Step("curve", "the mean over all ways to draw N of a problem's samples; nothing is said beyond the largest N", "measured"),
    ]  # fmt: skip
    sentence = told[0] if curve is None else f"{found.selector}: {curve.sentence}"
    return Answer("can this verifier be trusted with more samples", sentence, tuple(rows), tuple(steps), figures)


def _row(row: BestOfRow) -> dict[str, Value]:
    return {"samples": row.samples, "accuracy": row.selector, "oracle": row.oracle, "majority": row.majority,
            "over one sample": row.over_single, "over majority": row.over_majority}  # fmt: skip


def write_selector_page(found: SelectorErrors, path: Path) -> Path:
    """The picture as one page that opens without a network."""
    page = selector_figure(found).to_html(include_plotlyjs=True, config={"displaylogo": False})
    return write_whole(path, page.encode(), "the page")
