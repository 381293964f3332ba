"""Peak learning rate and batch for a size and its tokens, by every published law of them side by side."""

from __future__ import annotations

import math

from allometry.costs import rule_flops
from allometry.laws import published
from allometry.notices import Refused, Step
from allometry.plans.questions.answer import Answer, Value

LAWS = (
    ("step_learning_rate@steplaw", "step_batch@steplaw"),
    ("compute_learning_rate@deepseek", "compute_batch@deepseek"),
    ("compute_learning_rate@ling-moe", "compute_batch@ling-moe"),
)


def recipe(params: float, tokens: float) -> Answer:
    """Peak learning rate and tokens of a step, by the Step Law and by the laws of compute of two model families.

    Use it to start a sweep, or where none can be paid for. The laws were found with AdamW, schedules that decay, and their
    own parametrisation, and differ by some factors: that spread is what is open, and your own sweep closes it.
    Arguments: `params` without embeddings, `tokens` to train on.
    Errors: `Refused` for numbers that are not positive.
    Source: Li et al. 2025, arXiv 2503.04715; Bi et al. 2024, arXiv 2401.02954; Tian et al. 2025, arXiv 2507.17702.

    >>> [f"{row['learning rate']:.2g}" for row in recipe(1e9, 1e11).rows][:2]
    ['0.0016', '0.00079']
    """
    for name, value in (("params", params), ("tokens", tokens)):
        if not (math.isfinite(value) and value > 0):
            raise Refused("bad-value", f"{value:g} is no number of {name}", f"--{name}", "give a positive number")
    point = {"params": params, "tokens": tokens, "flops": float(rule_flops(params, tokens))}
    rows: list[dict[str, Value]] = []
    steps = []
    for names in LAWS:
        values = []
        for name in names:
            law, constants = published(name)
            values.append(float(law.evaluate(constants.values, {axis: [point[axis]] for axis in law.axes})[0]))
            steps.append(Step(name, f"{law.formula.text.strip()} ({constants.source})", "published"))
        rows.append(
            {
                "by": names[0].partition("@")[2],
                "learning rate": values[0],
                "batch, tokens": values[1],
                "steps": tokens / values[1],
            }
        )
    low, high = (pick(float(row["learning rate"]) for row in rows) for pick in (min, max))  # type: ignore[arg-type]
    return Answer(
        question="learning rate and batch",
        sentence=f"peak learning rate {rows[0]['learning rate']:.3g}, batch of {rows[0]['batch, tokens']:.3g} tokens by the Step Law; "
                 f"published laws give {low:.3g} to {high:.3g}",
        rows=tuple(rows),
        steps=(*steps, Step("compute", f"{point['flops']:.4g} FLOPs by 6 x params x tokens, for the laws of compute", "assumed")),
    )  # fmt: skip
