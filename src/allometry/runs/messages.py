"""How row numbers are said: counted from 0 in the table as given, the first five and how many more."""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 5


def listed_rows(rows: Iterable[int]) -> str:
    """The rows in words.

    >>> listed_rows([3, 9]), listed_rows(range(100, 107))
    ('rows 3 and 9', 'rows 100, 101, 102, 103, 104 and 2 more')
    """
    numbers = [str(int(row)) for row in rows]
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    if len(numbers) > _SHOWN:
        numbers = [*numbers[:_SHOWN], f"{len(numbers) - _SHOWN} more"]
    return f"rows {', '.join(numbers[:-1])} and {numbers[-1]}"
