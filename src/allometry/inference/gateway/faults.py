"""What a client is told where it gets no answer, in the shape that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allometry.notices import Refused

LONGEST = 500
_KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "invalid_request_error", 408: "invalid_request_error",
          413: "invalid_request_error", 429: "rate_limit_error"}  # fmt: skip


class Fault(Exception):
    """A request that is not answered: the status, a stable code, one sentence, and the parameter that is to blame."""

    def __init__(
        self, status: int, code: str, message: str, parameter: str | None = None, *, retry_after: float | None = None
    ) -> None:
        self.status, self.code, self.message, self.parameter = status, code, message[:LONGEST], parameter
        self.retry_after = retry_after
        super().__init__(message)

    def as_json(self) -> dict[str, Any]:
        kind = _KINDS.get(self.status, "server_error")
        return {"error": {"message": self.message, "type": kind, "param": self.parameter, "code": self.code}}

    @property
    def headers(self) -> Mapping[str, str]:
        return {} if self.retry_after is None else {"retry-after": f"{max(1, round(self.retry_after))}"}


def bad(message: str, parameter: str | None = None, code: str = "invalid_value") -> Fault:
    """A request that could never be answered as it stands."""
    return Fault(400, code, message, parameter)


def fault_of(refused: Refused) -> Fault:
    """What a policy refuses to answer, for a client.

    >>> fault_of(Refused("no-score", "a score is needed", "score", "give one")).message
    'a score is needed (score): give one'
    """
    return bad(str(refused), code=refused.code.replace("-", "_"))
