"""Faults of set-up that a person can repair."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from batchtab.errors import UsageError

_HINTS = {
    errno.ENOSPC: "free some space, then run batchtab setup again",
    errno.EDQUOT: "free some space, then run batchtab setup again",
    errno.EROFS: "use a folder that can be written to",
    errno.EACCES: "use a folder that can be written to",
    errno.EPERM: "use a folder that can be written to",
}


class ToolchainError(UsageError):
    """All faults that were found, one line each: what, the value, what is allowed, how to repair it."""

    def __init__(self, problems: Iterable[str]) -> None:
        """Takes the lines; line breaks within one are removed, so that each remains one line."""
        self.problems = tuple(" ".join(problem.split()) for problem in problems)
        super().__init__("\n".join(self.problems))

    def __str__(self) -> str:
        return self.message


def described(error: OSError) -> str:
    """An error of the operating system in one line, with what helps where that is known."""
    place = f"'{error.filename}': " if error.filename else ""
    hint = _HINTS.get(error.errno or 0)
    return f"{place}{error.strerror or error}" + (f"; {hint}" if hint else "")
