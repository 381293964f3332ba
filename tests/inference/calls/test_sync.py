"""Synchronous forms work with and without a running event loop, and pass errors on."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from allometry.inference.calls import Request, sample, wait
from allometry.inference.engines import Simulator, World

REQUEST = Request("simulated problem 3", max_tokens=64)
RIGHT = Simulator(World(success=1.0))


def test_outside_of_a_loop() -> None:
    assert sample(RIGHT, REQUEST)[0].content == "answer 3"


def test_inside_of_a_loop_as_in_a_notebook() -> None:
    async def cell() -> str:
        return sample(RIGHT, REQUEST)[0].content

    assert asyncio.run(cell()) == "answer 3"


def test_errors_come_through() -> None:
    async def fails() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        wait(fails())


def test_waiting_inside_of_what_is_waited_for_is_an_error_and_no_deadlock() -> None:
    async def inner() -> int:
        return wait(asyncio.sleep(0, 1))

    with pytest.raises(RuntimeError, match="await the asynchronous form"):
        wait(inner())


def test_an_interrupt_lets_the_work_put_its_things_away() -> None:
    code = """
import asyncio, os, signal
from allometry.inference.calls import wait
async def work():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0.01)
        print("put away", flush=True)
try:
    wait(work())
except KeyboardInterrupt:
    print("interrupted")
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert found.stdout.split("\n")[:2] == ["put away", "interrupted"]
