"""Text to tokens, for formulas and filters alike; what no grammar here knows is refused with a hint."""

from __future__ import annotations

import keyword
import re
from typing import Literal, NamedTuple

from allometry.expressions.limits import check_length
from allometry.notices import Refused

Kind = Literal["number", "name", "symbol", "text", "column", "newline", "end"]

_PATTERN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)
    |(?P<newline>\n)
    |(?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+|[kKMBT])?(?![A-Za-z0-9_]))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<text>'[^'\n]*'|"[^"\n]*")
    |(?P<column>`[^`\n]+`)
    |(?P<symbol>\*\*|\.\.|//|==|!=|<=|>=|&&|\|\||:=|[-+*/()<>=,:\[\]])""",
    re.VERBOSE,
)
_SUFFIXES = {"k": "e3", "K": "e3", "M": "e6", "B": "e9", "T": "e12"}
_WORDS = {"and", "or", "not", "in"}  # the reserved words that the grammar has a use for
_HINTS = {
    "^": "use ** for a power",
    "//": "use / to divide",
    "&": "use and",
    "&&": "use and",
    "|": "use or",
    "||": "use or",
    "!": "use not",
    ".": "nothing has attributes; a decimal number is written 0.5",
    ":=": "name a part on its own line, such as G = A/N**alpha",
    "if": "use where(comparison, a, b)",
    "else": "use where(comparison, a, b)",
    "lambda": "no function can be defined; a parameter of this name can be called lambda_",
}


class Token(NamedTuple):
    """A piece of text and where it starts; `text` is without quotes, and a number's suffix is spelt out."""

    kind: Kind
    text: str
    where: str
    suffixed: bool = False


def tokenize(text: str) -> list[Token]:
    """Every token of a text, the last of kind "end"; comments and spaces are dropped, newlines in brackets too.

    Raises `Refused`: too-long, or bad-text for a character or word that has no meaning here.

    >>> [token.text for token in tokenize("7B <= N")][:-1]
    ['7e9', '<=', 'N']
    """
    check_length(text)
    tokens: list[Token] = []
    position = line = start = brackets = 0
    while position < len(text):
        match = _PATTERN.match(text, position)
        where = f"line {line + 1}, column {position - start + 1}"
        if match is None:
            raise _unreadable(text[position:], where)
        piece, position = match.group(), match.end()
        if match.lastgroup == "newline":
            line, start = line + 1, position
        if match.lastgroup != "space" and not (match.lastgroup == "newline" and brackets):
            tokens.append(_token(match.lastgroup or "", piece, where))
        brackets = max(0, brackets + (piece in ("(", "[")) - (piece in (")", "]")))
    return [*tokens, Token("end", "", f"line {line + 1}, column {position - start + 1}")]


def _token(kind: str, piece: str, where: str) -> Token:
    if kind == "number" and piece[-1] in _SUFFIXES:
        return Token("number", piece[:-1] + _SUFFIXES[piece[-1]], where, suffixed=True)
    if kind == "number":
        return Token("number", piece, where)
    if kind in ("text", "column"):
        return Token("text" if kind == "text" else "column", piece[1:-1], where)
    if kind == "newline":
        return Token("newline", piece, where)
    if piece in _WORDS or (kind == "symbol" and piece not in _HINTS):
        return Token("symbol", piece, where)
    if piece in _HINTS or keyword.iskeyword(piece):
        mend = _HINTS.get(piece, "choose another name")
        raise Refused("bad-text", f"`{piece}` has no meaning here", where, mend)
    return Token("name", piece, where)


def _unreadable(rest: str, where: str) -> Refused:
    if not rest[0].isascii():
        message = f"names and signs are plain ASCII and {rest[0]!a} is not"
        return Refused("bad-text", message, where, "spell it out, such as alpha")
    if rest[0] in "'\"`":
        return Refused("bad-text", f"the quote {rest[0]} is not closed", where)
    if rest[0].isdigit():
        word = re.match(r"[A-Za-z0-9_.]*", rest)
        message = f"{(word.group() if word else rest)[:20]} is not a number"
        return Refused("bad-text", message, where, "write 7e9, and put * between a number and a name")
    return Refused("bad-text", f"{rest[0]!r} has no meaning here", where, _HINTS.get(rest[0], ""))
