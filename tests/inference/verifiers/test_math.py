"""Equal in mathematics, where the library is there; refused with how to get it where it is not."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from allometry.inference.calls import Response
from allometry.inference.tasks import Problem
from allometry.inference.verifiers import find_grader
from allometry.inference.verifiers.graders import math
from allometry.notices import Refused

needed = pytest.mark.skipif(find_spec(math.LIBRARY) is None, reason="math-verify is not installed")


@pytest.mark.skipif(find_spec(math.LIBRARY) is not None, reason="math-verify is installed")
def test_without_the_library_it_is_refused() -> None:
    with pytest.raises(Refused, match=r"pip install 'allometry\[math\]'"):
        find_grader("math")


@needed
@pytest.mark.parametrize(
    ("text", "answer", "right"),
    [
        (r"so \boxed{\frac{1}{2}}", "0.5", True), (r"The answer is $\frac{2}{4}$.", "1/2", True),
        (r"\boxed{(x+1)^2}", "x^2+2x+1", True), (r"\boxed{\sqrt{8}}", r"2\sqrt{2}", True), (r"\boxed{3}", "4", False),
        (r"\boxed{\{1, 2\}}", r"\{2, 1\}", True), ("no formula at all", "4", False), ("", "4", False),
        ("the answer is 12", "12", True),
    ],
)  # fmt: skip
def test_equal_in_mathematics(text: str, answer: str, right: bool) -> None:
    grader = find_grader("math")
    assert grader.check is not None
    assert (grader.oracle, grader.kind) == (True, "exact outcome")
    assert grader.check(Problem("1", "?", answer), Response(text)) == right


@needed
def test_what_never_ends_is_wrong_and_the_next_is_compared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(math, "SECONDS", 1.0)
    comparer = math.Comparer()
    assert not comparer.equal("9^{9^{9^{9}}}", r"\boxed{9^{9^{9^{9}}}+1}")
    assert comparer.equal("1/2", r"\boxed{0.5}")
