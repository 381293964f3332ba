"""The shapes of a ladder: its mechanism, its sizes, and the axes that are crossed with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from allometry.costs import Shape
from allometry.lab.tables import as_list, as_table, check_keys, check_type
from allometry.notices import Refused

# The fields of a shape that every ladder may set; those of its mechanism are the mechanism's own.
PLAIN_FIELDS = ("layers", "width", "heads", "head_size", "ffn")


def read_mechanism(contents: Mapping[str, Any]) -> str:
    """The name of a ladder's mechanism, by default plain."""
    from allometry.lab.mechanisms import find_mechanism

    name = str(contents.get("mechanism", "plain"))
    find_mechanism(name)
    return name


def read_shapes(contents: Mapping[str, Any], mechanism: str, vocab: int) -> Iterator[Shape]:
    """Every size of `sizes` with every combination of `[axes]`, each a shape that the lab builds."""
    from allometry.lab.mechanisms import find_mechanism

    known = (*PLAIN_FIELDS, *sorted(find_mechanism(mechanism).fields))
    axes = as_table(contents.get("axes", {}), "[axes]")
    check_keys(axes, known, "[axes]")
    values = [as_list(key, value, _kind(key), "[axes]") for key, value in axes.items()]
    sizes = contents["sizes"]
    if not isinstance(sizes, list) or not sizes:
        raise Refused("no-sizes", "`sizes` is no list of tables", "sizes", "write sizes = [{ layers = 1, width = 32, heads = 2, ffn = 128 }]")  # fmt: skip
    for number, size in enumerate(sizes, start=1):
        where = f"sizes, number {number}"
        check_keys(as_table(size, where), known, where)
        for chosen in product(*values):
            yield _shape({**size, **dict(zip(axes, chosen, strict=True))}, vocab, where)


def _kind(field: str) -> type:
    """The type of a field of a shape, by its default; counts have none, or None."""
    default = getattr(Shape, field, None)
    return int if default is None else type(default)


def _shape(given: dict[str, Any], vocab: int, where: str) -> Shape:
    from allometry.lab.models import check_buildable

    for name in ("layers", "width", "heads", "ffn"):
        if name not in given:
            raise Refused("missing-key", f"`{name}` is missing", where, f"add {name} = ...")
    for key, value in given.items():
        check_type(key, value, _kind(key), where)
    if "head_size" not in given:
        if given["heads"] < 1 or given["width"] % given["heads"]:
            raise Refused("does-not-divide", f"width ({given['width']}) is no multiple of heads ({given['heads']})", where,
                          "give heads that divide it, or head_size")  # fmt: skip
        given["head_size"] = given["width"] // given["heads"]
    try:
        shape = Shape(**given, vocab=vocab)
        check_buildable(shape)
    except Refused as refused:
        raise Refused(refused.code, refused.message, where, refused.mend) from None
    if shape.head_size % 2:
        raise Refused(
            "odd-heads", f"heads of {shape.head_size} cannot turn by rotary positions", where, "give an even head_size"
        )
    return shape
