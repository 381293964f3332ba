"""Where a model is served: the address without any credential, the model's name, and what both are called in records."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from allometry.inference.records import strip_url
from allometry.notices import Refused


@dataclass(frozen=True)
class Address:
    """A model at an OpenAI-compatible server, such as http://localhost:8000/v1 and its name there."""

    url: str
    model: str

    @property
    def identity(self) -> str:
        """What answers are kept under: the model, at the server's host and path.

        >>> read_address("http://localhost:8000/v1/#tiny").identity
        'tiny@localhost:8000/v1'
        """
        parts = urlsplit(self.url)
        return f"{self.model}@{parts.netloc}{parts.path}"


def read_address(text: str) -> Address:
    """The address and model of `URL#model`.

    A user, a password or a query may be a credential: an address with one is refused, so that nothing is left out
    unseen. Errors: `Refused`, without what the address holds.
    """
    url, _, model = text.partition("#")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise Refused("bad-address", "this is no address of a server", "an engine", MEND) from None
    shown = strip_url(url)
    if parts.scheme not in ("http", "https") or not host:
        raise Refused("bad-address", "an endpoint has an http or https address", shown, MEND)
    if "@" in parts.netloc or parts.query:
        raise Refused("credential", "the address holds a user, a password or a query, which may be credentials", shown,
                      "leave them out, and give the key by OPENAI_API_KEY or a key file")  # fmt: skip
    if not model:
        raise Refused("no-model", "the model at this address is not named", shown, MEND)
    return Address(shown.rstrip("/"), model)


MEND = "write openai:http://HOST:PORT/v1#MODEL"
