"""Finding a shape: by numbers in a text, by a name, from a `config.json`, or searched for a parameter count."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from allometry.axes import nearest_names
from allometry.costs._texts import flag, pairs, whole_number
from allometry.costs.config import read_config
from allometry.costs.nearest import nearest_shape
from allometry.costs.shapes import Shape
from allometry.expressions import parse_number
from allometry.notices import Refused

REQUIRED = ("layers", "width", "heads", "ffn", "vocab")


def find_shape(text: str) -> Shape:
    """The shape that a text names.

    Arguments: `text` is a name such as "qwen3-8b"; the path of a Hugging Face `config.json` or of its folder; numbers
    by field ("layers=36 width=4096 heads=32 kv_heads=8 head_size=128 ffn=12288 vocab=151936"; head_size is by default
    width / heads); a name with fields that change it ("qwen3-8b loops=2"); or a count to search a dense decoder for
    ("params=7e9 vocab=32000", see `nearest_shape`).
    Errors: `Refused` with the nearest names, the missing field, or what does not divide and what would.

    >>> find_shape("qwen3-8b").parameters().total
    8190735360
    >>> find_shape("layers=2 width=64 heads=4 ffn=256 vocab=512").head_size
    16
    """
    text = text.strip()
    if _is_config(text):
        return read_config(text)
    name, given = pairs(text, "the shape")
    if name:
        return _changed(preset_shape(name), given)
    if "params" in given:
        return _searched(given)
    return Shape(**_with_head_size(_read_fields(given)))


def preset_names() -> tuple[str, ...]:
    """The names that `find_shape` knows."""
    return tuple(_presets())


def preset_shape(name: str) -> Shape:
    """The published shape of this name."""
    presets = _presets()
    if name.lower() not in presets:
        near = ", ".join(nearest_names(name.lower(), presets))
        raise Refused("unknown-shape", f"no shape is called {name!r}", "the shape",
                      f"the nearest are {near}; or give a config.json, or layers= width= heads= ffn= vocab=")  # fmt: skip
    record = presets[name.lower()]
    return Shape(name=name.lower(), **{key: value for key, value in record.items() if key not in ("source", "params")})


@cache
def _presets() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(files("allometry.costs").joinpath("presets.toml").read_text(encoding="utf-8"))


def _is_config(text: str) -> bool:
    return text.endswith(".json") or (Path(text) / "config.json").is_file()


def _read_fields(given: Mapping[str, str]) -> dict[str, Any]:
    readers = {f.name: _reader(str(f.type)) for f in fields(Shape) if f.name != "name"}
    for name in given:
        if name not in readers:
            near = ", ".join(nearest_names(name, readers))
            raise Refused("unknown-field", f"a shape has no {name!r}", "the shape", f"the nearest are {near}")
    return {name: readers[name](name, value) for name, value in given.items()}


def _reader(kind: str) -> Callable[[str, str], Any]:
    if kind.startswith("int"):
        return lambda name, value: whole_number(name, value, "the shape")
    if kind == "bool":
        return lambda name, value: flag(name, value, "the shape")
    return lambda name, value: value


def _with_head_size(values: dict[str, Any]) -> dict[str, Any]:
    missing = [name for name in REQUIRED if name not in values]
    if missing:
        raise Refused("missing-field", f"the shape has no {missing[0]}", "the shape",
                      f"give {', '.join(f'{name}=' for name in missing)}")  # fmt: skip
    if "head_size" not in values:
        width, heads = values["width"], values["heads"]
        if heads < 1 or width % heads:
            near = min((d for d in range(1, max(2, width + 1)) if width % d == 0), key=lambda d: abs(d - heads))
            raise Refused("does-not-divide", f"a width of {width} does not divide into {heads} heads", "the shape",
                          f"give head_size=, or the nearest that divides, heads={near}")  # fmt: skip
        values["head_size"] = width // heads
    return values


def _changed(shape: Shape, given: Mapping[str, str]) -> Shape:
    if not given:
        return shape
    values = {f.name: getattr(shape, f.name) for f in fields(Shape)}
    return Shape(**{**values, **_read_fields(given), "name": ""})


def _searched(given: Mapping[str, str]) -> Shape:
    known = {"params", "vocab", "head_size", "aspect", "tied"}
    for name in given:
        if name not in known:
            raise Refused("unknown-field", f"a search for a parameter count takes no {name!r}", "the shape",
                          f"it takes {', '.join(sorted(known))}; or give every number")  # fmt: skip
    if "vocab" not in given:
        raise Refused("missing-field", "a search for a parameter count needs a vocabulary", "the shape", "give vocab=")
    options: dict[str, Any] = {}
    if "head_size" in given:
        options["head_size"] = whole_number("head_size", given["head_size"], "the shape")
    if "aspect" in given:
        options["aspect"] = parse_number(given["aspect"], "aspect")
    if "tied" in given:
        options["tied"] = flag("tied", given["tied"], "the shape")
    vocab = whole_number("vocab", given["vocab"], "the shape")
    return nearest_shape(parse_number(given["params"], "params"), vocab, **options).shape
