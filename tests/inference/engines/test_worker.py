"""A decoder in a process of its own answers like one in this process, and its end is noticed."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from allometry.inference.calls import CallFailed, Request, Stopped
from allometry.inference.engines.embedded import Config, WorkerDecoder, read_character_model, write_weights

from .test_character_model import CONFIG, random_weights


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.npz"
    write_weights(path, Config(**CONFIG.__dict__), random_weights().arrays)
    return path


def ask(engine: Any, requests: list[Request]) -> list[list[str]]:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(engine.sample(request) for request in requests))

    return [[response.content for response in found] for found in asyncio.run(all_of_them())]


REQUESTS = [Request("abc" * (i + 1), 30, n=3, temperature=0.8, seed=100 * i) for i in range(6)]


def test_texts_do_not_hang_on_where_they_are_made(model: Path) -> None:
    here, apart = read_character_model(model, rows=4), read_character_model(model, rows=4, workers=2)
    try:
        assert ask(apart, REQUESTS) == ask(here, REQUESTS)
    finally:
        here.close()
        apart.close()


def test_a_call_that_is_cancelled_says_what_there_was(model: Path) -> None:
    engine = read_character_model(model, rows=4, workers=1)

    async def cancelled() -> Any:
        call = asyncio.ensure_future(engine.sample(Request("abc", 90, n=2, temperature=0.8)))
        await asyncio.sleep(0)  # now it waits
        call.cancel()
        return await call

    try:
        with pytest.raises(Stopped) as stopped:
            asyncio.run(cancelled())
        assert len(stopped.value.responses) == 2
    finally:
        engine.close()


def test_a_worker_that_dies_fails_its_calls_and_loses_nobody_else(model: Path) -> None:
    engine = read_character_model(model, rows=4, workers=1)
    try:
        assert ask(engine, REQUESTS[:1])
        os.kill(engine._decoders[0]._process.pid, 9)  # type: ignore[attr-defined]
        with pytest.raises(CallFailed, match="a worker process ended with status -9"):
            ask(engine, REQUESTS[1:2])
    finally:
        engine.close()


def test_errors_of_the_decoder_are_its_own(model: Path) -> None:
    decoder = WorkerDecoder(model, 2)
    try:
        with pytest.raises(StopIteration):
            decoder.drop(7)
        assert decoder.step() == []
    finally:
        decoder.close()


def test_time_to_the_first_token_is_measured(model: Path) -> None:
    engine = read_character_model(model, rows=2)
    try:
        found = asyncio.run(engine.sample(Request("abc", 40, n=4, temperature=0.8)))  # two wait for the others' rows
        for response in found:
            assert response.first_token is not None
            assert response.seconds is not None
            assert 0 < response.first_token <= response.seconds
        assert max(r.first_token for r in found) > min(r.seconds for r in found)
    finally:
        engine.close()
