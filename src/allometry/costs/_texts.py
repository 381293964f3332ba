"""Values in the texts that name shapes and hardware."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from allometry.expressions import parse_number
from allometry.notices import Refused

FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def pairs(text: str, where: str) -> tuple[str, dict[str, str]]:
    """The leading name (or none) and the name=value pairs of a text.

    >>> pairs("h200 power=600", "the hardware")
    ('h200', {'power': '600'})
    """
    words = text.replace(",", " ").split()
    if not words:
        raise Refused("empty-text", f"{where} is empty", where, "give a name, a file, or name=value pairs")
    name = "" if "=" in words[0] else words.pop(0)
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (equals and key and value):
            raise Refused("bad-pair", f"{word!r} is not name=value", where, "write a name first, then name=value pairs")
        if key in given:
            raise Refused("given-twice", f"{key} is given twice", where, "give it once")
        given[key] = value
    return name, given


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The content of a TOML file; `what` it holds is named in refusals."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused("no-such-file", f"cannot read the {what}: {error.strerror}", str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"bad-{what}", f"the file is not TOML: {error}", str(path)) from None


def whole_number(name: str, text: str, where: str) -> int:
    """A whole number; 1e9 and 32k count as one."""
    value = parse_number(text, name)
    if value != int(value):
        raise Refused("bad-count", f"{name} must be a whole number, not {text}", where, f"give {name}={round(value)}")
    return int(value)


def flag(name: str, text: str, where: str) -> bool:
    if text.lower() not in FLAGS:
        raise Refused("bad-flag", f"{name} is true or false, not {text!r}", where, f"write {name}=true or {name}=false")
    return FLAGS[text.lower()]
