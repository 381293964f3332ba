"""What converters read and write: files of a checkout in, one tidy CSV out. Nothing that is read is ever run.

Numbers are written so that reading them gives the same float again, a missing value as nothing between its commas.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import lzma
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from allometry.notices import Refused

Columns: TypeAlias = Mapping[str, Sequence[object]]
_NUMPY = {
    ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
    ("numpy.core.multiarray", "scalar"): np._core.multiarray.scalar,  # type: ignore[attr-defined]
    ("numpy.core.numeric", "_frombuffer"): np._core.numeric._frombuffer,  # type: ignore[attr-defined]
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("builtins", "slice"): slice,
}


def csv_bytes(columns: Columns) -> bytes:
    """A table as the bytes of a CSV file.

    >>> csv_bytes({"params": [1e6, None], "name": ["a,b", "c"]})
    b'params,name\\n1000000.0,"a,b"\\n,c\\n'
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def file_in(checkout: Path, name: str) -> Path:
    """A file of the checkout; `Refused` where it is not there."""
    path = checkout / name
    if not path.is_file():
        raise Refused("not-the-source", f"the checkout has no {name}", str(checkout), "check out the repository itself")
    return path


def read_csv(checkout: Path, name: str) -> dict[str, list[str]]:
    """The columns of a CSV file as texts."""
    with file_in(checkout, name).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {column: list(values) for column, values in zip(header, zip(*rows, strict=True), strict=True)}


def numbers(texts: Sequence[str]) -> list[float | None]:
    """Texts as floats, an empty one as None.

    >>> numbers(["1e3", ""])
    [1000.0, None]
    """
    return [float(text) if text else None for text in texts]


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def literals(source: str) -> dict[str, Any]:
    """Every name that a Python source gives a literal value, also inside a call such as np.array(...).

    >>> literals("x = np.array([1, 2])\\nif True:\\n    y = [[1] * 2, [2]]\\nz = f(x)")
    {'x': [1, 2], 'y': [[1, 1], [2]]}
    """
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            value = node.value
            inner = value.args[0] if isinstance(value, ast.Call) and len(value.args) == 1 else value
            try:
                found[node.targets[0].id] = _literal(inner)
            except ValueError:
                continue
    return found


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.List):
        return [_literal(item) for item in node.elts]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.left, ast.List):
        return _literal(node.left) * int(_literal(node.right))
    return ast.literal_eval(node)


class Kept:
    """Stands for an object of a library that is not loaded: what it was made of, and the state it was given."""

    def __init__(self, *made_of: Any) -> None:
        self.made_of, self.state = made_of, None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    """Reads NumPy arrays and `slice`; pandas objects become `Kept`; anything else is refused."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        known = _NUMPY.get((module.replace("numpy._core", "numpy.core"), name))
        if known is not None:
            return known
        if module.split(".")[0] == "pandas":
            return Kept
        raise Refused("unsafe-file", f"the file wants to load {module}.{name}", mend="take it from the repository")


def read_frame(data: bytes) -> dict[str, list[Any]]:
    """The columns of a pandas DataFrame in a pickle, read without pandas and without running anything in it."""
    return frame_columns(_Reader(io.BytesIO(data)).load())


def read_compressed(path: Path) -> bytes:
    with lzma.open(path) as file:
        return file.read()


def frame_columns(frame: Kept) -> dict[str, list[Any]]:
    """The columns of a kept DataFrame: its manager holds the axes (columns, rows) and blocks of equal type."""
    blocks, (names, _) = frame.state["_mgr"].made_of  # type: ignore[index]
    labels = names.made_of[1]["data"].tolist()
    columns: dict[str, list[Any]] = {}
    for block in blocks:
        values, places, *_ = block.made_of
        for row, place in zip(values, np.arange(len(labels))[places], strict=True):
            columns[labels[place]] = row.tolist()
    return {label: columns[label] for label in labels}
