"""What is read out of texts as people and models word them, and texts that are made to be hard to read."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.tasks import READERS, find_reader, last_json, last_number
from allometry.notices import Refused


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is 42.", "42"), ("It costs $1,234.50!", "2469/2"), ("1e3", "1000"), ("2.5E-1", "1/4"),
        ("3/4", "3/4"), ("2 1/2 cups", "5/2"), (r"\frac{3}{4}", "3/4"), (r"-\dfrac{3}{4}$", "-3/4"), ("x = -7", "-7"),
        ("x = −7", "-7"), ("10-3", "3"), ("45%", "9/20"), (r"45\%", "9/20"), ("2 × 10^3", "2000"),
        (r"6.02 \times 10^{23}", "602000000000000000000000"), (".5", "1/2"), ("1,000/4", "250"), ("#### 12,000", "12000"),
        ("1,23", "23"), ("3 apples and 4", "4"), (r"\boxed{17}", "17"), ("x+5", "5"), ("= +5", "5"),
    ],
)  # fmt: skip
def test_numbers(text: str, value: str) -> None:
    found = last_number(text)
    assert found is not None
    assert found.value == Fraction(value)


@pytest.mark.parametrize("text", ["", "none", "1/0", "1e999999999", "9" * 100, "10^{2}" * 0 + "π"])
def test_what_is_no_number(text: str) -> None:
    assert last_number(text) is None


@given(st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6))
def test_every_fraction_is_read_as_it_is_written(value: Fraction) -> None:
    assert find_reader("number")(f"so the answer is {value}.") == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_it_is_written(value: float) -> None:
    assert find_reader("number")(f"= {value!r}") == Fraction(repr(value))


def test_a_number_is_found_at_the_end_of_a_long_text() -> None:
    assert find_reader("number")("12 and then " * 1000 + "-3 1/2 it is" + ", or so" * 1000) == Fraction(-7, 2)
    assert find_reader("number")("1" * 1000) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("C", "C"), ("(c)", "C"), ("c.", "C"), ("The answer is (C).", "C"), ("Answer: C", "C"), ("**Answer:** C", "C"),
        ("Answer: **C) Paris**", "C"), ("the correct option is B", "B"), (r"So \boxed{D}.", "D"),
        (r"\boxed{\text{D}}", "D"), (r"\boxed{a+b}", None), (r"\boxed{B. Paris}", "B"), ("(A) and (B) are out.\n\n**J**", "J"), ("I would pick (B)", "B"),
        ("The answer is A, no, the answer is E", "E"), ("B) because it rains", "B"), ("Final answer\nE", "E"),
        ("A cat. I think so.", None), ("an answer I know", None), ("I answer a lot", None), ("the answer is a cat", None), ("answer: b", "B"), ("option (a) it is", "A"), ("K", None), ("", None), ("the answer isn’t clear", None),
    ],
)  # fmt: skip
def test_choices(text: str, letter: str | None) -> None:
    assert find_reader("choice")(text) == letter


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), ('"a"', "a"), ("null", None), ('```json\n{"a": 1}\n```', {"a": 1}), ("[1] says {\"a\": [2]}", {"a": [2]}),
        ("{a} [1, 2] {b}", [1, 2]), ('{"a": {"b": 1}} {"a":', {"a": {"b": 1}}),
    ],
)  # fmt: skip
def test_json(text: str, value: object) -> None:
    found = last_json(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize("text", ["", "no", "{", "NaN", "{'a': 1}", "[NaN]", "[" * 5000, "1" * 5000])
def test_what_is_no_json(text: str) -> None:
    assert last_json(text) is None


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize(
    "text",
    [
        "\n",
        " ",
        "answer ",
        "*",
        "(",
        "[",
        "{",
        '{"a":',
        "\\boxed{",
        "1",
        "1,",
        "1 ",
        "1/",
        "-",
        "answer is **",
        "A",
        "1e",
    ],
    ids=repr,
)
def test_no_text_takes_long_to_read(reader: str, text: str) -> None:
    """One that took the square of its length would be ten thousand million steps here."""
    READERS[reader](text * (100_000 // len(text)))


@given(st.text())
def test_every_reader_takes_every_text(text: str) -> None:
    for read in READERS.values():
        hash(read(text))


def test_readers_are_found_by_name() -> None:
    with pytest.raises(Refused, match="no reader of answers is called 'nubmer'"):
        find_reader("nubmer")
