"""Reading the final answer out of a text that a model wrote: each reader gives one value, or None where there is none.

Answers that are read alike vote together, and are compared with the problem's own as that is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple, NoReturn, TypeAlias

from allometry.axes import nearest_names
from allometry.inference.calls import canonical
from allometry.inference.records import find_hook
from allometry.inference.tasks.problem import whole_text
from allometry.notices import Refused

Reader: TypeAlias = Callable[[str], Hashable | None]
# Longer runs of digits are no answer to anything, and large exponents make numbers without end.
_DIGITS, _POWER = 40, 400
# The last number lies within so many characters around the last digit.
_BEFORE, _BEHIND = 400, 8


class Read(NamedTuple):
    """A number, and whether it stood before a percent sign (by which it is divided)."""

    value: Fraction
    percent: bool


_WHOLE = "(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
_PLAIN = rf"{_WHOLE}(?:\.[0-9]+)?|\.[0-9]+"
_NUMBER = re.compile(
    rf"(?P<minus>(?<![0-9A-Za-z_)\]}}.])[-+]\s?)?[$€£]?(?:"
    rf"\\[dt]?frac\{{(?P<over>-?[0-9]+)\}}\{{(?P<under>[0-9]+)\}}"
    rf"|(?:(?P<whole>[0-9]+) )?(?P<above>{_WHOLE}) ?/ ?(?P<below>{_WHOLE})(?![0-9/]|\.[0-9])"
    rf"|(?P<plain>{_PLAIN})(?:[eE](?P<power>[-+]?[0-9]+)|\s?(?:×|\*|\\times|\\cdot)\s?10\^\{{?(?P<ten>[-+]?[0-9]+)\}}?)?"
    rf")(?P<percent>\s?\\?%)?"
)


def last_number(text: str) -> Read | None:
    """The last number of a text, exactly.

    It reads 1,000 and 1e3 and 2×10^3, 3/4 and 2 1/2 and \\frac{3}{4}, signs, currencies, and percent, by which it
    divides. It does not read 1.000,50 or words, and of 2^10 or \\sqrt{3} it reads the last number only: use the `math`
    grader for what is more than a number.

    >>> [str(last_number(text).value) for text in ("so 1,000.50", "x = -3/4.", "12%", "10-3", "$1e3")]
    ['2001/2', '-3/4', '3/25', '3', '1000']
    """
    end = max(text.rfind(digit) for digit in "0123456789")
    if end < 0:
        return None
    found = None
    for match in _NUMBER.finditer(text[max(0, end - _BEFORE) : end + _BEHIND].replace("−", "-")):
        found = match
    return None if found is None else _value(found)


def _value(match: re.Match[str]) -> Read | None:
    part = {name: found and found.replace(",", "") for name, found in match.groupdict().items()}
    if any(part[name] and len(part[name]) > _DIGITS for name in part):
        return None
    power = int(part["power"] or part["ten"] or 0)
    under = int(part["under"] or part["below"] or 1)
    if abs(power) > _POWER or under == 0:
        return None
    if part["plain"]:
        value = Fraction(part["plain"]) * Fraction(10) ** power
    else:
        value = int(part["whole"] or 0) + Fraction(int(part["over"] or part["above"]), under)
    value = -value if (part["minus"] or "").startswith("-") else value
    return Read(value / 100 if part["percent"] else value, bool(part["percent"]))


def number(text: str) -> Hashable | None:
    """The last number of a text: 0.5, 1/2 and 50% are the same answer."""
    found = last_number(text)
    return None if found is None else found.value


# Boxes that do not close are passed over, but no more than so many.
_BOXES = 20


def boxed(text: str) -> Hashable | None:
    """What stands in the last whole \\boxed{...}, without space.

    >>> boxed(r"so \\boxed{\\frac{1}{2}}")
    '\\\\frac{1}{2}'
    """
    end = len(text)
    for _ in range(_BOXES):
        start = text.rfind("\\boxed{", 0, end)
        inside = None if start < 0 else _braced(text, start + len("\\boxed"))
        if inside is not None:
            return "".join(inside.split()) or None
        end = start
    return None


def _braced(text: str, start: int) -> str | None:
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start + 1 : i]
    return None


# Runs of space are bounded: a text of nothing else must not take the square of its length. A capital letter counts
# behind "is" or a colon, and but for A and I, which are words, also without; a small one only in brackets or at the end.
_SPACE = r"[\s*_`]{0,4}"
_SAID = re.compile(
    rf"\b(?i:answer|choice|option){_SPACE}(?:"
    rf"(?:(?i:is)\b|[:=]){_SPACE}:?{_SPACE}(?:([A-J])\b(?![’'])|([a-j])(?=[).:,;*]|\s{{0,4}}$))"
    rf"|(?:(?i:is)\b|[:=])?{_SPACE}:?{_SPACE}(?:[(\[]([A-Ja-j])[)\]]|([B-HJ])\b(?![’']))"
    r")|\\boxed\{\s{0,4}(?:\\text\{)?[(\[]?([A-Ja-j])(?=\s{0,4}[)\].:}])",
)
_ALONE = re.compile(r"^[ \t*_`]{0,8}[(\[]?([A-Ja-j])[)\].:]?[ \t*_`.\r]{0,8}$", re.MULTILINE)
_BRACKETED = re.compile(r"[(\[]([A-J])[)\]]|\*\*([A-J])[).:]?\*\*|(?:^|\s)([A-J])[).:](?=\s|$)")


def choice(text: str) -> Hashable | None:
    """The letter from A to J that a text chooses, as answers to multiple choice are worded.

    First the last one that is called so ("the answer is (C)", "Answer: C", "option C", boxed), then the last that has
    a line to itself, then the last in brackets, bold or before ")", "." or ":". A letter within prose is none.

    >>> choice("(A) is wrong, so the answer is **C**."), choice("B"), choice("I think a cat is one.")
    ('C', 'B', None)
    """
    for pattern in (_SAID, _ALONE, _BRACKETED):
        found = [next(letter for letter in match.groups() if letter) for match in pattern.finditer(text)]
        if found:
            return found[-1].upper()
    return None


_CALLED = re.compile(
    rf"(?:####|\b(?i:answer|result){_SPACE}(?:(?i:is)\b|[:=]){_SPACE}:?)[*_`]{{0,2}}[ \t]{{0,4}}([^\n]{{1,2000}})"
)


def answer(text: str) -> Hashable | None:
    """What a text calls its answer: the last box, or else the rest of the line behind the last "the answer is",
    "Answer:" or "####"; a text of one line is its answer.

    >>> answer("First 2+2.\\nThe answer is **4**."), answer("Paris"), answer("Well,\\nwho knows?")
    ('4', 'Paris', None)
    """
    box = boxed(text)
    if box is not None:
        return box
    lines = text.strip().splitlines()
    called = [match.group(1) for match in _CALLED.finditer(text)] or (lines if len(lines) == 1 else [])
    return (called[-1].strip(" \t\r*_`$").rstrip(".").strip(" *_`$") or None) if called else None


# So many characters may be parsed in vain before the search for a JSON value is given up.
_VAIN = 1_000_000
_DECODER = json.JSONDecoder(parse_constant=lambda name: _not_json(name))


def _not_json(name: str) -> NoReturn:
    raise json.JSONDecodeError(name, "", 0)


class Found(NamedTuple):
    """A JSON value; it may be null, which is not the same as none."""

    value: Any


def last_json(text: str) -> Found | None:
    """The JSON value that a text is, or else the last object or list in it; None where there is none.

    >>> last_json('as asked: {"a": [1, 2]}. Done.').value
    {'a': [1, 2]}
    """
    whole = _decode(text.strip(), 0)
    if isinstance(whole, tuple) and whole[1] == len(text.strip()):
        return Found(whole[0])
    found, at, vain = None, 0, 0
    while vain < _VAIN and (start := _next_opening(text, at)) >= 0:
        tried = _decode(text, start)
        if isinstance(tried, tuple):
            found, at = Found(tried[0]), tried[1]
        else:
            vain, at = vain + max(1, tried - start), start + 1
    return found


def _next_opening(text: str, at: int) -> int:
    places = [place for place in (text.find("{", at), text.find("[", at)) if place >= 0]
    return min(places, default=-1)


def _decode(text: str, start: int) -> tuple[Any, int] | int:
    """A value and its end, or the place at which it turned out to be none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return error.pos
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        return len(text)
    return value, end


def json_text(text: str) -> Hashable | None:
    """The last JSON value of a text as one text, whatever the order of its keys.

    >>> json_text('{"b": 1, "a": 2}')
    '{"a":2,"b":1}'
    """
    found = last_json(text)
    return None if found is None else canonical(found.value)


READERS: Mapping[str, Reader] = {
    "whole": whole_text, "answer": answer, "number": number, "choice": choice, "boxed": boxed, "json": json_text,
}  # fmt: skip


def find_reader(text: str) -> Reader:
    """The reader of a name (whole, answer, number, choice, boxed, json), or a function of a text: `mine.py:read`.

    Errors: `Refused` with the nearest names when there is none.

    >>> find_reader("number")("about 1,200")
    Fraction(1200, 1)
    """
    if ":" in text:
        reader: Reader = find_hook(text)
        return reader
    if text not in READERS:
        near = ", ".join(nearest_names(text, READERS))
        raise Refused("unknown-reader", f"no reader of answers is called {text!r}", mend=f"the nearest are {near}")
    return READERS[text]
