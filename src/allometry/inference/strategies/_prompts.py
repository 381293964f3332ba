"""What is said behind a prompt, and the small parsers of what a model says in return: its text is data, never code."""

from __future__ import annotations

import re

from allometry.inference.calls import Prompt

_FIELD = re.compile(r"\{(\w+)\}")
_ITEM = re.compile(r"\s{0,8}(\d{1,2})[.):][ \t]+(\S.*)")
_SHARE = re.compile(r"\s{0,8}(0(?:\.\d{1,9})?|1(?:\.0{1,9})?|\.\d{1,9})(?![\d%])")


def filled(template: str, **values: str) -> str:
    """A template with its fields in braces filled in, once: what is put in is no pattern, other braces stay.

    >>> filled("{task}: {x}", task="{x} of {y}", x="3")
    '{x} of {y}: 3'
    """
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), template)


def behind(prompt: Prompt, said: str) -> Prompt:
    """A prompt with a text behind it: more of the same text, or one more message of the user.

    >>> behind("2+2", " is what?")
    '2+2 is what?'
    """
    if not said:
        return prompt
    return f"{prompt}{said}" if isinstance(prompt, str) else (*prompt, {"role": "user", "content": said.strip()})


def alone(prompt: Prompt, said: str) -> Prompt:
    """A prompt of the same kind that holds nothing but a text."""
    return said if isinstance(prompt, str) else ({"role": "user", "content": said},)


def numbered(text: str, most: int) -> list[str]:
    """The items of a numbered list, one a line, from 1 upwards; other lines are passed over, and so are further items.

    >>> numbered("The steps:\\n1. halve it\\n2) add 3\\n7. no item", 4)
    ['halve it', 'add 3']
    """
    found: list[str] = []
    for line in text.splitlines():
        item = _ITEM.fullmatch(line)
        if item and int(item[1]) == len(found) + 1 and len(found) < most:
            found.append(item[2].strip())
    return found


def share(text: str) -> float | None:
    """The number from 0 to 1 that a text begins with; None for anything else.

    >>> share(" 0.75, for it is long"), share("75%"), share("hard")
    (0.75, None, None)
    """
    found = _SHARE.match(text)
    return float(found[1]) if found else None
