"""What a record may hold of the texts, and how credentials are kept out of everything that is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module, util
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args
from urllib.parse import urlsplit, urlunsplit

from allometry.notices import Refused

Keep: TypeAlias = Literal["text", "hashes", "meters"]
Line: TypeAlias = dict[str, Any]
Redact: TypeAlias = Callable[[Line], Mapping[str, Any]]

TEXTS = ("content", "reasoning", "tool_calls", "tokens", "server")
"""The columns that may hold what a person or a model wrote; everything else is numbers, names and hashes."""
_FIXED = ("kind", "key")  # without which a line cannot be found again
MASK = "***"
# a shorter secret would blot out ordinary words
SHORTEST_SECRET = 6


def check_keep(keep: str) -> Keep:
    """The choice itself; Refused when it is none."""
    if keep not in get_args(Keep):
        raise Refused("unknown-keep", f"records cannot keep {keep!r}", "--keep", "give text, hashes or meters")
    return keep  # type: ignore[return-value]


def strip_url(url: str) -> str:
    """An address without user, password, query and fragment, any of which may hold a credential.

    Use it wherever an address is written, shown or made part of an identity.

    >>> strip_url("https://me:secret@api.example.com:8000/v1?key=secret#part")
    'https://api.example.com:8000/v1'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it blotted out.

    >>> mask("401: key sk-12345 is not known", ["sk-12345"])
    '401: key *** is not known'
    """
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, MASK)
    return text


def text_hash(text: str) -> str:
    """What stands for a text where texts are not kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def kept(line: Line, keep: Keep, redact: Redact | None) -> Line:
    """The line as it may be written; `kept` says what became of its texts.

    A line whose texts were changed cannot be replayed, so a killed run asks for it again.
    """
    given = line
    if redact is not None:
        line = _redacted(line, redact)
    if keep != "text":
        line = {**line, **{name: _without(line[name], keep) for name in TEXTS if line.get(name) is not None}}
        line["kept"] = keep
    elif redact is not None and any(line.get(name) != given.get(name) for name in TEXTS):
        line["kept"] = "redacted"
    return line


def _redacted(line: Line, redact: Redact) -> Line:
    try:
        found = redact(dict(line))
    except Exception as error:  # whatever the user's own code does
        raise _bad_hook(f"it failed with a {type(error).__name__}") from error  # its message may hold a text
    if not isinstance(found, Mapping) or any(name in line and found.get(name) != line[name] for name in _FIXED):
        raise _bad_hook(f"it must return the line as a mapping, its {' and '.join(_FIXED)} as they are")
    return dict(found)


def _bad_hook(why: str) -> Refused:
    return Refused(
        "bad-hook", f"the hook cannot be used: {why}", "--redact", "mend it, and go on with the same records"
    )


def _without(text: str, keep: Keep) -> str | None:
    return text_hash(text) if keep == "hashes" else None


def find_hook(text: str) -> Any:
    """The function that `module:function` or `path.py:function` names.

    Errors: `Refused` when there is no such module or function.

    >>> find_hook("json:dumps").__name__
    'dumps'
    """
    home, colon, name = text.rpartition(":")
    if not colon or not name:
        raise Refused("bad-hook", f"{text!r} names no function", mend="write module:function or file.py:function")
    try:
        module = _load(Path(home)) if home.endswith(".py") else import_module(home)
    except (ImportError, OSError, SyntaxError) as error:
        raise Refused("bad-hook", f"{home} cannot be loaded: {error}", text, "check the name") from None
    except Exception as error:  # whatever the user's own code does when it is loaded
        message = f"{home} fails when it is loaded: {type(error).__name__}: {error}"
        raise Refused("bad-hook", message, text, "mend the file") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise Refused("bad-hook", f"{home} has no function {name!r}", text, "check the name")
    return found


def _load(path: Path) -> Any:
    spec = util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_options(options: Mapping[str, Any], where: str = "options") -> None:
    """Refuse pass-through options that carry credentials: they would be recorded with the request."""
    for name, value in options.items():
        if any(word in name.lower().replace("-", "_") for word in _CREDENTIALS):
            raise Refused("credential", f"the option {name!r} may hold a credential, and options are recorded",
                          where, "give credentials to the engine, by the environment or a key file")  # fmt: skip
        if isinstance(value, Mapping):
            check_options(value, f"{where}.{name}")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for item in value:
                if isinstance(item, Mapping):
                    check_options(item, f"{where}.{name}")


_CREDENTIALS = ("header", "api_key", "apikey", "authorization", "password", "secret", "bearer", "cookie", "credential")
