"""Two fits as one: a metric carried into a second law, or a saving of compute into the size of a first."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from allometry.costs import FLOPS_PER_PARAMETER_AND_TOKEN, size_axis
from allometry.fits import Fit
from allometry.laws import Law, find_law
from allometry.notices import Refused
from allometry.plans.terms import TOKENS
from allometry.runs import Rows

Array = NDArray[np.float64]

LEVERAGE = "leverage"
ACTIVE = "active_params"
_DEFINED = re.compile(r"^\s*([A-Za-z]\w*)\s*=(?!=)", re.MULTILINE)


def together(first: Fit, second: Fit) -> Fit:
    """One fit of both laws over the axes of both, its draws paired at random.

    Use it where the metric that matters follows from a loss and from more, such as coverage over loss and samples: the
    second law then has the first's metric among its axes. Or where the second is a law of leverage, the compute of a dense
    model over that of a mixture of experts with the same loss: the size of the first is then active parameters, and it
    stands for leverage times as many (assumed: at equal tokens). Not for two fits of the same noise.

    Errors: `Refused` where the second is neither, and where laws count the metric differently.

    >>> from allometry.fits import published_fit
    >>> found = together(published_fit("chinchilla@epoch"), published_fit("moe_leverage@ling"))
    >>> found.law.axes, round(float(found.predict({"active_params": 1e9, "tokens": 1e11, "activation": 0.03,
    ...     "granularity": 12.0})[0]), 2)
    (('active_params', 'tokens', 'activation', 'granularity'), 2.21)
    """
    if first.law.metric in second.law.axes:
        text, metric, names = _carried(first.law, second.law), second.law.metric, _names(second.law)
        axes = (*first.law.axes, *(name for name in second.law.axes if name != first.law.metric))
    elif second.law.metric == LEVERAGE:
        text, metric, names = _leveraged(first.law, second.law), first.law.metric, _names(second.law)
        axes = tuple(ACTIVE if name == size_axis(first.law.axes) else name for name in first.law.axes)
        axes += tuple(name for name in second.law.axes if name != "flops")
    else:
        raise Refused("chain-mismatch", f"{second.law.name} has no axis {first.law.metric}, and is no law of leverage",
                      "the second fit", f"give a law with {first.law.metric} among its axes")  # fmt: skip
    axes = tuple(dict.fromkeys(axes))
    bounds = {names.get(p.name, p.name): p.bounds for p in second.law.parameters}
    bounds |= {p.name: p.bounds for p in first.law.parameters}
    made = find_law(text, axes=axes, metric=metric, bounds=bounds)
    law = replace(made, axes=axes, name=f"{first.law.name} and {second.law.name}")
    source = {name: ("first", i) for i, name in enumerate(first.law.parameter_names)}
    source |= {names[name]: ("second", i) for i, name in enumerate(second.law.parameter_names)}
    picked = [source[name] for name in law.parameter_names]
    one, other = _paired(first, second)
    return replace(
        first, law=law, rows=Rows.empty(axes, metric, dict(first.conventions)), space=law.space,
        estimate=_gathered(picked, first.estimate[None], second.estimate[None])[0], draws=_gathered(picked, one, other),
        draw_numbers=np.empty(0, int), residuals=np.empty(0), notices=(*first.notices, *second.notices),
        confounded={**first.confounded, **{names[n]: why for n, why in second.confounded.items()}}, prior_share={},
        status=f"{first.law.name}: {first.status}; {second.law.name}: {second.status}",
        interval_kind=first.interval_kind if len(first.draws) else second.interval_kind,
        provenance="published" if first.provenance == second.provenance == "published" else "fitted",
    )  # fmt: skip


def _names(law: Law) -> dict[str, str]:
    """New names for the second law's parameters and intermediates, which the first may have too."""
    own = [*law.parameter_names, *_DEFINED.findall(law.formula.text)]
    return {name: f"{name}_then" for name in own}


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub(r"[A-Za-z_]\w*", lambda found: names.get(found[0], found[0]), text)


def _carried(first: Law, second: Law) -> str:
    """The first's lines, its metric under its own name, then the second's."""
    *lines, last = first.formula.text.strip().splitlines()
    between = f"{first.metric}_between"
    return "\n".join(
        [*lines, f"{between} = {last}", _renamed(second.formula.text, _names(second) | {first.metric: between})]
    )


def _leveraged(first: Law, second: Law) -> str:
    """The second's lines as the leverage, and the first with leverage times the size."""
    size = size_axis(first.axes)
    if size is None or TOKENS not in first.axes:
        raise Refused("chain-mismatch", f"{first.name} is no law of size and tokens, which leverage can multiply", "the first fit",
                      "give one such as chinchilla")  # fmt: skip
    flops = f"({FLOPS_PER_PARAMETER_AND_TOKEN} * {ACTIVE} * {TOKENS})"
    *lines, last = _renamed(second.formula.text.strip(), _names(second) | {"flops": flops}).splitlines()
    dense = _renamed(first.formula.text, {size: "dense_params"})
    return "\n".join([*lines, f"dense_params = {ACTIVE} * ({last})", dense])


def _paired(first: Fit, second: Fit) -> tuple[Array, Array]:
    """Draws of both, at random against each other; a fit without any counts as exact."""
    count = min((len(fit.draws) for fit in (first, second) if len(fit.draws)), default=0)
    rows = [np.random.default_rng([first.settings.seed, i]).permutation(len(fit.draws) or count)[:count]
            for i, fit in enumerate((first, second))]  # fmt: skip
    held = [fit.draws if len(fit.draws) else np.repeat(fit.estimate[None], count, 0) for fit in (first, second)]
    return held[0][rows[0]], held[1][rows[1]]


def _gathered(picked: list[tuple[str, int]], one: Array, other: Array) -> Array:
    return np.stack([(one if which == "first" else other)[:, i] for which, i in picked], axis=1)
