"""The process that compares by math-verify: one question a line, one answer a line, until nobody asks any more."""

import json
import resource
import sys

MEMORY = 4 << 30
# Longer texts are read from their end, where answers stand.
LONGEST = 20_000


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from math_verify import parse, verify

    for line in sys.stdin:
        question = json.loads(line)
        try:
            gold = parse(_boxed(question["answer"]), parsing_timeout=None)
            found = parse(question["text"][-LONGEST:], parsing_timeout=None)
            right = bool(gold) and bool(found) and verify(gold, found, timeout_seconds=None)
        except Exception:  # whatever a text can do to a parser: it is not the answer
            right = False
        sys.stdout.write("true\n" if right else "false\n")
        sys.stdout.flush()


def _boxed(answer: str) -> str:
    """An answer as the library reads it best."""
    return answer if "$" in answer or "\\boxed" in answer else f"\\boxed{{{answer}}}"


if __name__ == "__main__":
    main()
