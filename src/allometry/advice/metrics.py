"""Which way a metric improves."""

from __future__ import annotations

_COSTS = {"loss", "error", "perplexity", "ppl", "bpb", "seconds", "money"}


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is better, by the words of its name.

    >>> lower_is_better("loss_c4"), lower_is_better("accuracy")
    (True, False)
    """
    return bool(_COSTS & set(metric.lower().split("_")))
