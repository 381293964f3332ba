"""Prompts with earlier answers in them: what a model wrote is put in as it is, and fills no place itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from allometry.inference.calls import Meter, Prompt, Request, Scope


def behind(prompt: Prompt, said: str) -> Prompt:
    """A prompt with a text behind it: in the same text, or as a further message of the user.

    >>> behind("2+2=", " Why?"), behind(({"role": "user", "content": "2+2="},), " Why?")[1]
    ('2+2= Why?', {'role': 'user', 'content': 'Why?'})
    """
    return f"{prompt}{said}" if isinstance(prompt, str) else (*prompt, {"role": "user", "content": said.strip()})


def filled(template: str, **texts: str) -> str:
    """A text with all of its places filled at once.

    >>> filled("{best} over {worst} {other}", best="{worst}", worst="b")
    '{worst} over b {other}'
    """
    places = re.compile(r"\{(" + "|".join(texts) + r")\}")
    return places.sub(lambda match: texts[match[1]], template)


def within_budget(engine: Scope, asked: Sequence[Request], beside: Meter) -> list[Request]:
    """As many samples as the budget is sure to hold, `beside` set aside for each; the last requests lose theirs first."""
    kept = [*asked]
    while kept and not engine.fits(kept, beside=beside * sum(request.n for request in kept)):
        last = kept.pop()
        if last.n > 1:
            kept.append(replace(last, n=last.n - 1))
    return kept
