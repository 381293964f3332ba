"""A table of trained mixtures: shares of the training domains, and the loss on each validation domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused
from allometry.runs import Rows, Runs, read_runs

Array: TypeAlias = NDArray[np.float64]
SHARES, LOSSES = "share_", "loss_"
ROUNDING = 2e-3  # by which shares written with three digits may miss one together


@dataclass(frozen=True)
class Mixtures:
    """The mixtures that were trained: `shares` (n, k) in the order of `domains`, and rows by validation domain.

    Rows of all validation domains are of the same mixtures in the same order, so that fits to them can be resampled
    together. `given` counts the rows of the table.
    """

    domains: tuple[str, ...]
    shares: Array
    measured: Mapping[str, Rows]
    given: int
    source: str


def read_mixtures(
    source: object,
    *,
    shares: Sequence[str] = (),
    losses: Sequence[str] = (),
    by: str | None = None,
    axes: Sequence[str] = (),
    where: str | None = None,
) -> Mixtures:
    """Mixtures and their losses from a table with a column of shares for each training domain.

    Two kinds of tables: one row a mixture with a column of losses for each validation domain, or one row for each
    mixture and validation domain, which the column `by` names, with the loss in the one column of `losses`.
    Arguments: `shares` are the columns of shares, by default all that begin with `share_`; `losses` those of losses,
    by default all that begin with `loss_`, or `loss` with `by`; `axes` further columns that the law needs; `where` a filter.
    Errors: `Refused` for shares that are none or do not sum to one, shares that never varied apart, and validation
    domains measured on different mixtures.

    >>> table = {"share_code": [0.2, 0.5, 0.8], "share_web": [0.8, 0.5, 0.2], "loss_code": [1.3, 1.2, 1.1]}
    >>> found = read_mixtures(table)
    >>> found.domains, tuple(found.measured), found.shares.tolist()
    (('code', 'web'), ('code',), [[0.2, 0.8], [0.5, 0.5], [0.8, 0.2]])
    """
    runs = read_runs(source, rows="all", where=where)
    columns = list(shares) or [name for name in runs.columns if name.startswith(SHARES)]
    if len(columns) < 2:
        raise Refused("no-shares", f"the table has {len(columns)} columns of shares", runs.source,
                      "name the column of each training domain by --shares, or call them share_NAME")  # fmt: skip
    parts = _parts(runs, list(losses), by)
    measured = {
        name: _sorted(part.rows_for([*columns, *axes], loss, logs={loss}), columns)
        for name, (part, loss) in parts.items()
    }
    first = next(iter(measured.values()))
    if by is None:
        _refuse_several(runs, columns)
    found = whole_shares(first, columns, runs.source)
    for name, rows in measured.items():
        _refuse_other(rows, first, columns, name, next(iter(measured)), runs.source)
    _refuse_together(found, runs.source)
    domains = tuple(name.removeprefix(SHARES) for name in columns)
    named = {name: _renamed(rows, found, columns, axes) for name, rows in measured.items()}
    return Mixtures(domains, found, named, runs.given, runs.source)


def _parts(runs: Runs, losses: list[str], by: str | None) -> dict[str, tuple[Runs, str]]:
    """The rows and the column of losses of each validation domain."""
    if by is not None:
        if len(losses) > 1:
            raise Refused(
                "bad-option", f"with --by there is one column of losses, not {len(losses)}", "--losses", "name one"
            )
        return {name: (part, losses[0] if losses else "loss") for name, part in runs.by(by).items()}
    columns = losses or [name for name in runs.columns if name.startswith(LOSSES)] or ["loss"]
    return {name.removeprefix(LOSSES): (runs, name) for name in columns}


def _sorted(rows: Rows, columns: Sequence[str]) -> Rows:
    order = np.lexsort([rows.axes[name] for name in reversed(columns)])
    return replace(
        rows, axes={name: column[order] for name, column in rows.axes.items()}, target=rows.target[order],
        cluster=None if rows.cluster is None else rows.cluster[order], numbers=rows.numbers[order],
        names=None if rows.names is None else tuple(rows.names[i] for i in order),
    )  # fmt: skip


def whole_shares(rows: Rows, columns: Sequence[str], source: str) -> Array:
    """The shares (n, k), each row exactly one together."""
    shares = np.stack([rows.axes[name] for name in columns], axis=1)
    for row in np.flatnonzero(((shares < 0) | (shares > 1)).any(axis=1))[:1]:
        raise Refused("bad-share", f"the shares of row {rows.numbers[row]} do not lie between 0 and 1", source,
                      "write 3% as 0.03")  # fmt: skip
    total = shares.sum(axis=1)
    for row in np.flatnonzero(np.abs(total - 1) > ROUNDING)[:1]:
        raise Refused("not-one", f"the shares of row {rows.numbers[row]} sum to {total[row]:.4g}, not to 1", source,
                      f"name the columns of all training domains; these were read: {', '.join(columns)}")  # fmt: skip
    return shares / total[:, None]


def _refuse_other(rows: Rows, first: Rows, columns: Sequence[str], name: str, other: str, source: str) -> None:
    same = len(rows) == len(first) and all(np.array_equal(rows.axes[c], first.axes[c]) for c in columns)
    if not same:
        raise Refused("other-mixtures", f"{name} was measured on {len(rows)} rows, {other} on {len(first)}, not of the same mixtures",
                      source, "keep the mixtures that all validation domains have (--where)")  # fmt: skip


def _refuse_several(runs: Runs, columns: Sequence[str]) -> None:
    """Rows that differ in a word, such as the validation domain, are no repeats of a mixture."""
    key = np.unique(np.stack([runs.columns[name] for name in columns], axis=1), axis=0, return_inverse=True)[1].ravel()
    for name, column in runs.columns.items():
        if column.dtype != object:
            continue
        pairs = {(int(k), word) for k, word in zip(key, column.tolist(), strict=True) if word is not None}
        words = {word for _, word in pairs}
        if len(pairs) > max(
            len({k for k, _ in pairs}), len(words)
        ):  # some mixture has several, some word several mixtures
            shown = ", ".join(sorted(map(str, words))[:3])
            raise Refused("several-kinds", f"rows of one mixture differ in `{name}` ({shown})", runs.source,
                          f"name it if it is the validation domain (--by {name}), else keep one kind (--where)")  # fmt: skip


def _refuse_together(shares: Array, source: str) -> None:
    """Shares that move only together say nothing of each alone."""
    apart = int(np.linalg.matrix_rank(shares - shares.mean(axis=0), tol=1e-6))
    needed = shares.shape[1] - 1
    if apart < needed:
        raise Refused("shares-together", f"the mixtures move the {needed + 1} shares in {apart} independent ways, and {needed} are "
                      "needed to tell them apart", source, "train mixtures that change one share at a time")  # fmt: skip


def _renamed(rows: Rows, shares: Array, columns: Sequence[str], axes: Sequence[str]) -> Rows:
    """The same rows by the law's names: share_1, share_2, ... and `loss`."""
    named = {f"{SHARES}{i + 1}": shares[:, i] for i in range(len(columns))}
    return replace(rows, axes={**named, **{name: rows.axes[name] for name in axes}}, metric="loss")
