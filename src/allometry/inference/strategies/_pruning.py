"""Which beginnings to keep where each keeps its cache: an integer programme of grades, shared nodes and variety."""

from __future__ import annotations

from collections.abc import Sequence

from allometry.inference.strategies._steps import Path
from allometry.notices import Refused


def nodes_of(paths: Sequence[Path]) -> dict[Path, int]:
    """The distinct steps that paths stand on, themselves included, numbered: what a cache holds for them.

    >>> root = Path(); a = Path("a", parent=root); len(nodes_of([Path("ab", parent=a), Path("ac", parent=a)]))
    3
    """
    found: dict[Path, int] = {}
    for path in paths:
        for node in path.trail():
            found.setdefault(node, len(found))
    return found


def newest(path: Path) -> str:
    """The last step of a path as text: paths that say the same are of one kind."""
    return path.text[len(path.parent.text) if path.parent is not None else 0 :].strip()


def check_weights(shared: float, variety: float) -> None:
    """Refuse weights under which nothing bounds what is kept."""
    if shared < 0 or variety < 0:
        raise Refused("bad-weight", "sharing and variety weigh 0 or more", "ets", "give shared=1, variety=1.5")


def keep(paths: Sequence[Path], shares: Sequence[float], shared: float, variety: float) -> list[int]:
    """The places of the paths to keep: most of sum(shares) - shared * nodes kept / nodes + variety * kinds kept / kinds.

    At least one is kept. Nodes are the distinct steps of `nodes_of`, and the empty start.
    Errors: `Refused` where a weight is negative.
    """
    check_weights(shared, variety)
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    nodes, kinds = nodes_of(paths), {kind: i for i, kind in enumerate(dict.fromkeys(map(newest, paths)))}
    count, first_kind = len(nodes), len(nodes)
    gains = [-shared / (count + 1)] * count + [variety / len(kinds)] * len(kinds)
    # one row says that at least one is kept, one for each node that its parent is, one for each kind that one of it is
    cells: list[tuple[int, int, float]] = []
    for path, share in zip(paths, shares, strict=True):
        gains[nodes[path]] += share
        cells += [(0, nodes[path], 1.0), (1 + count + kinds[newest(path)], nodes[path], 1.0)]
    for node, i in nodes.items():
        if node.parent is not None and node.parent in nodes:
            cells += [(1 + i, nodes[node.parent], 1.0), (1 + i, i, -1.0)]
    cells += [(1 + count + k, first_kind + k, -1.0) for k in kinds.values()]
    rows, columns, values = zip(*cells, strict=True)
    matrix = coo_array((values, (rows, columns)), shape=(1 + count + len(kinds), count + len(kinds)))
    least = [1.0] + [0.0] * (count + len(kinds))
    found = milp(
        [-gain for gain in gains], constraints=LinearConstraint(matrix.tocsr(), least), integrality=[1] * len(gains),
        bounds=Bounds(0, 1),
    )  # fmt: skip
    if found.x is None:
        raise RuntimeError(f"the integer programme was not solved: {found.message}")
    return [i for i, path in enumerate(paths) if found.x[nodes[path]] > 0.5]
