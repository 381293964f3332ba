"""One problem asked of an engine within a room that samples for training: metered, recorded, gone on with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from allometry.inference.calls import (
    MAIN,
    CallFailed,
    Driver,
    Engine,
    Halted,
    Ledger,
    Place,
    Recorder,
    Scope,
    digest,
)
from allometry.inference.records import Records
from allometry.inference.tasks import Problem


async def ask(
    work: Callable[[Scope], Awaitable[None]], name: str, problem: Problem, engine: Engine, records: Records, seed: int,
    paid: Ledger,
) -> str:  # fmt: skip
    """Let `work` ask about a problem; why it could not be ended, "" where it was.

    `name` tells kinds of work apart in the records: with the same name, engine, problem and seed nothing is asked
    again. `paid` books what is really asked, and may have a limit.
    """
    episode = digest(name, engine.profile.identity, problem.id, str(seed)).hex()[:32]
    place = Place.root(seed, problem.id, name)
    driver = Driver(Recorder(records, episode, problem.id, name, seed), Ledger(None), paid)

    async def begun() -> None:
        await work(Scope(driver, place, {MAIN: engine}, problem))

    try:
        await driver.run(begun())
    except Halted as halted:
        return str(halted)
    except CallFailed as failed:
        return f"a call failed: {failed.reason}"
    finally:
        if records.folder is not None:  # in memory nothing else would remember what was asked
            records.forget(place.group)
    return ""
