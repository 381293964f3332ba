"""The key of an endpoint: where it comes from, in which shapes it could come back, and how logs are kept free of it."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, unquote

from allometry.inference.records import mask
from allometry.notices import Refused

VARIABLE = "OPENAI_API_KEY"
# Of the official client and of what it sends with, in the versions that there are.
_LOGGERS = ("openai", "httpx", "httpx2", "httpcore", "httpcore2")
# A header may also hold words, and blotting those out would change what a model said.
SHORTEST_IN_HEADER = 12
_OF_CLIENT = ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_WEBHOOK_SECRET")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def read_key(variable: str = VARIABLE, file: str | Path | None = None) -> str | None:
    """The key in a file, or else in an environment variable; None where there is none, as for servers of one's own.

    Errors: `Refused` for a file that cannot be read or is empty, and for what cannot be a key; neither shows it.
    """
    where = variable if file is None else str(file)
    key = os.environ.get(variable) if file is None else _read(Path(file))
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise Refused("bad-key", "the key holds characters that no key has", where, "give the key alone, on one line")
    return key or None


def _read(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise Refused("bad-key", "the key file cannot be read", str(path), "give a text file of the key") from None
    if not key:
        raise Refused("bad-key", "the key file is empty", str(path), "write the key into it")
    return key


def secrets_of(key: str | None) -> tuple[str, ...]:
    """A key, and what else the client sends of the environment, in every shape in which a server could send it back.

    That is passwords of proxies, and whatever the client itself takes from its own variables.
    """
    found = [key] if key else []
    for name, value in os.environ.items():
        if name.lower() in _PROXIES:
            found += _credentials(value)
        elif name in _OF_CLIENT:
            found.append(value)
        elif name == "OPENAI_CUSTOM_HEADERS":
            words = (word for line in value.splitlines() for word in line.partition(":")[2].split())
            found += [word for word in words if len(word) >= SHORTEST_IN_HEADER]
    return tuple(dict.fromkeys(shape for secret in found for shape in _shapes(secret)))


def _credentials(url: str) -> list[str]:
    # not by a parser: what is no proper address may hold a password too
    user, colon, password = url.partition("://")[2].rpartition("@")[0].partition(":")
    return [f"{user}:{password}", password, unquote(password)] if colon else [user] if user else []


def _shapes(secret: str) -> tuple[str, ...]:
    in_base64 = base64.b64encode(secret.encode()).decode()
    return secret, quote(secret, safe=""), json.dumps(secret)[1:-1], in_base64, in_base64.rstrip("=")


class _Masking(logging.Filter):
    """Blots secrets out of what the libraries below log, such as the headers of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: tuple[str, ...] = ()

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        masked = mask(said, self.secrets)
        if masked != said:
            record.msg, record.args = masked, None
        return True


_MASKING = _Masking()


def keep_out_of_logs(secrets: Iterable[str]) -> None:
    """Mask these in the logs of the client's libraries; once they are loaded, for each logger filters for itself."""
    _MASKING.secrets = tuple(dict.fromkeys((*_MASKING.secrets, *secrets)))
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in _LOGGERS:
            logging.getLogger(name).addFilter(_MASKING)  # a filter that is there is not added again
