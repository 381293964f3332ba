"""What a table or a fit cannot say, said in plain words before anyone pays for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from allometry.expressions import Call, Node, count_names, evaluate
from allometry.fits._idle import felt_again
from allometry.fits._problem import Problem
from allometry.fits.objectives import robust_scale
from allometry.laws import Law
from allometry.notices import Notice, Refused
from allometry.runs import is_schedule_axis

Array = np.ndarray
CONSTANT_SPREAD = 1e-9  # of the target in its space: below it there is nothing to explain
RANK_TOLERANCE = 1e-6  # smallest singular value of the column-normalised gradient, relative to the largest
TOGETHER_TOLERANCE = 1e-3  # the same for the standardised logarithms of the axes
NEGLIGIBLE_SHARE = 1e-3
BOUND_LOGIT = 8.0
OUTLIER_SCALES = 6.0
LISTED = 5
LOOSE_DECADES = 4.0  # between the 5th and 95th percentile of a positive parameter: it is then not known at all


def check_rows(
    law: Law, axes: Mapping[str, Array], target: Array, weights: Array, unknowns: int, informed: int
) -> list[Notice]:
    """Refuse what cannot be fitted; say what will be weak. `informed` unknowns carry a prior."""
    used = weights > 0
    count = int(np.sum(used))
    if count < unknowns - informed:
        raise Refused("few-runs", f"{count} runs cannot determine {unknowns} parameters of {law.name}", "the table",
                      "add runs, fix parameters (--fix name=value) or give priors (--prior name=mean,sd)")  # fmt: skip
    if not np.all(np.isfinite(target)):
        bad = np.flatnonzero(~np.isfinite(target))[:LISTED].tolist()
        raise Refused(
            "bad-target",
            f"{law.metric} has no finite value in the fitting space in rows {bad}",
            "the table",
            "remove them or use --space identity",
        )
    if np.ptp(target[used]) <= CONSTANT_SPREAD * max(1.0, float(np.abs(target[used]).max())):
        raise Refused("constant-target", f"{law.metric} is the same in all {count} runs, so nothing can be fitted to it",
                      "the table", "check the column, or the rows that were kept")  # fmt: skip
    notices = [] if count >= 2 * unknowns else [
        Notice("few-runs", f"{count} runs for {unknowns} parameters: intervals come from residuals and are only a rough guide; "
               f"{2 * unknowns} runs or more are needed to trust them")
    ]  # fmt: skip
    return notices + _axis_notices(axes, used)


def _axis_notices(axes: Mapping[str, Array], used: Array) -> list[Notice]:
    notices = [
        Notice(
            "axis-constant",
            f"{name} never varied ({axes[name][used][0]:.4g} in every run): the data say nothing about its effect",
        )
        for name in _constant(axes, used)
    ]
    names = moving_together(axes, used)
    if names:
        notices.append(Notice("axes-together", f"{' and '.join(names)} always move together, so their effects cannot be told apart: "
                              "vary one at a fixed value of the other, or fix parameters"))  # fmt: skip
    return notices


def _constant(axes: Mapping[str, Array], used: Array) -> list[str]:
    return [name for name, values in axes.items() if np.ptp(values[used]) <= 1e-9 * np.abs(values[used]).max()]


def moving_together(axes: Mapping[str, Array], used: Array) -> list[str]:
    """Axes that vary, but whose logarithms are a linear function of one another on the used rows.

    The pieces of one schedule always do; nobody could vary one of them alone.
    """
    varied = [name for name in axes if not is_schedule_axis(name) and name not in _constant(axes, used)]
    moving = [name for name in varied if np.all(axes[name][used] > 0)]
    if len(moving) < 2 or int(used.sum()) <= len(moving):
        return []
    logs = np.log(np.stack([axes[name][used] for name in moving], axis=1))
    _, singular, directions = np.linalg.svd((logs - logs.mean(axis=0)) / logs.std(axis=0), full_matrices=False)
    if singular[-1] > TOGETHER_TOLERANCE * singular[0]:
        return []
    return [name for name, weight in zip(moving, directions[-1], strict=True) if abs(weight) > 0.1]


def exchangeable(root: Node, together: list[str], known: frozenset[str]) -> dict[str, str]:
    """Free parameters of parts that only a name tells apart when axes move together, and why.

    Each part of a sum that holds one of these axes competes for the same effect. Where a single
    part has unknowns of its own (the rest fixed or with priors, `known`), nothing is exchangeable.
    """
    parts = [part for part in _parts(root, frozenset(together)) if len(part & frozenset(together)) == 1]
    if not parts:
        return {}
    shared = frozenset.intersection(*parts) | known | frozenset(together)
    own = [part - shared for part in parts]
    if sum(bool(names) for names in own) < 2:
        return {}
    why = f"cannot be told apart from the others: {' and '.join(together)} always move together in these runs"
    return dict.fromkeys(sorted(frozenset.union(*own)), why)


def _parts(node: Node, together: frozenset[str]) -> list[frozenset[str]]:
    """Names of each smallest part of a sum that holds one of these axes."""
    if not isinstance(node, Call) or not together & frozenset(count_names(node)):
        return []
    inner = [part for argument in node.arguments for part in _parts(argument, together)]
    splits = node.operation == "add" or len(inner) > 1
    return inner if splits and inner else [frozenset(count_names(node))]


def confounded(problem: Problem, q: Array) -> dict[str, str]:
    """Parameters whose effects on the rows cannot be told apart, from the gradient at the minimum.

    The gradient's columns are normalised; a direction with a singular value below 1e-6 of the
    largest changes no prediction, and neither does a column that small. Priors count as rows. A parameter that the runs sent to zero is not one of them.
    """
    names = problem.compiled.parameters
    matrix = _identifying_rows(problem, q)
    norms = np.linalg.norm(matrix, axis=0)
    silent = norms <= RANK_TOLERANCE * norms.max(initial=1e-300)
    gone = felt_again(problem, q, np.flatnonzero(silent))
    reasons = {names[i]: "the data do not depend on it" for i in np.flatnonzero(silent) if i not in gone}
    live = np.flatnonzero(~silent)
    triangle = np.linalg.qr(matrix[:, live] / norms[live], mode="r")
    _, singular, directions = np.linalg.svd(triangle, full_matrices=True)
    padded = np.concatenate([singular, np.zeros(len(live) - len(singular))])
    for direction in directions[padded < RANK_TOLERANCE * padded.max(initial=1e-300)]:
        group = [names[live[i]] for i in np.flatnonzero(np.abs(direction) > 0.05 * np.abs(direction).max())]
        for name in group:
            others = ", ".join(other for other in group if other != name) or "the other parameters"
            reasons.setdefault(name, f"cannot be told apart from {others} on these runs")
    return reasons


def confounded_notices(reasons: Mapping[str, str]) -> list[Notice]:
    """One warning for all parameters that have no value, grouped by why."""
    if not reasons:
        return []
    groups = [(", ".join(n for n in reasons if reasons[n] == why), why) for why in dict.fromkeys(reasons.values())]
    return [
        Notice("confounded", "not determined by these runs: " + "; ".join(f"{names} {why}" for names, why in groups))
    ]


def _identifying_rows(problem: Problem, q: Array) -> Array:
    """Gradient rows (n + k, p) of used runs and priors, in residual units."""
    state = problem.evaluate(q[None], problem.batch())
    rows = state.gradient[0].T[problem.weights > 0]
    slope, curvature = np.zeros((1, problem.size)), np.zeros((1, problem.size, problem.size))
    problem.penalty.add(q[None], problem.penalty.means[None], slope, curvature)
    values, vectors = np.linalg.eigh(curvature[0])
    return np.concatenate([rows, (np.sqrt(np.maximum(values, 0.0)) * vectors).T])


def terms_of(node: Node) -> list[Node]:
    """The terms of a formula's outermost sum."""
    if isinstance(node, Call) and node.operation == "add":
        return [term for argument in node.arguments for term in terms_of(argument)]
    return [node]


