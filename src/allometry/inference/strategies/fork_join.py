"""Fork and join: a model outlines parts of its own text, they are written at the same time, and it goes on behind them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType

from allometry.axes import nearest_names
from allometry.inference.calls import Allowance, Request, Scope
from allometry.inference.strategies._drawing import TEMPERATURE, ask
from allometry.inference.strategies._prompts import behind, filled
from allometry.inference.strategies._threads import NEEDS, beside, write_with_forks
from allometry.inference.strategies.arguments import Natural, Positive, Temperature
from allometry.inference.strategies.strategy import Answer, strategy
from allometry.inference.tasks import Problem
from allometry.notices import Refused


@dataclass(frozen=True)
class Form:
    """The marks of a way to write such blocks: around the outlines, around a thread, and what follows the threads."""

    outlines: str
    outlined: str
    begin: str
    end: str
    after: str


FORMS = MappingProxyType({
    "threads": Form("<Outlines>", "</Outlines>", "\n<Thread>\n{}:", "</Thread>", "\n</Parallel>"),
    "paths": Form("<Goal>", "</Goal>", "\n<Path>\n{}:", "</Path>", "\n<Conclusion>"),
})  # fmt: skip
INSTRUCTION = (
    "\n\nParts of the solution that do not need each other are written at the same time: outline them as <Parallel>"
    "{outlines}<Outline>1: ...</Outline><Outline>2: ...</Outline>{outlined}, each part is then put behind it, and go on.\n"
)
_OUTLINE, _OUTLINED = "<Outline>", "</Outline>"
_NUMBER = re.compile(r"\s{0,8}(\d{1,2})\s{0,8}[:.]")


@strategy(needs=NEEDS)
async def fork_join(
    problem: Problem,
    engine: Scope,
    budget: Allowance,
    *,
    threads: Positive = 8,
    blocks: Natural = 4,
    form: str = "threads",
    told: bool = False,
    tokens: Positive | None = None,
    thread_tokens: Positive | None = None,
    temperature: Temperature = TEMPERATURE,
) -> Answer:
    """One text with parallel blocks: outlines, then a thread for each at the same time, then on behind all of them.

    Use it on models that were trained to write such blocks, for a shorter longest chain at the same text: each thread
    sees what stands before the block and its own outline, what follows sees all threads. Not where parts need each
    other, nor on models that do not write the form: what comes back is then one plain answer, and is said to be.
    The form: outlines are `<Outline>1: ...</Outline>`, numbered from 1, up to `</Outlines>` and with `form="paths"` up to
    `</Goal>`; a thread is then asked for behind `<Thread>1:` (`<Path>1:`). Threads fork no further.
    Arguments: of one block the first `threads` are written, and `blocks` blocks; further marks are text. With `told` the
    form is explained behind the prompt, for a model that was not trained to it. `tokens` bounds what stands outside of
    threads, `thread_tokens` a thread. Threads, and what goes on behind them, share the rest of the budget evenly.
    Errors: `Refused` for a form that there is not.
    Source: ThreadWeaver, arXiv 2512.07843 (threads); Multiverse, arXiv 2506.09991 (paths: map, process, reduce).
    """
    if form not in FORMS:
        near = ", ".join(nearest_names(form, FORMS))
        raise Refused("unknown-form", f"no blocks are written as {form!r}", "fork_join", f"the nearest are {near}")
    marks, said, written = FORMS[form], list[str](), 0

    async def fork(text: str, rest: Request) -> str:
        nonlocal written
        count = min(threads, read_outlines(text.rpartition(marks.outlines)[2]))
        whole = thread_tokens or tokens or problem.sample_tokens
        begun = [rest.prefix + marks.begin.format(i + 1) for i in range(count)]
        asked = [replace(rest, prefix=prefix, max_tokens=whole, stop=(marks.end,)) for prefix in begun]
        found = await beside(engine, asked, rest) if asked else []
        written += len(found)
        if not found:
            said.append("the budget held no threads" if count else "outlines could not be read")
            return ""
        return "".join(one.content[len(rest.prefix) :] + marks.end for one in found) + marks.after

    form_told = filled(INSTRUCTION, outlines=marks.outlines, outlined=marks.outlined) if told else ""
    request = replace(ask(problem, tokens, temperature=temperature), prompt=behind(problem.prompt, form_told))
    response = await write_with_forks(engine, request, marks.outlined, blocks, fork)
    if not written:
        said.append("no threads were written")
    return Answer(response, int(response is not None), why="; ".join(dict.fromkeys(said)))


def read_outlines(text: str) -> int:
    """How many outlines, numbered from 1 without a gap, a text holds; 0 where any is not as it should be.

    >>> read_outlines("<Outlines><Outline>1: left</Outline>\\n<Outline>2: right</Outline>")
    2
    >>> read_outlines("<Outline>1: left</Outline><Outline>3: right</Outline>")
    0
    """
    entries = text.split(_OUTLINE)[1:]
    for number, entry in enumerate(entries, 1):
        found = _NUMBER.match(entry)
        if not found or int(found[1]) != number or _OUTLINED not in entry:
            return 0
    return len(entries)
