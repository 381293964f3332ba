"""The file of a small model: an npz that holds configuration, vocabulary and weights, and no code."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allometry.costs import Shape
from allometry.notices import Refused

FORMAT, VERSION = "allometry-character-model", 1
# No size of a small model comes near; a file that says otherwise would only fill the memory.
LARGEST = 1 << 16
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Config:
    """What the weights do not say of themselves.

    `vocabulary` has a token for each of its characters, in order, behind token 0, which ends a text. `about` is how the
    model was trained.
    """

    layers: int
    width: int
    heads: int
    head_size: int
    ffn: int
    context: int
    vocabulary: str
    about: str = ""

    @property
    def shape(self) -> Shape:
        """The model as `costs` counts it."""
        sizes = {name: getattr(self, name) for name in ("layers", "width", "heads", "head_size", "ffn", "context")}
        return Shape(vocab=len(self.vocabulary) + 1, **sizes)

    def arrays(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of the weights, as torch keeps them: (outputs, inputs)."""
        inner = self.heads * self.head_size
        found: dict[str, tuple[int, ...]] = {"embedding.weight": (len(self.vocabulary) + 1, self.width)}
        for i in range(self.layers):
            block = f"blocks.{i}."
            found[block + "norm_attention.weight"] = (self.width,)
            found[block + "attention.qkv.weight"] = (3 * inner, self.width)
            found[block + "attention.out.weight"] = (self.width, inner)
            found[block + "norm_feed_forward.weight"] = (self.width,)
            found[block + "feed_forward.up.weight"] = (2 * self.ffn, self.width)
            found[block + "feed_forward.out.weight"] = (self.width, self.ffn)
        return {**found, "norm.weight": (self.width,)}


@dataclass(frozen=True)
class Weights:
    """A model as it was read; `identity` tells it from every other by its contents."""

    config: Config
    arrays: Arrays
    identity: str


def write_weights(path: str | Path, config: Config, arrays: Arrays) -> None:
    """Write a model, whole or not at all, in half precision."""
    about = json.dumps({"format": FORMAT, "version": VERSION, **asdict(config)})
    halves = {name: np.asarray(arrays[name], np.float16) for name in config.arrays()}
    partial = Path(f"{path}.partial")
    with partial.open("wb") as file:
        np.savez_compressed(file, config=np.frombuffer(about.encode(), np.uint8), **halves)  # type: ignore[arg-type]
    partial.replace(path)


def read_weights(path: str | Path) -> Weights:
    """Read a model.

    Errors: `Refused` for what is no such file, is of another version, or has weights of other shapes or that are no
    numbers.
    """
    try:
        contents = Path(path).read_bytes()
        with np.load(io.BytesIO(contents), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        config = _config(json.loads(arrays.pop("config").tobytes().decode()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise Refused("not-a-model", f"this is no model file: {error}", str(path),
                      "give an npz that allometry wrote") from None  # fmt: skip
    _check(config, arrays, str(path))
    return Weights(config, arrays, f"character-model:{hashlib.sha256(contents).hexdigest()[:16]}")


def _config(about: dict[str, Any]) -> Config:
    if (about.pop("format"), about.pop("version")) != (FORMAT, VERSION):
        raise ValueError(f"it is not of {FORMAT}, version {VERSION}")
    config = Config(**about)
    for name, value in about.items():
        if name in ("vocabulary", "about"):
            right = isinstance(value, str)
        else:
            right = type(value) is int and 0 < value <= LARGEST
        if not right:
            raise ValueError(f"{name} cannot be {value!r:.40}")
    return config


def _check(config: Config, arrays: Arrays, where: str) -> None:
    wanted, mend = config.arrays(), "write it again"
    if {name: array.shape for name, array in arrays.items()} != wanted:
        other = sorted(
            name for name in {*wanted, *arrays} if name not in arrays or arrays[name].shape != wanted.get(name)
        )
        raise Refused("not-a-model", f"weights do not fit the configuration: {', '.join(other[:3])}", where, mend)
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays.values()):
        raise Refused("not-a-model", "there are weights that are no finite numbers", where, mend)
    if len(set(config.vocabulary)) != len(config.vocabulary) or config.head_size % 2:
        raise Refused(
            "not-a-model", "a character stands twice in the vocabulary, or heads are of odd size", where, mend
        )
