"""A small model of a file as an engine, in this process and without torch."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from allometry.inference.calls import Abilities, Profile, Request, Response
from allometry.inference.engines.batcher import Batcher, Decoder
from allometry.inference.engines.embedded.decoder import CharacterDecoder
from allometry.inference.engines.embedded.network import Network
from allometry.inference.engines.embedded.weights import Weights, read_weights
from allometry.inference.engines.embedded.worker import WorkerDecoder
from allometry.notices import Refused

ALL = Abilities(
    n=True, seed=True, stop=True, stop_reason=True, logprobs=True, scored=True, continuation=True, usage=True
)
# Seconds after which a busy interpreter lets another thread run. A decoder's thread has a step to begin every few
# milliseconds: at Python's own 5 ms a sweep drew 18,100 tokens a second on two cores, at 0.1 ms 21,400.
SWITCH = 1e-4
CACHE_BYTES = 4.0  # the cache is kept in single precision


class CharacterModel(Batcher):
    """A Llama-style character model, run by NumPy.

    Use it to try strategies with a real model on a laptop. It takes raw text of the characters it knows, in the format
    of the tasks it was trained on; it is no assistant and has no chat template. The text of a sample hangs on its
    request and seed alone, not on what else is running. Until it is closed, BLAS libraries use one thread (two that
    wait for each other were measured 5 to 20 times slower on products of this size), and the interpreter's threads
    take turns more often.
    Arguments: `weights` as `read_weights` gives them; `rows` is how many sequences run side by side in a decoder;
    `decoders` are those to use instead of one in this process.
    Errors: `Refused` for messages, unknown characters and prompts longer than its context.
    """

    def __init__(self, weights: Weights, rows: int = 128, decoders: Sequence[Decoder] = ()) -> None:
        self._context = weights.config.context
        self._known = frozenset(weights.config.vocabulary)
        self._threads, self._switch = threadpool_limits(1, "blas"), sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)
        profile = Profile(weights.identity, ALL, weights.config.shape, cache_bytes=CACHE_BYTES)
        self._decoders = decoders
        super().__init__(decoders or [CharacterDecoder(Network(weights), rows)], profile, self._length)

    async def sample(self, request: Request) -> Sequence[Response]:
        self._check(request)
        return await super().sample(request)

    async def ready(self) -> None:
        """Wait for the start of the workers, at most once."""
        for decoder in self._decoders:
            if isinstance(decoder, WorkerDecoder):
                await asyncio.to_thread(decoder.wait_for_start)

    def close(self) -> None:
        """Let the thread end, and BLAS use as many as before."""
        super().close()
        for decoder in self._decoders:
            if isinstance(decoder, WorkerDecoder):
                decoder.close()
        self._threads.restore_original_limits()
        sys.setswitchinterval(self._switch)

    def _length(self, request: Request) -> int:
        """Exactly its characters."""
        return len(request.prompt) + len(request.prefix)

    def _check(self, request: Request) -> None:
        if not isinstance(request.prompt, str):
            raise Refused("no-chat", "this model has no chat template", "the prompt", "give it raw text")
        unknown = sorted({*request.prompt, *request.prefix} - self._known)
        if unknown:
            raise Refused("unknown-character", f"this model does not know {unknown[0]!r}", "the prompt",
                          "use the characters of its vocabulary")  # fmt: skip
        if self._length(request) > self._context:
            raise Refused("prompt-too-long", f"{self._length(request)} characters do not fit into {self._context}",
                          "the prompt and its prefix", "shorten them")  # fmt: skip


def read_character_model(path: str | Path, rows: int = 128, workers: int = 0) -> CharacterModel:
    """The engine of a model file, in this process or in so many workers, best one a core.

    Errors: `Refused` for what is no such file.
    """
    weights = read_weights(path)  # before a worker is started on it
    decoders = [WorkerDecoder(path, rows) for _ in range(workers)]
    for decoder in decoders:
        decoder.step()  # nothing, but then it is there: what is timed is not its start
    return CharacterModel(weights, rows, decoders)
