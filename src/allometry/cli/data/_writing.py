"""Several files of one answer, all of them or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from allometry.notices import Refused


@contextmanager
def all_or_none(*files: Path | None) -> Iterator[tuple[Path | None, ...]]:
    """Names beside the files, of the same kinds, to write to; they take their places together once all are written.

    None stands for a file that is not asked for. Where writing fails nothing is left, and the refusal names the file.
    """
    staged = [None if file is None else file.with_name(f".{os.getpid()}.{file.name}") for file in files]
    pairs = [(one, file) for one, file in zip(staged, files, strict=True) if one is not None and file is not None]
    try:
        yield tuple(staged)
        for one, file in pairs:
            one.replace(file)
    except Refused as refused:
        places = {str(one): str(file) for one, file in pairs}
        raise Refused(refused.code, refused.message, places.get(refused.where, refused.where), refused.mend) from None
    except OSError as error:
        raise Refused("cannot-write", f"the files cannot be put in place: {error.strerror}", str(error.filename2),
                      "choose others") from None  # fmt: skip
    finally:
        for one, _ in pairs:
            with suppress(OSError):
                one.unlink(missing_ok=True)
