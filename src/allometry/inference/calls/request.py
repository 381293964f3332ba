"""What is asked of an engine and what comes back: plain values, the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from allometry.inference.records import check_options
from allometry.notices import Refused

Message: TypeAlias = Mapping[str, Any]
Prompt: TypeAlias = str | tuple[Message, ...]
Finish: TypeAlias = Literal["stop", "length", "tool_calls", "cancelled", "filtered"]


@dataclass(frozen=True)
class Request:
    """One call: `n` samples of one prompt.

    Arguments: `prompt` is raw text, or messages (mappings with `role` and `content`, as chat endpoints take them; the
    chat template is the server's or the model file's own). `max_tokens` bounds each sample, reasoning included; 0 only
    asks for log-probabilities of `prefix`. `prefix` is text that the answer is to begin with and that is not generated
    again (needs `continuation`). `logprobs` asks for those of generated tokens, `scored` for those of the prefix.
    `tools` and `schema` are as chat endpoints take them, `options` go to the server as they are and are recorded, so
    they may hold no credential. `seed` is set by whoever makes the call; sample i is drawn from seed + i.
    Errors: `Refused` for what no engine could answer.

    >>> Request("2+2=", max_tokens=8, n=4).n
    4
    """

    prompt: Prompt
    max_tokens: int
    n: int = 1
    temperature: float = 1.0
    stop: tuple[str, ...] = ()
    prefix: str = ""
    logprobs: bool = False
    scored: bool = False
    tools: tuple[Mapping[str, Any], ...] = ()
    schema: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.prompt, list):
            object.__setattr__(self, "prompt", tuple(self.prompt))
        if self.options:
            check_options(self.options)
        wrong = self._wrong()
        if wrong:
            raise Refused("bad-request", wrong, "the request")

    def _wrong(self) -> str:
        if not self.prompt or not isinstance(self.prompt, str | tuple):
            return f"a prompt is a text or messages, not {self.prompt!r:.40}"
        if self.n < 1:
            return f"{self.n} samples cannot be drawn"
        if self.max_tokens < (0 if self.scored else 1):
            return f"{self.max_tokens} tokens hold no answer"
        if not self.temperature >= 0:
            return f"a temperature of {self.temperature} is not one"
        return "a stop text is empty" if "" in self.stop else ""


@dataclass(frozen=True)
class Usage:
    """Tokens of one sample; `estimated` names the kinds that the server did not report.

    `prompt` are those that the sample stands behind, the same for all samples of a request: the cached ones and the
    prefix are among them. `generated` holds the reasoning ones.
    """

    prompt: int = 0
    cached: int = 0
    generated: int = 0
    reasoning: int = 0
    estimated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Response:
    """One sample.

    `content` is what was generated behind the prefix, without the stop text; `reasoning` what a server keeps apart
    from it. `finish` is why it ended: "length" and "cancelled" are answers that were cut off. `stopped_by` is the stop
    text that ended it, None where it ended by itself (or the engine cannot tell: ability `stop_reason`).
    `tokens`, `logprobs` and `prefix_logprobs` are empty where they were not asked for. `server` is the server's own
    usage as it came. `seconds` run from the start of the call to the end of this sample, `first_token` to its first
    token; None where the engine leaves that to the caller's clock. `key` names the sample in the records.
    """

    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish: Finish = "stop"
    stopped_by: str | None = None
    tokens: tuple[str, ...] = ()
    logprobs: tuple[float, ...] = ()
    prefix_logprobs: tuple[float, ...] = ()
    usage: Usage = Usage()
    server: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    first_token: float | None = None
    key: str = ""

    @property
    def truncated(self) -> bool:
        """Whether it was cut off before it ended: such an answer is not wrong but unfinished."""
        return self.finish in ("length", "cancelled")
