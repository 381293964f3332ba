"""Credentials do not survive in addresses, texts or options."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allometry.inference.calls import Request
from allometry.inference.records import find_hook, mask, strip_url
from allometry.inference.records.privacy import check_keep
from allometry.notices import Refused

WORD = st.text("abcXYZ0189", min_size=8, max_size=20).map(lambda word: f"S{word}S")


@given(WORD, WORD, WORD, WORD)
def test_no_part_of_an_address_that_may_hold_a_credential_stays(
    user: str, password: str, query: str, part: str
) -> None:
    found = strip_url(f"http://{user}:{password}@host.example:81/v1/chat?key={query}#{part}")
    assert found == "http://host.example:81/v1/chat"


@given(st.text(max_size=30), WORD, st.text(max_size=30))
def test_a_masked_text_never_holds_the_secret(before: str, secret: str, after: str) -> None:
    assert secret not in mask(before + secret + after, [secret])


def test_short_words_are_not_blotted_out() -> None:
    assert mask("the key", ["e", ""]) == "the key"


@pytest.mark.parametrize(
    "options",
    [
        {"extra_headers": {"X": "1"}},
        {"api_key": "x"},
        {"nested": {"Authorization": "x"}},
        {"list": [{"cookie": "x"}]},
    ],
)
def test_options_with_credentials_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(Refused, match="may hold a credential"):
        Request("q", max_tokens=1, options=options)


def test_other_options_pass() -> None:
    assert Request("q", max_tokens=1, options={"top_k": 5, "max_tokens_x": 1}).options["top_k"] == 5


@pytest.mark.parametrize("name", ["nothing", "json:nothing", "no_such_module_here:x", "no/such/file.py:x"])
def test_hooks_that_are_not_there_are_refused(name: str) -> None:
    with pytest.raises(Refused):
        find_hook(name)


def test_a_hook_in_a_file_is_found(tmp_path: object) -> None:
    path = f"{tmp_path}/mine.py"
    with open(path, "w") as file:
        file.write("def hide(line):\n    return line\n")
    assert find_hook(f"{path}:hide")({"a": 1}) == {"a": 1}


def test_unknown_choices_of_what_to_keep_are_refused() -> None:
    with pytest.raises(Refused, match="text, hashes or meters"):
        check_keep("everything")
