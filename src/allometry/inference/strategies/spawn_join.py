"""Spawn and join: a model hands parts of its work to children, and goes on from what they return."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from allometry.inference.calls import Allowance, Request, Response, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask
from allometry.inference.strategies._prompts import alone, behind, filled
from allometry.inference.strategies._threads import NEEDS, beside, write_with_forks
from allometry.inference.strategies.arguments import Natural, Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem

OPENING, CLOSING, RETURN = "spawn([", "])", "join("
INSTRUCTION = (
    '\n\nParts that do not need each other can be worked on at the same time: write spawn(["...", "..."]) with all that '
    "each part needs to know, and what was found is put behind it. Then go on, and give the answer.\n"
)
CHILD = '{message}\n\nWhen it is done, write join("...") with what was found.\n'
# What one spawn may hold, in characters: assumed; more is no list of tasks.
MOST = 20_000


@strategy(needs=NEEDS)
async def spawn_join(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    children: Positive = 8,
    spawns: Natural = 4,
    depth: Positive = 1,
    told: bool = False,
    child: str = CHILD,
    tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """One text whose model may spawn children, which work at the same time and of which it sees what they return alone.

    Use it where a model was trained to, or follows instructions, and a problem falls into parts: searches, cases. The
    longest chain of tokens and every context are then shorter than those of one long text. Not on models that do not
    write the form: what comes back is then one plain answer, and is said to be.
    The form: `spawn(["...", "..."])` spawns a child for each text, a list of JSON; a child's whole prompt is that text in
    the place of {message} of `child`, and it returns the text of its last `join("...")`, or nothing.
    Arguments: of one `spawn` the first `children` are begun; a text may spawn `spawns` times, children's children down
    to `depth` levels. With `told` the form is explained behind the prompt, for a model that was not trained to it.
    `tokens` bounds what each of them writes itself. Children that run at the same time, and what goes on behind them,
    share the rest of the budget evenly.
    Source: Pan et al. 2025, arXiv 2504.15466 (spawn, join, what a child sees; the form as text is our own).
    """
    instruction = INSTRUCTION if told else ""
    asked = replace(ask(problem, tokens, temperature=temperature), prompt=behind(problem.prompt, instruction))
    family = _Family(asked, children, spawns, child, instruction)
    response = await family.write(engine, asked, depth)
    if not family.count:
        family.said.append("the model spawned no children")
    return Answer(response, int(response is not None), why="; ".join(dict.fromkeys(family.said)))


@dataclass
class _Family:
    """How the threads of a text spawn, how many children there were, and what went wrong."""

    asked: Request
    most: int
    spawns: int
    child: str
    instruction: str
    count: int = 0
    said: list[str] = field(default_factory=list)

    async def write(self, engine: Scope, asked: Request, depth: int) -> Response | None:
        """What a thread writes that may have children down to a depth."""

        async def fork(written: str, rest: Request) -> str:
            messages = read_spawn(written)
            if not messages:
                self.said.append("a spawn could not be read")
                return ""
            if len(messages) > self.most:
                self.said.append(f"of the children spawned {self.most} were begun")
            returned = await self._run(engine, messages[: self.most], rest, depth - 1)
            return f"\n{RETURN}{json.dumps(returned, ensure_ascii=False)})\n"

        return await write_with_forks(engine, asked, CLOSING, self.spawns if depth else 0, fork)

    async def _run(self, engine: Scope, messages: list[str], rest: Request, depth: int) -> list[str]:
        """What children return that work at the same time; those that return nothing are left out."""

        async def write(engine: Scope, asked: Request) -> Response | None:
            return await self.write(engine, asked, depth)

        found = await beside(engine, [self._task(message, depth) for message in messages], rest, write)
        self.count += len(found)
        returned = [text for text in map(read_join, (one.content for one in found)) if text is not None]
        if len(returned) < len(messages):
            self.said.append("children returned nothing" if found else "the budget held no children")
        return returned

    def _task(self, message: str, depth: int) -> Request:
        said = filled(self.child, message=message) + (self.instruction if depth else "")
        return replace(self.asked, prompt=alone(self.asked.prompt, said))


def read_spawn(text: str) -> list[str]:
    """The texts of the last spawn that begins in a text and ends with it; none where there is no list of texts.

    >>> read_spawn('both: spawn(["left", "right"')
    ['left', 'right']
    >>> read_spawn('spawn([1, "right"'), read_spawn("a[x[0]")
    ([], [])
    """
    _, opened, listed = text.rpartition(OPENING)
    if not opened or len(listed) > MOST:
        return []
    try:
        found = json.loads(f"[{listed}]")
    except (ValueError, RecursionError):
        return []
    return found if all(isinstance(one, str) and one.strip() for one in found) else []


def read_join(text: str) -> str | None:
    """What the last join of a text returns; None where it returns no text.

    >>> read_join('so it is 7: join("7")'), read_join("join(7)")
    ('7', None)
    """
    _, opened, returned = text.rpartition(RETURN)
    if not opened:
        return None
    try:
        found, end = json.JSONDecoder().raw_decode(returned)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, str) and returned[end:].lstrip().startswith(")") else None
