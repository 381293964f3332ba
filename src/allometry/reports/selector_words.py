"""A selector's errors in words, as commands say them."""

from __future__ import annotations

from allometry.inference.sweeps import SelectorErrors
from allometry.notices import Interval
from allometry.reports.sweep_words import ends, percent


def words(found: SelectorErrors, who: str = "") -> list[str]:
    """What a selector takes wrongly, what that bounds, whether its scores are chances, and whether more samples hurt."""
    head = f"{who}: {found.selector}" if who and found.selector not in who else who or found.selector
    told = [
        f"{head} against {found.scorer}, {found.samples} samples of {len(found.problems)} problems: accepts "
        f"{_share(found.false_positives)} of wrong samples, rejects {_share(found.false_negatives)} of right ones "
        f"(accepted from {found.threshold:g})",
        f"one sample is right in {_share(found.single)}; ever more would tend to {_share(found.ceiling)} by acceptance, to "
        f"{_share(found.own_ceiling)} with each problem's own rates",
    ]
    if found.reliability is not None:
        chances = found.reliability
        auc = "" if chances.auc is None else f", AUC {chances.auc:.3f}"
        told.append(f"as chances: off by {chances.ece:.3f} (by chance alone {chances.ece_by_chance:.3f}), Brier score "
                    f"{chances.brier.value:.3f}{auc}")  # fmt: skip
    if found.best_of is not None:
        told.append(f"by its scores {found.best_of.sentence}")
    return told


def _share(found: Interval) -> str:
    if found.value is None:
        return f"an unknown share ({found.why})"
    between = ends(found.low, found.high)
    return f"{percent(found.value)} ({between})" if between else percent(found.value)