def negligible(law: Law, values: Mapping[str, float], axes: Mapping[str, Array]) -> list[tuple[Node, list[str]]]:
    """Terms below a thousandth of the sum at every run, each with the parameters in it."""
    with np.errstate(all="ignore"):
        parts = [
            np.broadcast_to(evaluate(term, {**values, **axes}), len(next(iter(axes.values()))))
            for term in terms_of(law.formula.root)
        ]
        total = np.abs(np.sum(parts, axis=0))
    found = []
    for term, part in zip(terms_of(law.formula.root), parts, strict=True):
        names = [name for name in count_names(term) if name in values]
        if len(parts) > 1 and names and np.all(np.abs(part) < NEGLIGIBLE_SHARE * total):
            found.append((term, names))
    return found


def at_bounds(problem: Problem, q: Array) -> list[Notice]:
    """Parameters that ended at the edge of a box."""
    boxed = [i for i, b in enumerate(problem.compiled.bounds.values()) if b[0] is not None and b[1] is not None]
    names = [problem.compiled.parameters[i] for i in boxed if abs(q[i]) > BOUND_LOGIT]
    return [Notice("at-bound", f"{name} ended at the edge of its range; widen the range or fix it") for name in names]


def outliers(residuals: Array, numbers: Array, used: Array) -> list[Notice]:
    """Rows whose residual exceeds six robust standard deviations."""
    scale = robust_scale(residuals[used])
    far = np.flatnonzero(used & (np.abs(residuals) > OUTLIER_SCALES * scale)) if scale > 0 else np.array([], int)
    if not len(far):
        return []
    worst = far[np.argsort(-np.abs(residuals[far]))]
    listed = ", ".join(str(int(numbers[i])) for i in worst[:LISTED])
    more = f" and {len(far) - LISTED} more" if len(far) > LISTED else ""
    return [
        Notice(
            "outliers",
            f"rows {listed}{more} lie more than {OUTLIER_SCALES:g} robust standard deviations off the curve: look at them",
        )
    ]


def loose_notices(names: Sequence[str], draws: Array) -> list[Notice]:
    """Say which parameters the draws (B, p) hardly hold although no single direction is free."""
    if not len(draws):
        return []
    low, high = np.percentile(draws, [5, 95], axis=0)
    with np.errstate(all="ignore"):
        spans = np.where((low > 0) & (high > low), np.log10(high / low), 0.0)
    loose = [name for name, span in zip(names, spans, strict=True) if span > LOOSE_DECADES]
    if not loose:
        return []
    message = (
        f"{' and '.join(loose)} {'are' if len(loose) > 1 else 'is'} hardly known: the 90% interval spans more than "
        f"{LOOSE_DECADES:g} decades; read forecasts, not these values"
    )
    return [Notice("loose-parameters", message)]
