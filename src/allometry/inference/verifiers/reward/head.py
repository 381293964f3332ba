"""The head's file and its forward pass: one hidden layer, from features of a beginning to a chance."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.notices import Refused

Floats = NDArray[np.float32]
FORMAT, VERSION = "allometry-reward-head", 1
# No head on a small model comes near; a file that says otherwise would only fill the memory.
LARGEST = 1 << 14
_DIMENSIONS = {"mean": 1, "scale": 1, "hidden.weight": 2, "hidden.bias": 1, "out.weight": 1, "out.bias": 0}


@dataclass(frozen=True)
class Head:
    """A layer of units on standardised features, and one chance out of it.

    `model` is the identity of the model whose states it reads: another one's would mean nothing to it. `identity` tells
    it from every other by its contents.
    """

    model: str
    arrays: Mapping[str, Floats]
    about: str = ""
    identity: str = field(default="", compare=False)

    def chance(self, features: Floats) -> NDArray[np.float64]:
        """The chance (n,) that a beginning leads to a right answer, by its features (n, features)."""
        a = self.arrays
        standard = (features - a["mean"]) / a["scale"]
        hidden = np.maximum(standard @ a["hidden.weight"] + a["hidden.bias"], 0)
        logit = (hidden @ a["out.weight"] + a["out.bias"]).astype(np.float64)
        chances: NDArray[np.float64] = np.exp(-np.logaddexp(0.0, -logit))
        return chances


def write_head(path: str | Path, head: Head) -> None:
    """Write a head, whole or not at all."""
    about = json.dumps({"format": FORMAT, "version": VERSION, "model": head.model, "about": head.about})
    arrays = {name: np.asarray(head.arrays[name], np.float32) for name in _DIMENSIONS}
    partial = Path(f"{path}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, config=np.frombuffer(about.encode(), np.uint8), **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def read_head(path: str | Path) -> Head:
    """Read a head.

    Errors: `Refused` for what is no such file, is of another version, or holds other arrays or what are no numbers.
    """
    try:
        contents = Path(path).read_bytes()
        with np.load(io.BytesIO(contents), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        told: dict[str, Any] = json.loads(arrays.pop("config").tobytes().decode())
        model, about = str(told["model"]), str(told["about"])
        if (told["format"], told["version"]) != (FORMAT, VERSION):
            raise ValueError(f"it is not of {FORMAT}, version {VERSION}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise Refused("not-a-head", f"this is no head of a learned verifier: {error}", str(path),
                      "give a file that python -m allometry.lab.reward_head wrote") from None  # fmt: skip
    _check(arrays, str(path))
    return Head(model, arrays, about, hashlib.sha256(contents).hexdigest()[:8])


def _check(arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Refuse arrays that do not go together, or hold what are no finite numbers."""
    shapes = {name: array.shape for name, array in arrays.items()}
    right = {name: len(shape) for name, shape in shapes.items()} == _DIMENSIONS
    if right:
        features, units = shapes["hidden.weight"]
        wanted = {"mean": (features,), "scale": (features,), "hidden.bias": (units,), "out.weight": (units,)}
        right = max(features, units) <= LARGEST and all(shapes[name] == shape for name, shape in wanted.items())
    if not right or not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays.values()):
        raise Refused("not-a-head", "its arrays do not go together, or are no finite numbers", where, "write it again")
    if not (arrays["scale"] > 0).all():
        raise Refused("not-a-head", "it divides by zero", where, "write it again")
