"""Compound scaling of image models: a budget split between depth, width and resolution, and what activations that gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from allometry.costs import Convolutional
from allometry.notices import Refused, Step
from allometry.plans.questions.answer import Answer, Value

ALPHAS = (1 / 3, 0.5, 0.8, 1.0)
NETWORKS: Mapping[str, Convolutional] = MappingProxyType({
    "regnetx-200mf": Convolutional((1, 1, 4, 7), (24, 56, 152, 368), (8, 8, 8, 8)),
    "regnetx-400mf": Convolutional((1, 2, 7, 12), (32, 64, 160, 384), (16, 16, 16, 16)),
    "regnetx-600mf": Convolutional((1, 3, 5, 7), (48, 96, 240, 528), (24, 24, 24, 24)),
})  # fmt: skip
"""Published networks to start from (Radosavovic et al. 2020, arXiv 2003.13678)."""


def factors(times: float, alpha: float) -> dict[str, float]:
    """Factors of depth, width, group width and resolution that multiply the FLOPs `times`; alpha is width's part.

    Depth and resolution share the rest evenly; group width follows width, so that depth * width**2 * resolution**2 is `times`.
    Source: Dollar et al. 2021, arXiv 2103.06877; alpha 0.8 is their fast scaling, 1/3 uniform compound scaling.

    >>> {name: round(value, 3) for name, value in factors(2**10, 0.8).items()}
    {'depth': 2.0, 'width': 16.0, 'group': 16.0, 'resolution': 1.414}
    """
    if not (math.isfinite(times) and times > 0):
        raise Refused("bad-value", f"{times:g} times the FLOPs is none", "--times", "give a positive number")
    if not 0 <= alpha <= 1:
        raise Refused("bad-value", f"alpha {alpha:g} is no part", "--alpha", "give a number from 0 to 1")
    width = times ** (alpha / 2)
    return {
        "depth": times ** ((1 - alpha) / 2),
        "width": width,
        "group": width,
        "resolution": times ** ((1 - alpha) / 4),
    }


def exponents(alpha: float) -> dict[str, float]:
    """How parameters and activations grow with FLOPs: s**((1 + alpha)/2) and s**((2 - alpha)/2).

    >>> exponents(0.8)
    {'params': 0.9, 'activations': 0.6}
    """
    return {"params": (1 + alpha) / 2, "activations": (2 - alpha) / 2}


def scaled(base: Convolutional, times: float, alpha: float) -> Convolutional:
    """The network with its depths, widths, group widths and resolution scaled and rounded to what can be built.

    Depths to whole blocks, widths to multiples of 8, then to whole groups; group widths to multiples of 8; resolution to
    multiples of 4. The FLOPs are not solved for again: rounding leaves them a little off.
    Source: the rules of the authors' released code, in their order.

    >>> scaled(NETWORKS["regnetx-400mf"], 4, 0.8).widths
    (64, 128, 288, 672)
    """
    by = factors(times, alpha)
    groups = [_group(group * by["group"]) for group in base.groups]
    widths = [max(1, round(width * by["width"] / 8)) * 8 for width in base.widths]
    groups = [min(group, width) for group, width in zip(groups, widths, strict=True)]
    widths = [max(group, round(width / group) * group) for group, width in zip(groups, widths, strict=True)]
    depths = tuple(max(1, round(depth * by["depth"])) for depth in base.depths)
    return replace(base, depths=depths, widths=tuple(widths), groups=tuple(groups),
                   resolution=max(4, round(base.resolution * by["resolution"] / 4) * 4))  # fmt: skip


def _group(wanted: float) -> int:
    found = round(wanted)
    if found <= 2:
        return max(1, found)
    return 4 if found <= 5 else max(8, round(found / 8) * 8)


def compound(base: Convolutional, times: float, alphas: Sequence[float] = ALPHAS) -> Answer:
    """The network at so many times its FLOPs for several splits, and which has the fewest activations.

    Use it for convolutional networks on hardware that memory limits, where activations predict the time. Accuracy is not
    in it: the paper found splits from 1/3 to 0.8 alike. Not for transformers.
    Source: Dollar et al. 2021, arXiv 2103.06877.

    >>> compound(NETWORKS["regnetx-400mf"], 8).sentence.split(":")[0]
    'alpha 1 has the fewest activations'
    """
    before, rows = base.counts(), []
    for alpha in alphas:
        made = scaled(base, times, alpha)
        counts = made.counts()
        row: dict[str, Value] = {"alpha": float(alpha), **{name: _list(getattr(made, name)) for name in ("depths", "widths", "groups")},
                                 "resolution": made.resolution, "flops": counts.flops, "params": counts.params,
                                 "activations": counts.activations,
                                 "times the activations": counts.activations / before.activations,
                                 "predicted": times ** exponents(alpha)["activations"]}  # fmt: skip
        rows.append(row)
    best = min(rows, key=lambda row: float(row["activations"]))  # type: ignore[arg-type]
    fast = f"fast scaling (alpha 0.8) multiplies them by {times**0.6:.3g}, uniform (1/3) by {times ** (5 / 6):.3g}"
    return Answer(
        question="compound scaling of an image model",
        sentence=f"alpha {best['alpha']:.3g} has the fewest activations: {best['activations']:.4g}; {fast} before rounding",
        rows=tuple(rows),
        figures={"flops before": before.flops, "params before": before.params, "activations before": before.activations},
        steps=(
            Step("split", f"width {times:g}**(alpha/2), depth {times:g}**((1-alpha)/2), resolution {times:g}**((1-alpha)/4) "
                 "(Dollar et al. 2021, arXiv 2103.06877)", "published"),
            Step("counts", "by component: multiply-adds and outputs of convolutions; normalisation and rectifiers add no "
                 "activations", "published"),
            Step("time", "that activations predict it is measured on other machines than yours", "assumed"),
        ),
    )  # fmt: skip


def _list(values: Sequence[int]) -> str:
    return ",".join(map(str, values))
